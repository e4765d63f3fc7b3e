"""The question "End session?": nothing flows while it is open, and ending is the ready answer."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from agent.port import Actions
from agent.ui import theme
from agent.ui.question_window import QuestionWindow
from agent.ui.widgets import Callout, button, caption, column, drawing, label, row, say
from agent.ui.wording import Texts

_WIDTH = 560


class EndingDialog(QuestionWindow):
    """Shown while `View.confirming_end`; Esc and closing it mean: go on."""

    def __init__(self, actions: Actions) -> None:
        super().__init__(actions, holder="ending")
        self._actions = actions
        self.setFixedWidth(_WIDTH)
        self.title, self.means, self.paused = label("heading"), label(), Callout("calm")
        self.confirm, self.cancel = button("confirm-end", "danger"), button("cancel-end")
        for choice in (self.confirm, self.cancel):
            choice.setAutoDefault(True)
        self.confirm.setDefault(True)
        self._arrange()
        # Ending acts on the press like every stop; going on opens access again and waits for a whole click.
        self.confirm.pressed.connect(actions.confirm_end)
        self.cancel.clicked.connect(actions.cancel_end)

    def render_texts(self, texts: Texts) -> None:
        """Draw the question in this language."""
        self.setWindowTitle(texts.title_ending)
        say(self.title, texts.ending_title)
        say(self.means, texts.ending_means)
        self.paused.say("", texts.ending_paused)
        caption(self.confirm, texts.ending_confirm)
        caption(self.cancel, texts.ending_cancel)

    def open_at(self, place: Callable[[QWidget], None]) -> None:
        """Show the question where `place` puts it."""
        self.ensurePolished()
        self.setFixedHeight(self.heightForWidth(_WIDTH))
        self.open_with(self.confirm, place=place)

    def reject(self) -> None:
        """Esc: go on."""
        self._actions.cancel_end()

    def _arrange(self) -> None:
        window = column(self)
        window.setContentsMargins(*[3 * theme.GAP] * 4)
        top = row()
        top.addWidget(drawing("question", size=40, colour=theme.DANGER), 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(self.title, 1)
        window.addLayout(top)
        window.addWidget(self.paused)
        window.addWidget(self.means)
        choices = row()
        choices.addWidget(self.cancel, 1)
        choices.addWidget(self.confirm, 1)
        window.addSpacing(theme.GAP)
        window.addLayout(choices)
