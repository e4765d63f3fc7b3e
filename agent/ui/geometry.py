"""Keeps a file current that says where on the screen each usable control is, for tools with real events.

JSON object: name -> [x, y, width, height] in the screen's own pixels. Each control stands under its window's
name too (`main.`, `bar.`, `dialog.`, `end.`); the plain name is the topmost one's. It tells, it never acts.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QTimer
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QWidget

from agent.ui.chat import ChatLog

Rectangle = tuple[int, int, int, int]
_CONTROLS = (QAbstractButton, QLineEdit, QComboBox, ChatLog)
_EVENTS = frozenset(
    {
        QEvent.Type.Show,
        QEvent.Type.Hide,
        QEvent.Type.Move,
        QEvent.Type.Resize,
        QEvent.Type.Expose,
        QEvent.Type.LayoutRequest,
        QEvent.Type.WindowStateChange,
    }
)
_CHECK_MS = 100


class GeometryFile(QObject):
    """Writes `path` whenever something has changed; `windows` gives name -> window, topmost first."""

    def __init__(self, path: Path, *, windows: Callable[[], Mapping[str, QWidget]]) -> None:
        super().__init__()
        self._path, self._windows = path, windows
        self._written: dict[str, Rectangle] | None = None
        self._watched: set[int] = set()
        self._timer = QTimer(self, interval=_CHECK_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()

    def refresh(self) -> None:
        """Look where everything is, and write it down if it differs."""
        windows = self._windows()
        found = rectangles(windows)
        if found != self._written:
            _write(self._path, found)
            self._written = found

    def watch(self, window: QWidget) -> None:
        """Notice at once when this window appears, goes or moves."""
        window.installEventFilter(self)

    def close(self) -> None:
        """Nothing can be clicked any more."""
        self._timer.stop()
        _write(self._path, {})

    def eventFilter(self, _: QObject, event: QEvent) -> bool:  # noqa: N802
        """Refresh soon after something has happened to a window; the event goes on."""
        if event.type() in _EVENTS:
            QTimer.singleShot(0, self, self.refresh)
        return False


def rectangles(windows: Mapping[str, QWidget]) -> dict[str, Rectangle]:
    """Where each visible, enabled control of these windows (topmost first) can be clicked."""
    found: dict[str, Rectangle] = {}
    above: list[QRect] = []
    for name, window in windows.items():
        if not _is_on_screen(window):
            continue
        for control in window.findChildren(QWidget):
            place = _place(control, above)
            if place is not None:
                found[f"{name}.{control.objectName()}"] = place
                found.setdefault(control.objectName(), place)
        above.append(window.frameGeometry())
    return found


def _is_on_screen(window: QWidget) -> bool:
    handle = window.windowHandle()
    return window.isVisible() and not window.isMinimized() and handle is not None and handle.isExposed()


def _place(control: QWidget, above: list[QRect]) -> Rectangle | None:
    if not isinstance(control, _CONTROLS) or not control.objectName() or not control.isEnabled():
        return None
    seen = control.visibleRegion().boundingRect()
    if seen.isEmpty():
        return None
    shown = QRect(control.mapToGlobal(seen.topLeft()), seen.size())
    if any(window.contains(shown.center()) for window in above):
        return None
    return _in_pixels(control, shown.topLeft(), shown)


def _in_pixels(control: QWidget, corner: QPoint, shown: QRect) -> Rectangle:
    ratio = control.devicePixelRatio()
    x, y = corner.x(), corner.y()
    return (round(x * ratio), round(y * ratio), round(shown.width() * ratio), round(shown.height() * ratio))


def _write(path: Path, found: Mapping[str, Rectangle]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")
    draft.replace(path)
