"""The bar above everything while somebody sees or controls: who, since when, and buttons that stop it.

It asks no window manager for its place (X11: override-redirect), so none can hide or shade it.
"""

from datetime import datetime

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QLabel, QWidget

from agent.port import Access, Actions, View
from agent.ui import icons, theme
from agent.ui.plaintext import one_line, shortened
from agent.ui.texts import clock, counts, minute_of, names, time_of_day
from agent.ui.widgets import button, caption, column, drawing, label, mark, row, say, say_quietly
from agent.ui.wording import Texts
from beistand.protocol.capabilities import Capability

_FLAGS = (
    Qt.WindowType.Tool
    | Qt.WindowType.FramelessWindowHint
    | Qt.WindowType.WindowStaysOnTopHint
    | Qt.WindowType.X11BypassWindowManagerHint
)
_SECOND_MS = 1000
_LONGEST_NAME = 30
"""Longer names are cut here, and here alone: the bar must stay small."""
_LEAST_WORDS, _EDGE = 260, 8
"""Least width of the text beside the buttons; what stays free of the screen's width."""


class IndicatorBar(QWidget):
    """Draws the live accesses; can be pulled along the top edge, never off it."""

    def __init__(self, actions: Actions) -> None:
        super().__init__(None, _FLAGS)
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setWindowIcon(icons.icon("mark-live"))
        self._view = View()
        self._texts: Texts | None = None
        self._share = 0.5
        self._right: int | None = None
        """Where the bar ends while it is on screen: its buttons are there, and must not move under a hand."""
        self._grip: QPoint | None = None
        self.summary, self.since = label("strong"), label("small")
        self.stop_control, self.stop_sharing = button("stop-control"), button("stop-sharing")
        self.end_session = button("end-session", "danger")
        self._arrange()
        # On the press: a pointer that is pulled away before the release must not undo a stop.
        self.stop_control.pressed.connect(actions.stop_control)
        self.stop_sharing.pressed.connect(actions.stop_sharing)
        self.end_session.pressed.connect(actions.ask_end)
        self._ticker = QTimer(self, interval=_SECOND_MS)
        self._ticker.timeout.connect(self._tick)
        QGuiApplication.primaryScreen().geometryChanged.connect(self._place_afresh)

    def render_view(self, view: View, texts: Texts) -> None:
        """Draw this view; whether the bar is on screen is decided elsewhere."""
        self._texts, self._view = texts, view
        self.setWindowTitle(texts.title_indicator)
        say(self.summary, summary_of(view, texts))
        self.stop_control.setVisible(bool(_people(view, Capability.CONTROL)))
        caption(self.stop_control, texts.stop_control)
        caption(self.stop_sharing, texts.stop_sharing)
        caption(self.end_session, texts.end_session)
        mark(self, "state", _state(view))
        self._tick()
        self._place()

    def appear(self) -> None:
        """Show the bar in its place, above everything."""
        self._place_afresh()
        self.show()
        self.raise_()
        self._ticker.start()

    def vanish(self) -> None:
        """Nothing is shared any more."""
        self._ticker.stop()
        self.hide()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """The bar cannot be closed; its buttons end what it shows."""
        event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take hold of the bar."""
        self._grip = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Pull the bar along the top edge."""
        if self._grip is None:
            return
        screen = QGuiApplication.primaryScreen().geometry()
        room = max(1, screen.width() - self.width())
        left = event.globalPosition().toPoint().x() - self._grip.x() - screen.left()
        self._share = min(max(left / room, 0.0), 1.0)
        self._place_afresh()

    def mouseReleaseEvent(self, _: QMouseEvent) -> None:  # noqa: N802
        """Let go of the bar."""
        self._grip = None

    def _tick(self) -> None:
        if self._texts is None:
            return
        words = _small_print(self._view, self._texts)
        self.since.setVisible(bool(words))
        say_quietly(self.since, words, turn=_turn(self._view, self._texts))

    def _place_afresh(self) -> None:
        self._right = None
        self._place()

    def _place(self) -> None:
        """At the top edge of the primary screen, wholly on it; longer words make it grow to the left."""
        screen = QGuiApplication.primaryScreen().geometry()
        self.ensurePolished()
        self.summary.setMinimumWidth(_LEAST_WORDS)
        self._bar.activate()
        room = screen.width() - _EDGE - self.minimumSizeHint().width() + _LEAST_WORDS
        lines = (self.summary, self.since)
        wanted = theme.GAP + max(each.fontMetrics().horizontalAdvance(each.text()) for each in lines)
        self.summary.setMinimumWidth(max(_LEAST_WORDS, min(wanted, room)))
        self._bar.activate()
        width = min(self.minimumSizeHint().width(), screen.width())
        height = max(self.heightForWidth(width), self.minimumSizeHint().height())
        left = screen.left() + round(self._share * (screen.width() - width))
        if self._right is not None:
            left = max(self._right - width, screen.left())
        self._right = left + width
        self.setGeometry(left, screen.top(), width, height)

    def _arrange(self) -> None:
        bar = self._bar = row(self, gap=1)
        bar.setContentsMargins(2 * theme.GAP, theme.GAP, theme.GAP, theme.GAP)
        self.picture: QLabel = drawing("screen", size=30, colour=theme.FOCUS)
        bar.addWidget(self.picture)
        words = column(gap=0)
        words.addWidget(self.summary)
        words.addWidget(self.since)
        bar.addSpacing(theme.GAP)
        bar.addLayout(words, 1)
        bar.addSpacing(theme.GAP)
        for choice in (self.stop_control, self.stop_sharing, self.end_session):
            bar.addWidget(choice, alignment=Qt.AlignmentFlag.AlignTop)


