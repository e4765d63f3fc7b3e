"""A real nats-server on a free port, with the identities and limits of production."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from nats.aio.client import Client

from beistand.bus.connection import connect
from beistand.bus.keys import ensure_keys
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings, ServiceName
from beistand.bus.streams import provision

Connect = Callable[[ServiceName], Awaitable[Client]]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    ensure_keys(directory)
    return directory


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nats_server(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> AsyncIterator[EmbeddedServer]:
    """One server for all tests, provisioned; tests tell themselves apart by fresh session ids."""
    async with EmbeddedServer(tmp_path_factory.mktemp("nats"), keys) as server:
        client = await connect(BusSettings(nats_url=server.url, keys=keys), "session")
        await provision(client)
        await client.close()
        yield server


@pytest.fixture
def bus_settings(nats_server: EmbeddedServer, keys: Path) -> BusSettings:
    return BusSettings(nats_url=nats_server.url, keys=keys)


@pytest.fixture
async def service_client(bus_settings: BusSettings) -> AsyncIterator[Connect]:
    """Connect as a service; closed after the test."""
    async with AsyncExitStack() as stack:

        async def open_client(service: ServiceName) -> Client:
            client = await connect(bus_settings, service)
            stack.push_async_callback(client.close)
            return client

        yield open_client
