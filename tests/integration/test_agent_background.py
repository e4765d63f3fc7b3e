"""The whole agent, started at sign-in: no window, one process, and there when a second start asks for it."""

import asyncio
import sys
from pathlib import Path

import pytest

from agent.single import NAME
from demo.customer import customer
from demo.desktop import desktop
from demo.waiting import until

pytestmark = pytest.mark.integration
NOWHERE = "http://127.0.0.1:1"


async def test_it_waits_in_the_background_until_it_is_wanted(tmp_path: Path) -> None:
    state = tmp_path / "agent"
    async with (
        desktop(width=800, height=600, log=tmp_path / "desktop.log") as screen,
        customer(screen, gateway=NOWHERE, folder=tmp_path, language="en", options=["--background"]) as person,
    ):
        await until("the lock", lambda: _is_claimed(state))
        await until("the windows", person.geometry_file.exists)
        assert person.sees("join-code") is None
        second = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "beistand", "agent", "--background", "--state", str(state)),
            env=screen.environment,
        )
        assert await second.wait() == 0
        await person.waits_for("join-code")
        assert person.process.returncode is None
    assert "Traceback" not in (tmp_path / "agent.log").read_text()


def _is_claimed(state: Path) -> bool:
    file = state / NAME
    return file.exists() and file.read_text().count("\n") == 3
