"""The question whether a technician may see or control: who, what, why, how long. A no is the easy answer.

Deny is the default, Esc and closing deny, time runs to a no, and Allow can only be pressed once the person
has had a moment to see what has appeared. The words shown are exactly the words that get signed.
"""

from collections.abc import Callable
from functools import partial
from time import monotonic

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QFrame, QLabel, QProgressBar, QVBoxLayout, QWidget

from agent.port import Actions, Answer, Question
from agent.ui import theme
from agent.ui.plaintext import one_line, unbroken
from agent.ui.question_window import QuestionWindow
from agent.ui.terms import rules
from agent.ui.texts import duration
from agent.ui.widgets import (
    Callout,
    button,
    caption,
    column,
    drawing,
    label,
    row,
    say,
    scrolling,
)
from agent.ui.wording import Texts
from beistand.protocol.capabilities import Capability

ARMING_MS = 700
"""How long Allow stays out of reach at first: a click meant for something else must not hit it."""
_TICK_MS = 200
_WIDTH, _MARGIN = 840, 48
_PICTURES = {Capability.VIEW: "screen", Capability.CONTROL: "pointer", Capability.UNATTENDED: "clock"}


class ConsentDialog(QuestionWindow):
    """One question; calls `actions.answer` once at most, and holds injected input back while it is open."""

    def __init__(self, question: Question, actions: Actions, *, answered: Callable[[], None]) -> None:
        super().__init__(actions, holder=f"question:{question.request_id}")
        self.question = question
        self._actions, self._answered = actions, answered
        self._texts: Texts | None = None
        self._is_armed = False
        self._is_over = False
        self._make_parts()
        self._arrange()
        self._connect()

    def render_texts(self, texts: Texts) -> None:
        """Draw the question in this language."""
        self._texts = texts
        question = self.question
        technician = one_line(question.technician)
        asked = texts.asked[question.capability]
        self.setWindowTitle(texts.title_question)
        say(self.headline, asked.headline.format(technician=technician))
        organisation = one_line(question.organisation)
        say(self.source, texts.ask_from.format(technician=technician, organisation=organisation))
        say(self.what, f"{asked.what} {asked.limit}")
        say(self.reason_label, texts.ask_reason)
        say(self.reason, texts.quoted.format(text=one_line(question.reason)))
        self._render_terms(texts)
        self.warning.say(texts.ask_scam, texts.ask_scam_signs)
        say(self.silence, texts.ask_silence)
        self.block.setText(texts.ask_block)
        self.block.setAccessibleName(texts.ask_block)
        self.reason.setAccessibleName(f"{texts.ask_reason} {self.reason.text()}")
        caption(self.end_session, texts.end_session)
        self._render_choice()
        self._tick()

    def _render_terms(self, texts: Texts) -> None:
        """For how long; for unattended access who, until when, and at what times."""
        question = self.question
        self.rules.setVisible(question.terms is not None)
        if question.terms is None:
            say(self.term, texts.ask_duration.format(duration=duration(texts, question.duration_s)))
            return
        say(self.rules, "\n".join(rules(texts, question.terms, organisation=question.organisation)))
        say(self.term, texts.standing.ask_term)

    def shown_text(self) -> str:
        """Every sentence on screen, top to bottom, as it gets signed; only the running seconds are not."""
        parts: tuple[QLabel | QAbstractButton, ...] = (
            self.headline,
            self.source,
            self.what,
            *([self.rules] if self.question.terms else []),
            self.reason_label,
            self.reason,
            self.term,
            self.warning.first,
            self.warning.more,
            self.block,
            self.silence,
            self.end_session,
            self.allow,
            self.deny,
        )
        return unbroken("\n".join(part.text() for part in parts))

    def open_at(self, place: Callable[[QWidget], None]) -> None:
        """Show the question where `place` puts it."""
        self._fit()
        self.open_with(self.deny, place=place)
        QTimer.singleShot(ARMING_MS, self, self._arm)

    def dismiss(self) -> None:
        """Take the question away without giving an answer."""
        self._is_over = True
        self._ticker.stop()
        super().dismiss()
        self.deleteLater()

    def reject(self) -> None:
        """Esc and closing the window are a no."""
        self._answer(self._refusal())

    def _answer(self, answer: Answer) -> None:
        if self._is_over or self._texts is None:
            return
        self._is_over = True
        text, language = self.shown_text(), self._texts.language
        self._actions.answer(self.question.request_id, answer, text=text, language=language)
        self.dismiss()
        self._answered()

    def _refusal(self) -> Answer:
        return Answer.BLOCK if self.block.isChecked() else Answer.DENY

    def _arm(self) -> None:
        self._is_armed = True
        self._render_choice()

    def _tick(self) -> None:
        if self._texts is None:
            return
        left = self.question.deadline - monotonic()
        self.left_bar.setValue(round(max(0.0, left) * 1000))
        say(self.left, self._texts.ask_left.format(seconds=duration(self._texts, max(0, round(left)))))
        self._render_choice()

    def _render_choice(self) -> None:
        if self._texts is None:
            return
        is_open = self._is_armed and self.question.deadline > monotonic()
        self.allow.setEnabled(is_open and not self.block.isChecked())
        refusal = self._texts.ask_deny_block if self.block.isChecked() else self._texts.ask_deny
        caption(self.allow, self._texts.ask_allow)
        caption(self.deny, refusal)

    def _make_parts(self) -> None:
        self.headline, self.source, self.what = label("heading"), label("muted"), label("strong")
        self.reason_label, self.reason, self.rules, self.term = (
            label("small"),
            label(),
            label("strong"),
            label(),
        )
        self.warning = Callout("warning")
        self.block = QCheckBox()
        self.block.setObjectName("consent-block")
        self.silence, self.left, self.left_bar = label("muted"), label("strong"), QProgressBar()
        self.left_bar.setRange(0, self.question.answer_within_s * 1000)
        self.left_bar.setTextVisible(False)
        self.allow, self.deny = button("consent-allow"), button("consent-deny", "primary")
        self.end_session = button("end-session", "quiet")
        self.allow.setEnabled(False)
        # Enter presses what has the focus; without that it presses Deny.
        self.allow.setAutoDefault(True)
        self.deny.setAutoDefault(True)
        self.deny.setDefault(True)
        self._ticker = QTimer(self, interval=_TICK_MS)

    def _connect(self) -> None:
        self.allow.clicked.connect(partial(self._answer, Answer.ALLOW))
        self.deny.clicked.connect(self.reject)
        self.end_session.pressed.connect(self._actions.ask_end)
        self.block.toggled.connect(self._render_choice)
        self._ticker.timeout.connect(self._tick)
        self._ticker.start()

    def _arrange(self) -> None:
        window = self._window = column(self, gap=1)
        window.setContentsMargins(3 * theme.GAP, 2 * theme.GAP, 3 * theme.GAP, 2 * theme.GAP)
        self._body = QWidget()
        self._body.setObjectName("scrolled")
        self._fill(column(self._body, gap=1))
        self._area = scrolling(self._body)
        window.addWidget(self._area)
        window.addWidget(self.warning)
        countdown = row(gap=1)
        countdown.addWidget(self.block)
        countdown.addStretch(1)
        for part in (self.silence, self.left):
            part.setWordWrap(False)
            countdown.addWidget(part)
        window.addLayout(countdown)
        window.addWidget(self.left_bar)
        window.addSpacing(theme.GAP)
        choices = row()
        choices.addWidget(self.end_session)
        choices.addStretch(1)
        choices.addWidget(self.allow)
        choices.addWidget(self.deny)
        window.addLayout(choices)
        for first, second in (
            (self.deny, self.allow),
            (self.allow, self.block),
            (self.block, self.end_session),
        ):
            self.setTabOrder(first, second)

    def _fill(self, body: QVBoxLayout) -> None:
        top = row()
        picture = drawing(_PICTURES[self.question.capability], size=40, colour=theme.PRIMARY)
        top.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        words = column(gap=0)
        words.addWidget(self.headline)
        words.addWidget(self.source)
        top.addLayout(words, 1)
        body.addLayout(top)
        body.addWidget(self.what)
        body.addWidget(self.rules)
        body.addWidget(_quote(self.reason_label, self.reason))
        body.addWidget(self.term)

    def _fit(self) -> None:
        """Just high enough for everything; on a small screen the middle scrolls, never the answers."""
        screen = self.screen().availableGeometry()
        width = min(_WIDTH, screen.width() - _MARGIN)
        self.setFixedWidth(width)
        self.ensurePolished()
        margins = self._window.contentsMargins()
        inner = width - margins.left() - margins.right()
        self._area.setFixedHeight(self._body.heightForWidth(inner))
        most = screen.height() - _RESERVED
        excess = self.heightForWidth(width) - most
        if excess > 0:
            self._area.setFixedHeight(max(80, self._area.height() - excess))
        self.setFixedHeight(self.heightForWidth(width))


_RESERVED = 100
"""What the indicator bar and the window's frame need of the screen's height."""


def _quote(heading: QLabel, words: QLabel) -> QFrame:
    frame = QFrame()
    frame.setProperty("role", "quote")
    inside = column(frame, gap=0)
    inside.setContentsMargins(2 * theme.GAP, 6, theme.GAP, 6)
    inside.addWidget(heading)
    inside.addWidget(words)
    return frame
