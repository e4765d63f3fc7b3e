"""The built package, installed on this system as root, run, and uninstalled: nothing is left."""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.xvfb import xvfb
from tools import package

pytestmark = [pytest.mark.integration, pytest.mark.soak, pytest.mark.timeout(900)]

IS_ABLE = bool(importlib.util.find_spec("PyInstaller") and shutil.which("dpkg-deb") and os.geteuid() == 0)
PLACES = ("/usr/bin", "/usr/lib/beistand", "/usr/share/applications", "/usr/share/polkit-1", "/usr/share/doc")


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[None]:
    if shutil.which("beistand", path="/usr/bin"):
        pytest.skip("Beistand is installed here")
    built = package.deb(package.program(tmp_path), tmp_path)
    try:
        subprocess.run(["dpkg", "--install", built], check=True)
        yield
    finally:
        subprocess.run(["dpkg", "--purge", package.NAME], check=False, capture_output=True)


@pytest.mark.skipif(not IS_ABLE, reason="needs the extra `package`, dpkg-deb and root")
def test_installed_run_and_uninstalled_nothing_is_left(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = files()
    request.getfixturevalue("installed")
    assert "/usr/share/applications/beistand.desktop" in files() - before
    home = tmp_path / "home"
    home.mkdir()
    with xvfb() as screen:
        environment = screen.env | {"HOME": str(home), "XDG_STATE_HOME": str(home / "state")}
        with subprocess.Popen(["/usr/bin/beistand", "agent"], env=environment, cwd="/") as agent:
            try:
                wait_for_window(screen.env, agent)
                key = home / "state" / "beistand-agent" / "unattended" / "device.key"
                key.parent.mkdir(parents=True, exist_ok=True)
                key.write_text("1")
            finally:
                agent.terminate()
    kept = {name: value for name, value in environment.items() if not name.startswith(("SUDO_", "PKEXEC_"))}
    done = subprocess.run(
        ["/usr/bin/beistand", "uninstall"], env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not key.exists()
    assert files() == before


def wait_for_window(environment: dict[str, str], agent: "subprocess.Popen[bytes]") -> None:
    """Until its window is on the screen."""
    until = time.monotonic() + 120
    while time.monotonic() < until and agent.poll() is None:
        tree = subprocess.run(
            ["xwininfo", "-root", "-tree"], env=environment, capture_output=True, text=True, check=True
        )
        if '"Beistand' in tree.stdout:
            return
        time.sleep(0.5)
    pytest.fail("the installed program showed no window")


def files() -> set[str]:
    """Everything in the places a package of ours writes to, but what dpkg's own triggers rebuild."""
    found = {str(path) for place in PLACES for path in Path(place).rglob("*")}
    return {path for path in found if not path.endswith("mimeinfo.cache")}
