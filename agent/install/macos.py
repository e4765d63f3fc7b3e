"""macOS: a LaunchAgent for the start at sign-in, and what Info.plist says about links. Not run by the tests.

Sources: launchd.plist(5); "CFBundleURLTypes" in Apple's Information Property List reference.
"""

import plistlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.install import files

LABEL = "org.beistand.agent"
URL_TYPES: list[dict[str, Any]] = [
    {"CFBundleURLName": LABEL, "CFBundleURLSchemes": ["beistand"], "CFBundleTypeRole": "Viewer"}
]
"""For the bundle's Info.plist, key CFBundleURLTypes: the system finds the handler by it."""


class Autostart:
    """~/Library/LaunchAgents; launchd reads it at the next sign-in."""

    def __init__(self, home: Path) -> None:
        self._file = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"

    def install(self, command: Sequence[str]) -> None:
        """The LaunchAgent."""
        files.write(self._file, launch_agent(command))

    def remove(self) -> None:
        """The LaunchAgent, if it is ours."""
        files.remove(self._file)

    def is_installed(self) -> bool:
        """Whether the next sign-in starts the agent."""
        return files.is_ours(self._file)


def launch_agent(command: Sequence[str]) -> str:
    """As a property list: in the person's session, back after a crash and not after a clean end."""
    content = {
        "Label": LABEL,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 10,
        "LimitLoadToSessionType": "Aqua",
        "ProcessType": "Interactive",
        "BeistandNote": files.MARK,
    }
    return plistlib.dumps(content).decode("utf-8")
