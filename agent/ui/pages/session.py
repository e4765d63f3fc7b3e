"""The page of a running session: what is allowed right now in plain words, and the messages."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from agent.port import Access, Actions, View
from agent.ui import theme
from agent.ui.chat import ChatPanel
from agent.ui.plaintext import one_line
from agent.ui.texts import counts, duration, minute_of, names, time_of_day
from agent.ui.widgets import (
    button,
    caption,
    card,
    column,
    drawing,
    label,
    mark,
    row,
    say,
    say_quietly,
    scrolling,
)
from agent.ui.wording import Texts
from beistand.protocol.capabilities import Capability

_PANEL = 360


class AccessRow(QFrame):
    """One capability: a drawing, its name, who has it since when, and the button that stops it."""

    def __init__(self, picture: str, stop: QPushButton) -> None:
        super().__init__()
        self.setProperty("role", "row")
        self.name, self.state, self.since, self.stop = label("strong"), label(), label("small"), stop
        line = row(self, gap=2)
        line.addWidget(drawing(picture, size=30, colour=theme.PRIMARY), 0, Qt.AlignmentFlag.AlignTop)
        words = column(gap=0)
        words.setSpacing(4)
        for part in (self.name, self.state, self.since, stop):
            words.addWidget(part)
        line.addLayout(words, 1)

    def show_accesses(self, accesses: Sequence[Access], texts: Texts, *, free: str, used: str) -> None:
        """Draw the live grants of this capability, or that nobody has one."""
        people = names(texts, (access.technician for access in accesses))
        say(self.state, used.format(technicians=people) if accesses else free)
        mark(self.state, "live", "yes" if accesses else "no")
        turn = minute_of(texts, accesses)
        say_quietly(self.since, _by_person(accesses, texts, _term), turn=turn)
        self.since.setVisible(bool(accesses))
        self.stop.setVisible(bool(accesses))


class SessionPage(QWidget):
    """What is allowed on the left, messages on the right."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.people, self.organisation, self.allowed = label("heading"), label("muted"), label("strong")
        self.paused, self.stop_key = label("alert"), label("small")
        self.view_row = AccessRow("screen", button("stop-sharing"))
        self.control_row = AccessRow("pointer", button("stop-control"))
        self.chat = ChatPanel(actions)
        # On the press, not on the release: a pointer that is pulled away meanwhile must not undo a stop.
        self.view_row.stop.pressed.connect(actions.stop_sharing)
        self.control_row.stop.pressed.connect(actions.stop_control)
        page = row(self, gap=2)
        page.setContentsMargins(*[2 * theme.GAP] * 4)
        page.addWidget(self._panel())
        page.addWidget(self.chat, 1)

    def render_view(self, view: View, texts: Texts) -> None:
        """Draw the phase SESSION."""
        technician = one_line(view.technician) or texts.someone
        say(self.people, texts.session_with.format(technician=technician))
        say(self.organisation, one_line(view.organisation))
        say(self.allowed, texts.allowed_title)
        say(self.paused, texts.paused)
        self.paused.setVisible(view.confirming_end)
        say(self.stop_key, texts.stop_key_works if view.stop_key else texts.stop_key_missing)
        self.stop_key.setVisible(view.stop_key is not None)
        self._render_access(view, texts)
        self.chat.render_view(view, texts)

    def _render_access(self, view: View, texts: Texts) -> None:
        say(self.view_row.name, texts.screen_label)
        say(self.control_row.name, texts.control_label)
        caption(self.view_row.stop, texts.stop_sharing)
        caption(self.control_row.stop, texts.stop_control)
        self.view_row.show_accesses(
            of(view, Capability.VIEW), texts, free=texts.screen_free, used=texts.screen_used
        )
        self.control_row.show_accesses(
            of(view, Capability.CONTROL), texts, free=texts.control_free, used=texts.control_used
        )

    def _panel(self) -> QWidget:
        inner = QWidget()
        inner.setObjectName("scrolled")
        inside = column(inner, gap=1)
        who = column(gap=0)
        who.addWidget(self.people)
        who.addWidget(self.organisation)
        inside.addLayout(who)
        for part in (self.allowed, self.paused, self.view_row, self.control_row, self.stop_key):
            inside.addWidget(part)
        inside.addStretch(1)
        sheet, frame = card()
        frame.setContentsMargins(*[2 * theme.GAP] * 4)
        frame.addWidget(scrolling(inner))
        sheet.setFixedWidth(_PANEL)
        return sheet


def of(view: View, capability: Capability) -> tuple[Access, ...]:
    """The live grants of one capability."""
    return tuple(access for access in view.accesses if access.capability is capability)


def _by_person(accesses: Sequence[Access], texts: Texts, said: Callable[[Access, Texts], str]) -> str:
    """A line for each; the name stands only where there is more than one."""
    if len(accesses) == 1:
        return said(accesses[0], texts)
    return "\n".join(
        texts.used_line.format(
            technician=one_line(access.technician) or texts.someone, said=said(access, texts)
        )
        for access in accesses
    )


def _term(access: Access, texts: Texts) -> str:
    """Since when, and what was done; for a view, which nobody can count, how long it lasts at most."""
    minutes = access.lasted_s // 60
    begun = texts.used_since.format(time=time_of_day(texts, access.since))
    since = texts.used_for.format(minutes=minutes) if minutes else begun
    if access.capability is Capability.CONTROL:
        return texts.used_counted.format(since=since, counts=counts(texts, access.input))
    return f"{since}, {texts.used_limit.format(duration=duration(texts, access.seconds_left))}"
