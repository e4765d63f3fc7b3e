"""Two questions of the person's own: withdraw unattended access? Uninstall Beistand?

Injected input is held back while one is open, so no technician answers it; the system asks for rights after.
"""

import threading
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from agent.install.rights import Answer
from agent.port import Actions
from agent.ui import theme
from agent.ui.question_window import QuestionWindow
from agent.ui.widgets import Callout, button, caption, column, drawing, label, row, say
from agent.ui.wording import Texts

_WIDTH = 600

Uninstall = Callable[[], Answer]
"""Asks the person for the rights and uninstalls with them; blocks until it is clear how that went."""


class WithdrawDialog(QuestionWindow):
    """Whether the permission ends for good."""

    def __init__(self, actions: Actions) -> None:
        super().__init__(actions, holder="withdraw")
        self._actions = actions
        self.title, self.means = label("heading"), label()
        self.confirm, self.cancel = button("withdraw-confirm", "danger"), button("withdraw-cancel")
        _arrange(self, self.title, [self.means], [self.cancel, self.confirm])
        self.confirm.clicked.connect(self._withdraw)
        self.cancel.clicked.connect(self.reject)

    def render_texts(self, texts: Texts) -> None:
        """Draw the question in this language."""
        said = texts.standing
        self.setWindowTitle(said.withdraw_window)
        say(self.title, said.withdraw_title)
        say(self.means, said.withdraw_means)
        caption(self.confirm, said.withdraw_confirm)
        caption(self.cancel, said.keep)

    def open_at(self, place: Callable[[QWidget], None]) -> None:
        """Show the question where `place` puts it."""
        _fit(self)
        self.open_with(self.cancel, place=place)

    def reject(self) -> None:
        """Nothing changes."""
        self.dismiss()

    def _withdraw(self) -> None:
        self._actions.withdraw_unattended()
        self.dismiss()


class UninstallDialog(QuestionWindow):
    """Whether everything of Beistand goes, and how it went."""

    _done = Signal(str)

    def __init__(self, actions: Actions, uninstall: Uninstall) -> None:
        super().__init__(actions, holder="uninstall")
        self._uninstall = uninstall
        self._texts: Texts | None = None
        self._is_busy = False
        self._answer: Answer | None = None
        self.title, self.means, self.outcome = label("heading"), label(), Callout("notice")
        self.confirm, self.cancel = button("uninstall-confirm", "danger"), button("uninstall-cancel")
        _arrange(self, self.title, [self.means, self.outcome], [self.cancel, self.confirm])
        self.confirm.clicked.connect(self._begin)
        self.cancel.clicked.connect(self.reject)
        self._done.connect(self._end, Qt.ConnectionType.QueuedConnection)

    def render_texts(self, texts: Texts) -> None:
        """Draw the question, or what became of it, in this language."""
        self._texts, said = texts, texts.standing
        self.setWindowTitle(said.uninstall_window)
        say(self.title, said.uninstall_title)
        say(self.means, said.uninstall_means)
        self.outcome.say(said.uninstall_results[self._answer] if self._answer else "")
        self.outcome.setVisible(self._answer is not None)
        caption(self.confirm, said.uninstall_asking if self._is_busy else said.uninstall_confirm)
        caption(self.cancel, said.keep)
        for choice in (self.confirm, self.cancel):
            choice.setEnabled(not self._is_busy)
        if self.isVisible():
            _fit(self)

    def open_at(self, place: Callable[[QWidget], None]) -> None:
        """Show the question where `place` puts it."""
        if not self._is_busy:
            self._answer = None
            self._redraw()
        _fit(self)
        self.open_with(self.cancel, place=place)

    def reject(self) -> None:
        """Nothing changes; while the system asks, this window stays, and with it input is held back."""
        if not self._is_busy:
            self.dismiss()

    def _begin(self) -> None:
        self._is_busy, self._answer = True, None
        self._redraw()
        threading.Thread(
            target=lambda: self._done.emit(self._uninstall()), name="uninstall", daemon=True
        ).start()

    def _end(self, answer: str) -> None:
        self._is_busy, self._answer = False, Answer(answer)
        self._redraw()

    def _redraw(self) -> None:
        if self._texts is not None:
            self.render_texts(self._texts)


def _arrange(window: QuestionWindow, title: QWidget, middle: list[QWidget], choices: list[QWidget]) -> None:
    window.setFixedWidth(_WIDTH)
    inside = column(window)
    inside.setContentsMargins(*[3 * theme.GAP] * 4)
    top = row()
    top.addWidget(drawing("question", size=40, colour=theme.DANGER), 0, Qt.AlignmentFlag.AlignTop)
    top.addWidget(title, 1)
    inside.addLayout(top)
    for part in middle:
        inside.addWidget(part)
    inside.addSpacing(theme.GAP)
    buttons = row()
    for choice in choices:
        buttons.addWidget(choice, 1)
    inside.addLayout(buttons)


def _fit(window: QWidget) -> None:
    window.ensurePolished()
    window.setFixedHeight(window.heightForWidth(_WIDTH))
