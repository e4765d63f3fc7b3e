"""A real X server without a screen, for tests that need windows, pixels or X events; optionally with openbox.

    with xvfb(width=1280, height=800, window_manager=True) as screen:
        subprocess.Popen(..., env=screen.env)

The server picks a free display itself (-displayfd) and is ready when this returns: nothing sleeps, nothing
is shared, so any number can run side by side.
"""

import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import Xlib.display
import Xlib.X

READY_WITHIN_S = 20.0


@dataclass(frozen=True)
class Screen:
    """A running X server: its name (":42") and its server process id."""

    display: str
    pid: int

    @property
    def env(self) -> dict[str, str]:
        """The environment for programs that shall appear on it (X11 only, no Wayland, no session bus)."""
        unwanted = {"WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"}
        kept = {key: value for key, value in os.environ.items() if key not in unwanted}
        return kept | {"DISPLAY": self.display, "QT_QPA_PLATFORM": "xcb", "LIBGL_ALWAYS_SOFTWARE": "1"}


@contextmanager
def xvfb(*, width: int = 1280, height: int = 800, window_manager: bool = False) -> Iterator[Screen]:
    """A 24-bit X server of this size, ended with the block."""
    process, display = _start(width, height)
    try:
        screen = Screen(display, process.pid)
        if not window_manager:
            yield screen
            return
        with _openbox(screen):
            yield screen
    finally:
        _end(process)


def _start(width: int, height: int) -> tuple[subprocess.Popen[bytes], str]:
    reader, writer = os.pipe()
    size = f"{width}x{height}x24"
    # -noreset: a display without clients keeps its state, and its keyboard map, between programs.
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", size, "-nolisten", "tcp", "-noreset"]
    try:
        process = subprocess.Popen(
            command, pass_fds=(writer,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    finally:
        os.close(writer)
    try:
        return process, ":" + _read_line(reader)
    except BaseException:
        _end(process)
        raise
    finally:
        os.close(reader)


def _read_line(reader: int) -> str:
    line = b""
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([reader], [], [], READY_WITHIN_S)
        part = os.read(reader, 64) if readable else b""
        if not part:
            raise RuntimeError("Xvfb did not start (is the package xvfb installed?)")
        line += part
    return line.decode().strip()


@contextmanager
def _openbox(screen: Screen) -> Iterator[None]:
    """A window manager that is managing: it has given a window of ours its frame."""
    process = subprocess.Popen(
        ["openbox", "--sm-disable"], env=screen.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_managed(screen.display)
        yield
    finally:
        _end(process)


def _wait_until_managed(name: str) -> None:
    """Openbox may overlook what arrives while it starts until something else happens: ask again."""
    display = Xlib.display.Display(name)
    root = display.screen().root
    window = root.create_window(0, 0, 50, 50, 0, 0, event_mask=Xlib.X.StructureNotifyMask)
    deadline = time.monotonic() + READY_WITHIN_S
    try:
        while window.query_tree().parent == root:
            if time.monotonic() > deadline:
                raise RuntimeError("openbox did not get ready (is the package openbox installed?)")
            window.unmap()
            window.map()
            display.sync()
            select.select([display.fileno()], [], [], 0.1)
            while display.pending_events():
                display.next_event()
    finally:
        window.destroy()
        display.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
