"""The start at sign-in and the link handler, on every system; other people's files stay as they are."""

import plistlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from agent.install import files, linux, macos, windows
from agent.install.port import Presence

pytestmark = pytest.mark.unit

COMMAND = ("/opt/my program/beistand", "agent", "--background")


class System:
    """Answers to the programs of a system; remembers what was run."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.ran: list[tuple[str, ...]] = []

    def __call__(self, command: Sequence[str]) -> int:
        self.ran.append(tuple(command))
        return self.status


def presences(tmp_path: Path) -> dict[str, Presence]:
    return {
        "unit": linux.Autostart(tmp_path, System()),
        "entry": linux.Autostart(tmp_path, System(status=3)),
        "links": linux.LinkHandler(tmp_path, System()),
        "launch agent": macos.Autostart(tmp_path),
    }


@pytest.mark.parametrize("name", ["unit", "entry", "links", "launch agent"])
def test_it_is_there_after_installing_and_nothing_is_left_after_removing(tmp_path: Path, name: str) -> None:
    presence = presences(tmp_path)[name]
    assert not presence.is_installed()
    presence.install(COMMAND)
    once = contents(tmp_path)
    presence.install(COMMAND)
    assert contents(tmp_path) == once
    assert presence.is_installed()
    presence.remove()
    presence.remove()
    assert not presence.is_installed()
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("name", ["unit", "entry", "links", "launch agent"])
def test_somebody_elses_file_of_that_name_stays_as_it_is(tmp_path: Path, name: str) -> None:
    presence = presences(tmp_path)[name]
    presence.install(COMMAND)
    for path in contents(tmp_path):
        path.unlink()
        path.write_text("somebody else's")
    before = contents(tmp_path)
    with pytest.raises(files.NotOurs):
        presence.install(COMMAND)
    presence.remove()
    assert contents(tmp_path) == before


def test_a_link_is_never_written_through(tmp_path: Path) -> None:
    aim = tmp_path / "aim"
    aim.write_text(files.MARK)
    (tmp_path / "link").symlink_to(aim)
    with pytest.raises(files.NotOurs):
        files.write(tmp_path / "link", f"{files.MARK}, new")
    files.remove(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert aim.read_text() == files.MARK


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    program = tmp_path / "my program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / linux.UNIT).write_text(linux.unit([str(program), "agent", "--background"]))
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / linux.UNIT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in result.stderr.splitlines() if linux.UNIT in line] == []


@pytest.mark.skipif(not shutil.which("desktop-file-validate"), reason="no desktop-file-utils here")
@pytest.mark.parametrize("text", [linux.autostart_entry(COMMAND), linux.desktop_entry(COMMAND)])
def test_the_desktop_entries_are_valid(tmp_path: Path, text: str) -> None:
    entry = tmp_path / "beistand.desktop"
    entry.write_text(text)
    result = subprocess.run(["desktop-file-validate", entry], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


def test_a_command_cannot_bring_lines_of_its_own() -> None:
    for make in (linux.unit, linux.autostart_entry, linux.desktop_entry):
        with pytest.raises(ValueError, match="control"):
            make(["/usr/bin/beistand\nExecStartPre=/bin/evil"])


def test_the_launch_agent_runs_the_command_at_sign_in() -> None:
    content = plistlib.loads(macos.launch_agent(COMMAND).encode())
    assert content["ProgramArguments"] == list(COMMAND)
    assert content["RunAtLoad"] is True


def test_the_task_runs_the_command_with_the_persons_own_rights() -> None:
    root = Xml.fromstring(windows.task(["C:\\a & b\\beistand.exe", "agent"], user="PC\\Ann & Bo"))
    said = {element.tag.rpartition("}")[2]: element.text for element in root.iter()}
    assert said["Command"] == "C:\\a & b\\beistand.exe"
    assert said["Arguments"] == "agent"
    assert said["RunLevel"] == "LeastPrivilege"
    assert said["UserId"] == "PC\\Ann & Bo"


def test_a_task_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="sign-in"):
        windows.Autostart(tmp_path, "ann", System(status=1)).install(COMMAND)


def test_windows_opens_links_with_the_program_quoted() -> None:
    system = System()
    windows.LinkHandler(system).install(["C:\\my program\\beistand.exe", "agent"])
    assert '"C:\\my program\\beistand.exe" agent "%1"' in system.ran[-1]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() or path.is_symlink()}
