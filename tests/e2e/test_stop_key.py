"""Shift and Esc on the customer's own keyboard stop everything, even while the agent's windows hang."""

import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser

from beistand.cli.stack import Stack
from demo.customer import customer, notes
from demo.desktop import desktop
from demo.technician import technician
from demo.waiting import until
from tests.e2e.scene import Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_the_stop_key_works_while_the_windows_hang(
    stack: Stack, chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = tmp_path / "frozen"
    monkeypatch.setenv("FROZEN_FILE", str(frozen))
    async with AsyncExitStack() as exits:
        screen = await exits.enter_async_context(desktop(log=tmp_path / "desktop.log"))
        note_file = await exits.enter_async_context(notes(screen, tmp_path))
        page = await exits.enter_async_context(technician(chromium))
        person = await exits.enter_async_context(
            customer(
                screen,
                gateway=stack.gateway_url,
                folder=tmp_path,
                language="en",
                program=(sys.executable, "-m", "tests.e2e.agent_that_freezes"),
            )
        )
        await person.waits_for("join-code")
        scene = Scene(stack, screen, person, page, note_file, tmp_path)
        await scene.meet()
        await scene.share()
        await scene.hand_over_control()
        person.process.send_signal(signal.SIGUSR1)
        await until("frozen windows", frozen.exists)
        screen.press("Shift_L", "Escape")
        await page.sees_nothing()
        # Not the bar's missing proof, which would end it two seconds later under another name.
        await page.page.get_by_text("The customer stopped screen sharing.").first.wait_for()
