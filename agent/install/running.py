"""The agent that runs on a state directory: found through `agent.pid`, proven to be ours, told to stop.

The file's first line is the process id. Ours is a process of the same person that is an agent by its command
line and older than the file: a process id that was given to somebody else since is never signalled.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

NAME = "agent.pid"
STOP_WITHIN_S = 15.0
"""The agent tells everybody the end of its session first (agent.app.STOP_WITHIN_S)."""
_CLOCK_SLACK_S = 2.0
_LOOK_EVERY_S = 0.05


class StillRunning(OSError):
    """It did not end in time, even when killed."""


def find(state: Path) -> int | None:
    """The process id of the agent running on `state`; None without one. Linux; elsewhere always None."""
    with suppress(OSError, ValueError, IndexError):
        file = state / NAME
        pid = int(file.read_text(encoding="ascii").splitlines()[0])
        if pid > 1 and _is_agent(pid, owner=file.stat().st_uid, written=file.stat().st_mtime):
            return pid
    return None


def stop(state: Path, *, within: float = STOP_WITHIN_S) -> bool:
    """End the agent on `state` and any session of its; whether there was one. StillRunning; OSError."""
    pid = find(state)
    if pid is None:
        return False
    for signalled in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with suppress(ProcessLookupError):
            os.kill(pid, signalled)
        if _is_gone(pid, state, within=within):
            return True
    raise StillRunning(f"process {pid} does not end")


def _is_gone(pid: int, state: Path, *, within: float) -> bool:
    until = time.monotonic() + within
    while find(state) == pid:
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def _is_agent(pid: int, *, owner: int, written: float) -> bool:
    process = Path("/proc") / str(pid)
    words = [Path(word).name for word in (process / "cmdline").read_text(errors="replace").split("\0")]
    named = "agent" in words and any(word.startswith("beistand") for word in words)
    return named and process.stat().st_uid == owner and _started(process) <= written + _CLOCK_SLACK_S


def _started(process: Path) -> float:
    """Seconds since the epoch (proc(5): field 22 of stat, in ticks since boot; btime of /proc/stat)."""
    ticks = int((process / "stat").read_text().rpartition(")")[2].split()[19])
    boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    return int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
