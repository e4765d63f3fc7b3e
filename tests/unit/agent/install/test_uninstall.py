"""Uninstalling takes the key first, can be cut off anywhere, and leaves only what is the person's."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.install import linux, rights, running, uninstall
from agent.install.uninstall import Belongings, Step

pytestmark = pytest.mark.unit


class Cut(BaseException):
    """The machine lost its power."""


def belongings(folder: Path, *, forget: bool = False) -> Belongings:
    def run(_command: object) -> int:
        return 3

    state = folder / "state"
    return Belongings(
        state=state,
        autostart=linux.Autostart(folder / "config", run),
        links=linux.LinkHandler(folder / "data", run),
        sign_withdrawal=lambda: (state / "unattended" / "outbox" / "1.json").write_text("signed"),
        forget_receipts=forget,
    )


def installed(folder: Path, *, forget: bool = False) -> Belongings:
    mine = belongings(folder, forget=forget)
    for name in ("unattended/outbox", "receipts", "cache/deep"):
        (mine.state / name).mkdir(parents=True)
    for name in (
        "unattended/device.key",
        "unattended/standing.json",
        "receipts/r.json",
        "cache/deep/x",
        "agent.pid",
    ):
        (mine.state / name).write_text("1")
    mine.autostart.install(["/usr/bin/beistand", "agent"])
    assert mine.links is not None
    mine.links.install(["/usr/bin/beistand", "agent"])
    return mine


def left(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


PROOFS = {"state/receipts/r.json", "state/unattended/outbox/1.json"}


def test_only_receipts_and_the_signed_end_are_left(tmp_path: Path) -> None:
    mine = installed(tmp_path)
    done = uninstall.remove(mine)
    assert left(tmp_path) == PROOFS
    assert done.kept == (mine.state / "receipts", mine.state / "unattended" / "outbox")


def test_asked_to_nothing_is_left(tmp_path: Path) -> None:
    uninstall.remove(installed(tmp_path, forget=True))
    assert left(tmp_path) == set()
    assert not (tmp_path / "state").exists()


def test_the_key_goes_before_anything_else(tmp_path: Path) -> None:
    mine = installed(tmp_path)
    before = left(tmp_path)
    cut(mine, Step.KEY)
    gone = before - left(tmp_path)
    assert gone == {"state/unattended/device.key", "state/unattended/standing.json"}


@pytest.mark.parametrize("step", list(Step))
def test_a_second_run_completes_one_that_was_cut_off(tmp_path: Path, step: Step) -> None:
    mine = installed(tmp_path)
    cut(mine, step)
    assert uninstall.remove(mine).resumed
    assert left(tmp_path) == PROOFS


def test_a_key_made_since_the_interruption_goes_as_well(tmp_path: Path) -> None:
    mine = installed(tmp_path)
    cut(mine, Step.AUTOSTART)
    (mine.state / "unattended" / "device.key").write_text("a new one")
    uninstall.remove(mine)
    assert left(tmp_path) == PROOFS


def test_the_key_goes_even_if_nothing_can_be_signed(tmp_path: Path) -> None:
    mine = installed(tmp_path)

    def broken() -> None:
        raise OSError("disk full")

    cannot = Belongings(mine.state, mine.autostart, mine.links, broken)
    with pytest.raises(uninstall.Unfinished, match="stopped at key"):
        uninstall.remove(cannot)
    assert not (mine.state / "unattended" / "device.key").exists()


def test_a_link_in_the_state_is_removed_and_never_followed(tmp_path: Path) -> None:
    mine = installed(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("1")
    (mine.state / "cache" / "link").symlink_to(other)
    (mine.state / "link").symlink_to(other)
    uninstall.remove(mine)
    assert left(tmp_path) == PROOFS | {"other/precious"}


def test_where_nothing_is_installed_nothing_happens(tmp_path: Path) -> None:
    mine = belongings(tmp_path)
    quiet = Belongings(mine.state, mine.autostart, mine.links, lambda: None)
    assert uninstall.remove(quiet).kept == ()
    assert left(tmp_path) == set()


def cut(mine: Belongings, step: Step) -> None:
    def after(done: Step) -> None:
        if done is step:
            raise Cut

    with pytest.raises(Cut):
        uninstall.remove(mine, after=after)


def agent(folder: Path, *, name: str = "beistand") -> "subprocess.Popen[str]":
    program = folder / name
    program.write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    process = subprocess.Popen([sys.executable, program, "agent"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    (folder / running.NAME).write_text(f"{process.pid}\n1234\nword\n")
    return process


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_running_agent_is_found_and_nobody_else(tmp_path: Path) -> None:
    for name, is_ours in (("beistand", True), ("editor", False)):
        with agent(tmp_path, name=name) as process:
            try:
                assert (running.find(tmp_path) == process.pid) is is_ours
            finally:
                process.kill()


@pytest.mark.parametrize("text", ["", "0", "-1", "1", "x", "99999999"])
def test_what_is_no_running_agent_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / running.NAME).write_text(text)
    assert running.find(tmp_path) is None
    assert running.stop(tmp_path) is False


def test_the_rights_are_asked_for_the_way_the_system_does() -> None:
    command = ["/my program/beistand", "uninstall"]
    assert rights.elevated(command, platform="linux") == ("pkexec", *command)
    assert rights.elevated(command, platform="darwin")[-1] == (
        "do shell script \"'/my program/beistand' uninstall\" with administrator privileges"
    )
    assert "-Verb RunAs" in rights.elevated(command, platform="win32")[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_running_agent_is_ended(tmp_path: Path) -> None:
    with agent(tmp_path) as process:
        try:
            assert running.stop(tmp_path)
            assert running.find(tmp_path) is None
        finally:
            process.kill()
