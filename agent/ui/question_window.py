"""What windows with a question have in common: above others, input held back meanwhile, never put away.

Knows no question; Esc and closing the window both end in `reject`, which says what a refusal means.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QPushButton, QWidget

from agent.port import Actions
from agent.ui import icons

_FLAGS = (
    Qt.WindowType.Dialog
    | Qt.WindowType.CustomizeWindowHint
    | Qt.WindowType.WindowTitleHint
    | Qt.WindowType.WindowCloseButtonHint
    | Qt.WindowType.WindowStaysOnTopHint
)


class QuestionWindow(QDialog):
    """A non-modal window with a question; `holder` is the name under which input is held back."""

    def __init__(self, actions: Actions, *, holder: str) -> None:
        super().__init__(None, _FLAGS)
        self._input, self._holder = actions, holder
        self.setObjectName("window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowIcon(icons.icon("mark"))

    def open_with(self, ready: QPushButton, *, place: Callable[[QWidget], None]) -> None:
        """Hold injected input back, then show the window where `place` puts it, `ready` having the focus."""
        if self.isVisible():
            return
        self._input.hold_input(self._holder)
        place(self)
        self.show()
        self.raise_()
        self.activateWindow()
        ready.setFocus()

    def dismiss(self) -> None:
        """Take the window away, then let input through again."""
        if not self.isVisible():
            return
        self.hide()
        self._input.release_input(self._holder)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Closing the window is the same as Esc."""
        event.ignore()
        self.reject()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """A question cannot be put away: it comes back at once."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and self.isMinimized():
            self.showNormal()