def summary_of(view: View, texts: Texts) -> str:
    """Who sees and controls, in one sentence."""
    if view.confirming_end:
        return texts.bar_paused
    viewers, drivers = _people(view, Capability.VIEW), _people(view, Capability.CONTROL)
    if not viewers and not drivers:
        return texts.bar_preparing
    if viewers == drivers:
        return _said(viewers, texts, one=texts.bar_both, many=texts.bar_both_many)
    parts = (
        _said(viewers, texts, one=texts.bar_view, many=texts.bar_view_many),
        _said(drivers, texts, one=texts.bar_control, many=texts.bar_control_many),
    )
    return ". ".join(part for part in parts if part)


def _done(accesses: tuple[Access, ...], texts: Texts) -> list[str]:
    """What each person has done with mouse and keyboard; without the name if there is only one."""
    drivers = [access for access in accesses if access.capability is Capability.CONTROL]
    if len(drivers) == 1:
        return [counts(texts, drivers[0].input)]
    return [
        texts.used_line.format(technician=_short(access.technician), said=counts(texts, access.input))
        for access in drivers
    ]


def _small_print(view: View, texts: Texts) -> str:
    """Since when, what was done, and how to stop; or whose turn it is, while that is the news."""
    if not view.accesses:
        return ""
    if view.hand_first:
        return texts.bar_hand_first
    start = min(access.since for access in view.accesses)
    elapsed = clock((datetime.now(start.tzinfo) - start).total_seconds())
    since = texts.bar_clock.format(time=time_of_day(texts, start), elapsed=elapsed)
    parts = [since, *_done(view.accesses, texts)]
    return " · ".join([*parts, texts.bar_stop_key] if view.stop_key else parts)


def _turn(view: View, texts: Texts) -> str:
    """Changes when a screen reader shall be told again: not with every second."""
    return f"{minute_of(texts, view.accesses)} {view.hand_first}" if view.accesses else ""


def _said(people: list[str], texts: Texts, *, one: str, many: str) -> str:
    if not people:
        return ""
    return (one if len(people) == 1 else many).format(technicians=names(texts, people))


def _people(view: View, capability: Capability) -> list[str]:
    everyone = (access.technician for access in view.accesses if access.capability is capability)
    return list(dict.fromkeys(map(_short, everyone)))


def _short(person: str) -> str:
    return shortened(one_line(person), most=_LONGEST_NAME)


def _state(view: View) -> str:
    if view.confirming_end:
        return "paused"
    return "control" if _people(view, Capability.CONTROL) else "view"
