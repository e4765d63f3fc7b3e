"""Linux: a systemd user unit where the desktop has one, else an XDG autostart entry; and a link handler.

Sources: systemd.unit(5), systemd.special(7), the Desktop Entry and Desktop Application Autostart
specifications of freedesktop.org.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from agent.install import files
from agent.install.port import Run

UNIT = "beistand-agent.service"
TARGET = "graphical-session.target"
ENTRY = "beistand.desktop"
AUTOSTART = "beistand-agent.desktop"
SCHEME = "x-scheme-handler/beistand"
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "$$", "%": "%%"})
_ENTRY_QUOTED = str.maketrans({"\\": "\\\\\\\\", '"': '\\\\"', "$": "\\\\$", "`": "\\\\`", "%": "%%"})


class Autostart:
    """From sign-in on, by one of the two and never by both."""

    def __init__(self, config: Path, run: Run) -> None:
        self._unit = config / "systemd" / "user" / UNIT
        self._wanted = self._unit.parent / f"{TARGET}.wants" / UNIT
        self._entry = config / "autostart" / AUTOSTART
        self._run = run

    def install(self, command: Sequence[str]) -> None:
        """The unit if the desktop's own units run in this session, else the entry."""
        if self._run(["systemctl", "--user", "is-active", "--quiet", TARGET]) != 0:
            files.write(self._entry, autostart_entry(command))
            return
        files.write(self._unit, unit(command))
        self._wanted.parent.mkdir(parents=True, exist_ok=True)
        if not self._is_wanted():
            self._wanted.symlink_to(self._unit)
        files.remove(self._entry)
        self._run(["systemctl", "--user", "daemon-reload"])

    def remove(self) -> None:
        """Both, whichever is there."""
        had_unit = files.is_ours(self._unit) or self._is_wanted()
        if self._is_wanted():
            self._wanted.unlink(missing_ok=True)
        files.remove(self._unit)
        files.remove(self._entry)
        if had_unit:
            self._run(["systemctl", "--user", "daemon-reload"])

    def is_installed(self) -> bool:
        """Whether the next sign-in starts the agent."""
        return files.is_ours(self._entry) or (files.is_ours(self._unit) and self._is_wanted())

    def _is_wanted(self) -> bool:
        with suppress(OSError):
            return self._wanted.readlink() == self._unit
        return False


class LinkHandler:
    """beistand:// links for this person, where no package has installed it for everybody."""

    def __init__(self, data: Path, run: Run) -> None:
        self._entry = data / "applications" / ENTRY
        self._run = run

    def install(self, command: Sequence[str]) -> None:
        """The entry; the desktop finds it by its MimeType."""
        files.write(self._entry, desktop_entry(command))
        self._refresh()

    def remove(self) -> None:
        """The entry, if it is ours."""
        if self.is_installed():
            files.remove(self._entry)
            self._refresh()

    def is_installed(self) -> bool:
        """Whether the entry is there."""
        return files.is_ours(self._entry)

    def _refresh(self) -> None:
        self._run(["update-desktop-database", "--quiet", str(self._entry.parent)])


def unit(command: Sequence[str]) -> str:
    """The unit. Told to stop, the agent ends cleanly, so only a crash brings it back."""
    return f"""# {files.MARK}; goes when unattended access is withdrawn or Beistand is uninstalled.
[Unit]
Description=Beistand: remote support you control
PartOf={TARGET}
After={TARGET}
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
ExecStart={" ".join(_quoted(part, _QUOTED) for part in command)}
Restart=on-failure
RestartSec=5
# Uninstalling is started from the agent and outlives it.
KillMode=process

[Install]
WantedBy={TARGET}
"""


def autostart_entry(command: Sequence[str]) -> str:
    """The entry for desktops without units of their own."""
    return f"""[Desktop Entry]
# {files.MARK}; goes when unattended access is withdrawn or Beistand is uninstalled.
Type=Application
Name=Beistand
Comment=Remote support you control
Comment[de]=Fernhilfe unter Ihrer Kontrolle
Exec={_exec(command)}
Icon=beistand
Terminal=false
NoDisplay=true
X-GNOME-Autostart-enabled=true
"""


def desktop_entry(command: Sequence[str]) -> str:
    """The menu's entry, which opens beistand:// links as well; a link only ever fills in a code."""
    return f"""[Desktop Entry]
# {files.MARK}.
Type=Application
Name=Beistand
GenericName=Remote support
GenericName[de]=Fernhilfe
Comment=Let somebody help you on your own screen
Comment[de]=Lassen Sie sich am eigenen Bildschirm helfen
Exec={_exec(command)} %u
Icon=beistand
Terminal=false
Categories=Network;RemoteAccess;
MimeType={SCHEME};
StartupNotify=true
"""


def _exec(command: Sequence[str]) -> str:
    return " ".join(_quoted(part, _ENTRY_QUOTED) for part in command)


def _quoted(part: str, table: dict[int, str]) -> str:
    """Quoted where it must be; a line break would begin a line of somebody else's choosing."""
    if any(character < " " for character in part):
        raise ValueError("a command has no control characters")
    plain = part.translate(table)
    return (
        plain
        if part.replace("/", "").replace("-", "").replace(".", "").replace("_", "").isalnum()
        else f'"{plain}"'
    )
