"""One stack of real processes for all runs that break it; each test mends what it broke."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from beistand.cli.stack import Stack, StackSettings
from tests.support.helpdesk import Helpdesk, Visited, helpdesk, visited
from tests.support.plant import Plant


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with Stack(StackSettings.on_free_ports(tmp_path_factory.mktemp("chaos"))) as running:
        yield running


@pytest.fixture
def plant(stack: Stack) -> Plant:
    return Plant(stack)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(stack: Stack) -> AsyncIterator[Helpdesk]:
    async with helpdesk(stack) as technician:
        yield technician


@pytest_asyncio.fixture(loop_scope="session")
async def visit(stack: Stack, desk: Helpdesk, tmp_path: Path) -> AsyncIterator[Visited]:
    async with visited(stack, desk, tmp_path) as running:
        yield running
