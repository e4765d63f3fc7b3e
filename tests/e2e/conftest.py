"""One stack and one browser for all end-to-end tests; each gets its own desktop, agent and page."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from beistand.cli.stack import Stack, StackSettings
from demo.customer import customer, notes
from demo.desktop import desktop
from demo.technician import browser, technician
from tests.e2e.scene import Scene
from tests.e2e.watching import Watching, watched


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with Stack(StackSettings.on_free_ports(tmp_path_factory.mktemp("stack"))) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with browser() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def scene(stack: Stack, chromium: Browser, tmp_path: Path) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as exits:
        screen = await exits.enter_async_context(desktop(log=tmp_path / "desktop.log"))
        note_file = await exits.enter_async_context(notes(screen, tmp_path))
        page = await exits.enter_async_context(technician(chromium))
        person = await exits.enter_async_context(
            customer(screen, gateway=stack.gateway_url, folder=tmp_path, language="en")
        )
        await person.waits_for("join-code")
        yield Scene(stack, screen, person, page, note_file, tmp_path)
        assert page.errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def watching(chromium: Browser) -> AsyncIterator[Watching]:
    async with watched(chromium) as page:
        yield page
