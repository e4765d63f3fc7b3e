"""Asking for an administrator's rights the way the system does, and doing nothing at all without them.

`request` belongs behind a dialog of the agent's own that injected input cannot reach; the system's dialog
comes on top of it and asks for a password no technician has.
"""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

POLKIT_REFUSED = frozenset({126, 127})
"""pkexec(1): dismissed, and not authorised or no agent to ask with."""


class Answer(StrEnum):
    """How asking for the rights went."""

    STARTED = "started"
    """It is under way, and ends this process, too."""
    REFUSED = "refused"
    """No rights; nothing was changed."""
    IMPOSSIBLE = "impossible"
    """There is nothing here to ask with; nothing was changed. `sudo beistand uninstall` is left."""
    FAILED = "failed"
    """It had the rights and did not get to its end; to be started again."""


def request(program: Sequence[str], state: Path, *, platform: str = sys.platform) -> Answer:
    """Ask the person for the rights and uninstall with them; blocks until the system's dialog is answered."""
    command = elevated([*program, "uninstall", "--state", str(state)], platform=platform)
    try:
        # Of its own session: the agent that starts it is ended by it.
        status = subprocess.run(command, check=False, start_new_session=True).returncode  # noqa: S603 - no shell, our own words
    except OSError:
        return Answer.IMPOSSIBLE
    if status == 0:
        return Answer.STARTED
    refused = POLKIT_REFUSED if platform == "linux" else frozenset({1})
    return Answer.REFUSED if status in refused else Answer.FAILED


def elevated(command: Sequence[str], *, platform: str) -> tuple[str, ...]:
    """The command that has the system ask for the rights and then runs `command` with them."""
    if platform == "linux":
        return ("pkexec", *command)
    if platform == "darwin":
        words = shlex.join(command).replace("\\", "\\\\").replace('"', '\\"')
        return ("osascript", "-e", f'do shell script "{words}" with administrator privileges')
    words = subprocess.list2cmdline(command[1:]).replace("'", "''")
    first = command[0].replace("'", "''")
    start = f"Start-Process -Verb RunAs -Wait -FilePath '{first}' -ArgumentList '{words}'"
    return ("powershell", "-NoProfile", "-Command", f"try {{ {start} }} catch {{ exit 1 }}")
