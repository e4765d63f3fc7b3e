"""A child process that writes to a log file, dies with its parent, and is stopped cleanly."""

import asyncio
import ctypes
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from beistand.bus.settings import SettingsError

STOP_PATIENCE_S = 10.0
_PR_SET_PDEATHSIG = 1


async def start(
    command: Sequence[str], *, log_file: Path, environment: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    """Start `command`, its output appended to `log_file` (0600). SettingsError if the program is missing."""
    with _private(log_file) as output:
        try:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                # A group of its own: Ctrl-C reaches only the parent, which then stops its children in order.
                start_new_session=True,
                preexec_fn=_tie_to_parent(),
            )
        except FileNotFoundError:
            raise SettingsError(f"cannot find the program {command[0]}") from None


async def stop(process: asyncio.subprocess.Process) -> None:
    """Ask the process to stop, wait, and kill it if it does not."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_PATIENCE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def last_line(log_file: Path) -> str:
    """The last line of a log, to tell why a child died."""
    try:
        lines = log_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def _private(log_file: Path) -> BinaryIO:
    log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    log_file.touch(mode=0o600)
    return log_file.open("ab")


def _tie_to_parent() -> Callable[[], None] | None:
    """Linux: the kernel ends the child when the parent dies, however it dies (prctl(2), PR_SET_PDEATHSIG).

    Elsewhere a parent killed without notice leaves its children behind; a normal stop never does.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return tie
