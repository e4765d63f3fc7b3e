"""`beistand uninstall`: whose it is, what it takes, and that it takes nothing without the rights."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from beistand.cli import uninstall

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("environment", "uid"),
    [
        ({"SUDO_UID": "1000"}, 1000),
        ({"PKEXEC_UID": "1001", "SUDO_UID": "1000"}, 1001),
        ({"SUDO_UID": "-1"}, 0),
        ({"SUDO_UID": "x"}, 0),
        ({}, 0),
    ],
)
def test_it_is_for_whoever_asked(environment: dict[str, str], uid: int) -> None:
    assert uninstall.person(environment) == uid


def test_without_the_rights_nothing_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = _key(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit) as stopped:
        uninstall.run(["--state", str(tmp_path / "state")])
    assert stopped.value.code == 1
    assert "sudo beistand uninstall" in capsys.readouterr().err
    assert key.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root's rights")
def test_with_them_the_key_and_the_state_go_and_receipts_stay(tmp_path: Path) -> None:
    key = _key(tmp_path)
    receipts = tmp_path / "state" / "receipts"
    receipts.mkdir()
    (receipts / "r.json").write_text("proof")
    result = _uninstall(tmp_path)
    assert result.returncode == 0, result.stderr
    assert not key.exists()
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["receipts"]
    assert str(receipts) in result.stdout
    assert _uninstall(tmp_path).returncode == 0


def _uninstall(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "beistand", "uninstall", "--state", str(folder / "state")]
    unwanted = ("SUDO_", "PKEXEC_", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    environment = kept | {"HOME": str(folder)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _key(folder: Path) -> Path:
    key = folder / "state" / "unattended" / "device.key"
    key.parent.mkdir(parents=True)
    key.write_text("1")
    return key
