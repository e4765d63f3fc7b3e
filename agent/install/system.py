"""This machine's side of the port: which module serves it, and how the program here is started."""

import getpass
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.install import linux, macos, windows
from agent.install.port import Presence, Run

INSTALLED = Path("/usr/bin/beistand")
_RUN_WITHIN_S = 30.0


def program() -> tuple[str, ...]:
    """What starts `beistand` here: the installed command, or this interpreter with these sources."""
    if not getattr(sys, "frozen", False):
        return (sys.executable, "-m", "beistand")
    return (str(INSTALLED),) if INSTALLED.exists() else (sys.executable,)


def at_sign_in() -> tuple[str, ...]:
    """What is run when the person signs in."""
    return (*program(), "agent", "--background")


def run(command: Sequence[str]) -> int:
    """Run a program of the system's, quietly."""
    # No shell, and words of our own only.
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_RUN_WITHIN_S)  # noqa: S603
        return done.returncode
    except (OSError, subprocess.TimeoutExpired):
        return 127


def autostart(state: Path, *, run: Run = run) -> Presence:
    """The start at sign-in, for the person this process runs as: `autostart(state).install(at_sign_in())`."""
    if sys.platform == "win32":
        return windows.Autostart(state, getpass.getuser(), run)
    if sys.platform == "darwin":
        return macos.Autostart(Path.home())
    return linux.Autostart(_folder("XDG_CONFIG_HOME", ".config"), run)


def link_handler(*, run: Run = run) -> Presence | None:
    """The handler of beistand:// links; None where only an application bundle can say it (macOS)."""
    if sys.platform == "darwin":
        return None
    if sys.platform == "win32":
        return windows.LinkHandler(run)
    return linux.LinkHandler(_folder("XDG_DATA_HOME", ".local/share"), run)


def _folder(variable: str, default: str) -> Path:
    """A base directory as its specification has it: a path that is not absolute does not count."""
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else Path.home() / default
