"""Where the desktop has no tray: a small window, always there while somebody may come in unattended."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QWidget

from agent.port import View
from agent.ui import icons, theme
from agent.ui.standing import state_of
from agent.ui.widgets import button, caption, drawing, row
from agent.ui.wording import Texts

_FLAGS = (
    Qt.WindowType.Tool
    | Qt.WindowType.FramelessWindowHint
    | Qt.WindowType.WindowStaysOnTopHint
    | Qt.WindowType.X11BypassWindowManagerHint
)
_EDGE = 8


class Handle(QWidget):
    """One button that says how things stand and opens the main window."""

    def __init__(self, *, present: Callable[[], None]) -> None:
        super().__init__(None, _FLAGS)
        self.setObjectName("window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setWindowIcon(icons.icon("mark"))
        self.open = button("handle-open")
        self.open.clicked.connect(present)
        inside = row(self, gap=1)
        inside.setContentsMargins(*[theme.GAP] * 4)
        inside.addWidget(drawing("clock", size=22, colour=theme.PRIMARY))
        inside.addWidget(self.open)

    def render_view(self, view: View, texts: Texts, *, is_wanted: bool) -> None:
        """Draw how things stand; there only if wanted and there is a permission."""
        if view.unattended is None or not is_wanted:
            self.hide()
            return
        self.setWindowTitle(texts.standing.handle_window)
        caption(self.open, f"Beistand: {state_of(view.unattended, texts)}")
        self.adjustSize()
        room = QGuiApplication.primaryScreen().availableGeometry()
        self.move(room.left() + _EDGE, room.bottom() - self.height() - _EDGE)
        if not self.isVisible():
            self.show()
            self.raise_()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """It goes with the permission."""
        event.ignore()
