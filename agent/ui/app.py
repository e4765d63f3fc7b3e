"""Starts Qt, joins windows and engine, stays until the person leaves. Only here a QApplication is made."""

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, QSocketNotifier, Qt, Signal, Slot
from PySide6.QtWidgets import QApplication

from agent.install.rights import Answer
from agent.port import Engine, View
from agent.ui import theme
from agent.ui.taking_back import Uninstall
from agent.ui.texts import language_of
from agent.ui.windows import Windows


class Bridge(QObject):
    """Carries the newest view from the engine's thread to the windows' thread, which calls `render` with it.

    At most one waits: windows slower than the engine skip views instead of falling behind, so that a click
    never waits behind a queue of old pictures.
    """

    _waiting = Signal()

    def __init__(self, render: Callable[[View], None]) -> None:
        super().__init__()
        self._render = render
        self._lock = threading.Lock()
        self._newest: View | None = None
        self._is_closed = False
        self._waiting.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def deliver(self, view: View) -> None:
        """Called by the engine from any thread."""
        with self._lock:
            is_first, self._newest = self._newest is None, view
        if is_first:
            self._waiting.emit()

    def close(self) -> None:
        """Render nothing any more."""
        self._is_closed = True

    @Slot()
    def _take(self) -> None:
        with self._lock:
            view, self._newest = self._newest, None
        if view is not None and not self._is_closed:
            self._render(view)


class Door(QObject):
    """Carries the wish to see the main window, with a link that came along, to the windows' thread."""

    opened = Signal(str)

    def __init__(self, present: Callable[[str | None], None]) -> None:
        super().__init__()
        self._present = present
        self.opened.connect(self._open, Qt.ConnectionType.QueuedConnection)

    @Slot(str)
    def _open(self, code: str) -> None:
        self._present(code or None)


def run(
    engine: Engine,
    *,
    geometry_file: Path | None,
    language: str | None,
    code: str | None,
    indicator_is_visible: Callable[[int], bool],
    background: bool = False,
    serve: Callable[[Callable[[str], None]], None] = lambda _: None,
    uninstall: Uninstall = lambda: Answer.IMPOSSIBLE,
) -> int:
    """Show the windows until the person leaves; then close the engine. Returns the exit status.

    `language` (de, en) overrides the system's; `code` is a join code or link that came along, it is looked up
    but never joined by itself; `indicator_is_visible` proves that a native window is really on screen.
    With `background` no window is opened; `serve` is given what opens one later, from any thread.
    `uninstall` is asked for in a thread of its own, after the person said so.
    """
    application = make_application()
    windows = Windows(
        engine,
        language=language_of(language),
        indicator_is_visible=indicator_is_visible,
        geometry_file=geometry_file,
        uninstall=uninstall,
    )
    bridge = Bridge(windows.render_view)
    windows.left.connect(_leave)
    engine.subscribe(bridge.deliver)
    door = Door(windows.open)
    serve(door.opened.emit)
    if not background or code:
        windows.open(code)
    try:
        with _leaving_on_signals():
            return application.exec()
    finally:
        engine.close()
        bridge.close()
        windows.close()


def make_application() -> QApplication:
    """The one QApplication, in our look."""
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Beistand")
    application.setDesktopFileName("beistand")
    application.setQuitOnLastWindowClosed(False)
    theme.apply(application)
    return application


@contextmanager
def _leaving_on_signals() -> Iterator[None]:
    """SIGINT and SIGTERM leave in an orderly way; Qt's loop alone would never see them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    here, there = socket.socketpair()
    there.settimeout(0)
    notifier = QSocketNotifier(here.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(_leave)
    before = {number: signal.signal(number, _noted) for number in (signal.SIGINT, signal.SIGTERM)}
    wakeup = signal.set_wakeup_fd(there.fileno())
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        notifier.setEnabled(False)
        here.close()
        there.close()


def _leave() -> None:
    """End the loop. Not `quit`, which asks every window first, and ours answer a close with a question."""
    QCoreApplication.exit(0)


def _noted(_number: int, _frame: object) -> None:
    """The wake-up byte does the work; without a handler Python would raise or die instead."""
