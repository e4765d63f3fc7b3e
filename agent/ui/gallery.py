"""`python -m agent.ui.gallery --out DIR`: a picture of every window in every language at two screen sizes.

Draws sample views only; there is no engine behind it. For each size it starts a display of its own
(Xvfb with openbox), takes the whole screen as the person sees it, and each window by itself.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import mss
import mss.tools
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QWidget

from agent.ui.app import make_application
from agent.ui.samples import StillEngine, views
from agent.ui.texts import TEXTS
from agent.ui.windows import Windows
from beistand.protocol.records import Language

SIZES = ("1280x800", "1024x600")
_SETTLE_MS = 350
_ARMED_MS = 900


def main(arguments: list[str] | None = None) -> int:
    """Take all pictures; exit status 0, or that of the first display that failed."""
    parser = argparse.ArgumentParser(prog="agent.ui.gallery", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory for the pictures")
    parser.add_argument("--here", action="store_true", help="use the present display")
    parser.add_argument("--only", default="", help="views whose name contains this")
    chosen = parser.parse_args(arguments)
    if chosen.here:
        return _take_all(chosen.out, chosen.only)
    return max(_on_display(size, chosen.out, chosen.only) for size in SIZES)


def _on_display(size: str, out: Path, only: str) -> int:
    with _display(size) as name:
        command = [
            sys.executable,
            "-m",
            "agent.ui.gallery",
            "--here",
            "--out",
            str(out / size),
            "--only",
            only,
        ]
        environment = os.environ | {"DISPLAY": name, "QT_QPA_PLATFORM": "xcb"}
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603


@contextmanager
def _display(size: str) -> Iterator[str]:
    reading, writing = os.pipe()
    options = ["-displayfd", str(writing), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(["Xvfb", *options], pass_fds=[writing], stderr=subprocess.DEVNULL)  # noqa: S603, S607
    os.close(writing)
    with os.fdopen(reading) as pipe:
        name = f":{pipe.readline().strip()}"
    manager = subprocess.Popen(
        ["openbox"],  # noqa: S607
        env=os.environ | {"DISPLAY": name},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield name
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(timeout=10)


def _take_all(out: Path, only: str) -> int:
    out.mkdir(parents=True, exist_ok=True)
    application = make_application()
    backdrop = QWidget(None, Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnBottomHint)
    backdrop.setStyleSheet("background: #6f8fa6")
    backdrop.setGeometry(application.primaryScreen().geometry())
    backdrop.show()
    for language in TEXTS:
        _take_language(out, language, only)
    backdrop.close()
    application.processEvents()
    return 0


def _take_language(out: Path, language: Language, only: str) -> None:
    windows = Windows(
        StillEngine(), language=language, indicator_is_visible=lambda _: True, geometry_file=None
    )
    windows.open(None)
    for name, view in views(language, datetime.now(UTC)).items():
        if only not in name:
            continue
        windows.render_view(view)
        _wait(_ARMED_MS if view.questions else _SETTLE_MS)
        _shoot(windows, out, f"{name}-{language}")
    _take_back(windows, out, language, only)
    windows.close()


def _take_back(windows: Windows, out: Path, language: Language, only: str) -> None:
    """What the person is asked when they take the permission back, and the window put away."""
    view = views(language, datetime.now(UTC))["25-standing"]
    scenes: dict[str, Callable[[], object]] = {
        "31-withdraw": windows.main.code.standing.withdraw.click,
        "32-uninstall": windows.main.code.standing.uninstall.click,
        "33-uninstall-impossible": windows.uninstalling.confirm.click,
        "34-put-away": windows.main.close,
    }
    for name, act in scenes.items():
        if only not in name:
            continue
        windows.render_view(view)
        act()
        _wait(_SETTLE_MS)
        _shoot(windows, out, f"{name}-{language}")
        windows.withdrawing.dismiss()


def _shoot(windows: Windows, out: Path, name: str) -> None:
    with mss.MSS() as screen:
        shot = screen.grab(screen.monitors[0])
        mss.tools.to_png(shot.rgb, shot.size, output=str(out / f"{name}.png"))
    parts = {
        "main": windows.main,
        "bar": windows.bar,
        "end": windows.ending,
        "dialog": windows.question,
        "withdraw": windows.withdrawing,
        "uninstall": windows.uninstalling,
        "told": windows.told,
        "handle": windows.handle,
    }
    for part, window in parts.items():
        if window is not None and window.isVisible():
            window.grab().save(str(out / f"{name}.{part}.png"))


def _wait(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    sys.exit(main())
