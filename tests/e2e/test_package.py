"""The package built, installed on this system as root, used like the program from source, and uninstalled."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from beistand.cli.stack import Stack
from demo.customer import customer
from demo.desktop import desktop
from demo.narrator import Narrator
from demo.technician import technician
from demo.unattended import Unattended
from tools import package

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.soak,
    pytest.mark.timeout(900),
    pytest.mark.asyncio(loop_scope="session"),
]

IS_ABLE = bool(importlib.util.find_spec("PyInstaller") and shutil.which("dpkg-deb") and os.geteuid() == 0)
PROGRAM = "/usr/bin/beistand"
PLACES = ("/usr/bin", "/usr/lib/beistand", "/usr/share/applications", "/usr/share/polkit-1", "/usr/share/doc")


def files() -> set[str]:
    """Everything in the places a package of ours writes to, but what dpkg's own triggers rebuild."""
    found = {str(path) for place in PLACES for path in Path(place).rglob("*")}
    return {path for path in found if not path.endswith("mimeinfo.cache")}


@pytest.fixture
def before() -> set[str]:
    if Path(PROGRAM).exists():
        pytest.skip("Beistand is installed here")
    return files()


@pytest.fixture
def installed(before: set[str], tmp_path: Path) -> Iterator[None]:
    built = package.deb(package.program(tmp_path), tmp_path)
    try:
        subprocess.run(["dpkg", "--install", built], check=True)
        assert "/usr/share/applications/beistand.desktop" in files() - before
        yield
    finally:
        subprocess.run(["dpkg", "--purge", package.NAME], check=False, capture_output=True)


@pytest.mark.skipif(not IS_ABLE, reason="needs the extra `package`, dpkg-deb and root")
@pytest.mark.usefixtures("installed")
async def test_installed_enrolled_visited_and_uninstalled_nothing_is_left(
    stack: Stack, chromium: Browser, before: set[str], tmp_path: Path
) -> None:
    async with (
        desktop(log=tmp_path / "desktop.log") as screen,
        technician(chromium) as page,
        customer(screen, gateway=stack.gateway_url, folder=tmp_path, program=[PROGRAM]) as person,
    ):
        await page.signs_in(stack.gateway_url, stack.user, stack.password)
        await person.waits_for("join-code", timeout=60)
        narrator = Narrator(tmp_path, screen, page)
        story = Unattended(narrator, page, person, stack.gateway_url, stack.user, stack.password)
        await story.play()
    assert files() == before
