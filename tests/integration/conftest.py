"""A real nats-server on a free port, with the identities and limits of production, and a door for agents."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nkeys
import pytest
import pytest_asyncio
from nats.aio.client import Client

from beistand.bus.agent import GIVE_UP_AFTER_S, connect_agent
from beistand.bus.callout import Admission, CalloutRequest, Purpose, serve_callout
from beistand.bus.connection import Callback, connect, nothing
from beistand.bus.keys import ensure_keys
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings, ServiceName
from beistand.bus.streams import provision
from beistand.protocol.errors import Ended, TicketRefused
from beistand.protocol.ids import id_from
from tests.support.agent_wire import AgentWire
from tests.support.core_services import Technician, running

ORG = "beistand"

Connect = Callable[[ServiceName], Awaitable[Client]]


def new_id() -> str:
    return id_from(secrets.token_bytes(16))


def public_key(seed: bytes) -> str:
    """The nkey form of a raw Ed25519 seed's public key."""
    pair = nkeys.from_seed(bytearray(nkeys.encode_seed(seed, nkeys.PREFIX_BYTE_USER)))
    return str(pair.public_key.decode())


async def eventually(condition: Callable[[], Awaitable[bool]], *, within: float = 20.0) -> None:
    """Wait for what only another process can bring about, by asking it again and again."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


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


@dataclass
class Customer:
    """What an agent brings along: its session, its ticket, its key."""

    sid: str = field(default_factory=new_id)
    ticket: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    seed: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    expires_at: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(hours=1))


@dataclass
class Door:
    """Lets agents in as the session service does: by a known ticket, its key, and a session that goes on."""

    url: str
    cleanup: AsyncExitStack
    known: dict[str, Customer] = field(default_factory=dict)
    asked: list[CalloutRequest] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)

    def expect(self) -> Customer:
        customer = Customer()
        self.known[customer.ticket] = customer
        return customer

    async def decide(self, request: CalloutRequest) -> Admission:
        self.asked.append(request)
        customer = self.known.get(request.ticket)
        if customer is None or request.agent_key != public_key(customer.seed):
            raise TicketRefused
        if customer.sid in self.ended:
            raise Ended
        return Admission(ORG, customer.sid, customer.expires_at)

    async def enter(
        self,
        customer: Customer,
        *,
        purpose: Purpose = "control",
        on_disconnected: Callback = nothing,
        on_reconnected: Callback = nothing,
        on_closed: Callback = nothing,
        give_up_after: float = GIVE_UP_AFTER_S,
    ) -> Client:
        client = await connect_agent(
            [self.url],
            ticket=customer.ticket,
            seed=customer.seed,
            sid=customer.sid,
            purpose=purpose,
            on_disconnected=on_disconnected,
            on_reconnected=on_reconnected,
            on_closed=on_closed,
            give_up_after=give_up_after,
        )
        self.cleanup.push_async_callback(client.close)
        return client


@pytest.fixture
async def door(service_client: Connect, bus_settings: BusSettings, keys: Path) -> AsyncIterator[Door]:
    async with AsyncExitStack() as cleanup:
        door = Door(bus_settings.nats_url, cleanup)
        callout = await serve_callout(await service_client("session"), keys, door.decide)
        cleanup.push_async_callback(callout.stop)
        yield door


@pytest.fixture
def service_settings() -> dict[str, Any]:
    """What a test file wants set otherwise in the session and consent service."""
    return {}


@pytest.fixture
async def services(bus_settings: BusSettings, service_settings: dict[str, Any]) -> AsyncIterator[Client]:
    """Both services up; a connection with the gateway's identity."""
    async with running(bus_settings, **service_settings) as client:
        yield client


@pytest.fixture
def technician(services: Client) -> Technician:
    """A technician of an organisation of their own."""
    return Technician(services, org=f"org-{new_id()[:8]}")


@pytest.fixture
async def agent(technician: Technician) -> AsyncIterator[AgentWire]:
    """A device that has joined that technician's session and said hello."""
    _, wire = await technician.in_session()
    async with wire:
        await wire.hello()
        yield wire
