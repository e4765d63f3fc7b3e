"""Windows: a scheduled task at sign-in, and the person's own registry keys for links. Not run by the tests.

Sources: "Task Scheduler Schema" and "Registering an Application to a URI Scheme", Microsoft Learn.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from agent.install import files
from agent.install.port import Run

TASK = "Beistand Agent"
KEY = r"HKCU\Software\Classes\beistand"


class Autostart:
    """A task of the person's, with the person's own rights; its definition is kept in `state`."""

    def __init__(self, state: Path, user: str, run: Run) -> None:
        self._definition = state / "sign-in-task.xml"
        self._user = user
        self._run = run

    def install(self, command: Sequence[str]) -> None:
        """The task, in place of an earlier one of ours."""
        files.write(self._definition, task(command, user=self._user))
        if self._run(["schtasks", "/Create", "/TN", TASK, "/XML", str(self._definition), "/F"]) != 0:
            raise OSError("the task at sign-in could not be made")

    def remove(self) -> None:
        """The task and its definition."""
        if self.is_installed() and self._run(["schtasks", "/Delete", "/TN", TASK, "/F"]) != 0:
            raise OSError("the task at sign-in could not be removed")
        files.remove(self._definition)

    def is_installed(self) -> bool:
        """Whether the system knows the task."""
        return self._run(["schtasks", "/Query", "/TN", TASK]) == 0


class LinkHandler:
    """beistand:// links for this person."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def install(self, command: Sequence[str]) -> None:
        """The scheme's keys."""
        if any(self._run(each) != 0 for each in link_keys(command)):
            raise OSError("the links could not be registered")

    def remove(self) -> None:
        """The scheme's keys."""
        if self.is_installed() and self._run(["reg", "delete", KEY, "/f"]) != 0:
            raise OSError("the links could not be removed")

    def is_installed(self) -> bool:
        """Whether the scheme is registered for this person."""
        return self._run(["reg", "query", KEY]) == 0


def link_keys(command: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The commands that register the scheme."""
    opened = f'{subprocess.list2cmdline(command)} "%1"'
    return (
        ("reg", "add", KEY, "/ve", "/d", "URL:Beistand", "/f"),
        ("reg", "add", KEY, "/v", "URL Protocol", "/d", "", "/f"),
        ("reg", "add", rf"{KEY}\shell\open\command", "/ve", "/d", opened, "/f"),
    )


def task(command: Sequence[str], *, user: str) -> str:
    """The task's definition: at this person's sign-in, with no more rights than theirs, no time limit."""
    program, arguments = escape(command[0]), escape(subprocess.list2cmdline(command[1:]))
    return f"""<?xml version="1.0"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>{files.MARK}</Description></RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled><UserId>{escape(user)}</UserId></LogonTrigger></Triggers>
  <Principals><Principal id="Person"><UserId>{escape(user)}</UserId><LogonType>InteractiveToken</LogonType>\
<RunLevel>LeastPrivilege</RunLevel></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>3</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Person"><Exec><Command>{program}</Command>\
<Arguments>{arguments}</Arguments></Exec></Actions>
</Task>
"""
