"""What an identity may say and hear is enforced by the server, whatever the other end tries."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
import nkeys
import pytest
from nats.aio.client import Client
from nats.errors import Error, NoRespondersError

from beistand.bus import keys as key_files
from beistand.bus.connection import inbox_prefix
from beistand.bus.settings import BusSettings, ServiceName
from beistand.protocol import subjects
from tests.integration.conftest import ORG, Connect, Customer, Door, new_id

pytestmark = pytest.mark.integration

OTHER = "A" * 22
"""Another session; the same in every process, for it names tests."""


class Rogue:
    """A connection with a good credential and bad intentions: hears what the server says to it."""

    def __init__(self, client: Client, complaints: asyncio.Queue[str]) -> None:
        self.client = client
        self._complaints = complaints

    async def may_hear(self, subject: str, queue: str = "") -> bool:
        await self.client.subscribe(subject, queue=queue, cb=_drop)
        return await self._no_complaint()

    async def may_say(self, subject: str, reply: str = "") -> bool:
        await self.client.publish(subject, b"{}", reply=reply)
        return await self._no_complaint()

    async def _no_complaint(self) -> bool:
        # The server answers in order: its complaint comes before the pong. nats-py's first PING may overtake
        # what was said before it, the second cannot.
        await self.client.flush()
        await self.client.flush()
        if self._complaints.empty():
            return True
        assert "permissions violation" in self._complaints.get_nowait().lower()
        return False


async def _drop(_message: object) -> None:
    pass


@asynccontextmanager
async def rogue(url: str, seed: str, **options: object) -> AsyncIterator[Rogue]:
    complaints: asyncio.Queue[str] = asyncio.Queue()

    async def note(error: Exception) -> None:
        complaints.put_nowait(str(error))

    client = await nats.connect(url, nkeys_seed_str=seed, error_cb=note, **options)  # type: ignore[arg-type]
    try:
        yield Rogue(client, complaints)
    finally:
        await client.close()


@asynccontextmanager
async def rogue_agent(door: Door, customer: Customer) -> AsyncIterator[Rogue]:
    seed = nkeys.encode_seed(customer.seed, nkeys.PREFIX_BYTE_USER).decode()
    async with rogue(door.url, seed, token=customer.ticket, name="control") as agent:
        yield agent


async def test_an_agent_hears_and_says_only_its_own_session(door: Door) -> None:
    customer = door.expect()
    sid, grant = customer.sid, new_id()
    async with rogue_agent(door, customer) as agent:
        assert await agent.may_say(f"bst.up.{ORG}.{sid}.lease")
        assert await agent.may_say(f"bst.media.{ORG}.{sid}.{grant}")
        assert await agent.may_hear(f"bst.down.{ORG}.{sid}.>")
        assert await agent.may_hear(f"bst.input.{ORG}.{sid}.{grant}")
        assert await agent.may_hear(f"{subjects.inbox_prefix(sid)}.x.*")


@pytest.mark.parametrize(
    "subject",
    [
        ">",
        "*",
        "bst.>",
        "bst.up.>",
        "bst.up.*.>",
        f"bst.down.{ORG}.*.ask",
        f"bst.down.{ORG}.{OTHER}.ask",
        f"bst.up.{ORG}.{OTHER}.>",
        f"bst.media.{ORG}.{OTHER}.>",
        f"bst.evt.{ORG}.{OTHER}.session",
        "_INBOX.>",
        f"_INBOX.{OTHER}.>",
        "_INBOX.session.>",
        "$JS.API.>",
        "$KV.>",
        "$SYS.>",
        "$SYS.REQ.USER.AUTH",
        "$SRV.>",
        "bst.srv.session.create",
    ],
)
async def test_an_agent_cannot_listen_elsewhere(door: Door, subject: str) -> None:
    async with rogue_agent(door, door.expect()) as agent:
        assert not await agent.may_hear(subject)
        assert not await agent.may_hear(subject, queue="session")


@pytest.mark.parametrize(
    "subject",
    [
        f"bst.up.{ORG}.{OTHER}.decision",
        f"bst.media.{ORG}.{OTHER}.{OTHER}",
        f"bst.down.{ORG}.{OTHER}.ask",
        f"bst.input.{ORG}.{OTHER}.{OTHER}",
        f"bst.evt.{ORG}.{OTHER}.session",
        f"bst.ledger.{ORG}.{OTHER}",
        "bst.srv.session.create",
        "bst.srv.consent.ask",
        f"_INBOX.{OTHER}.x",
        "_INBOX.gateway.x",
        "$KV.sessions.x",
        "$KV.grants.x",
        "$JS.API.INFO",
        "$JS.API.STREAM.CREATE.X",
        "$JS.ACK.x",
        "$SRV.PING",
        "$SYS.REQ.SERVER.PING",
        "$SYS.REQ.USER.AUTH",
    ],
)
async def test_an_agent_cannot_speak_elsewhere(door: Door, subject: str) -> None:
    async with rogue_agent(door, door.expect()) as agent:
        assert not await agent.may_say(subject)


async def test_an_agent_with_too_many_subscriptions_loses_only_its_own_connection(door: Door) -> None:
    customer, neighbour = door.expect(), await door.enter(door.expect())
    async with rogue_agent(door, customer) as agent:
        closed = asyncio.Event()

        async def on_closed() -> None:
            closed.set()

        agent.client._closed_cb = on_closed
        flood = asyncio.create_task(_subscribe_without_end(agent.client, customer.sid))
        async with asyncio.timeout(20):
            await closed.wait()
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)
    await neighbour.flush()


async def _subscribe_without_end(client: Client, sid: str) -> None:
    for number in range(10_000):
        await client.subscribe(f"bst.down.{ORG}.{sid}.x{number}", cb=_drop)


async def test_an_agents_too_large_message_closes_only_its_own_connection(door: Door) -> None:
    customer, neighbour = door.expect(), await door.enter(door.expect())
    async with rogue_agent(door, customer) as agent:
        closed = asyncio.Event()

        async def on_closed() -> None:
            closed.set()

        agent.client._closed_cb = on_closed
        agent.client._max_payload = 64 * 1024 * 1024
        await agent.client.publish(f"bst.media.{ORG}.{customer.sid}.{new_id()}", bytes(2 * 1024 * 1024))
        async with asyncio.timeout(5):
            await closed.wait()
    await neighbour.flush()


SERVICE_TABOOS: list[tuple[ServiceName, str]] = [
    ("gateway", "$KV.sessions.x"),
    ("gateway", "$KV.grants.x"),
    ("gateway", "$KV.codes.x"),
    ("gateway", f"bst.down.{ORG}.{OTHER}.ask"),
    ("gateway", f"bst.input.{ORG}.{OTHER}.{OTHER}"),
    ("gateway", f"bst.evt.{ORG}.{OTHER}.request"),
    ("gateway", "$JS.API.STREAM.CREATE.X"),
    ("session", "$KV.grants.x"),
    ("session", "$KV.users.x"),
    ("session", f"bst.up.{ORG}.{OTHER}.decision"),
    ("session", f"bst.input.{ORG}.{OTHER}.{OTHER}"),
    ("session", "$JS.API.STREAM.DELETE.CHAT"),
    ("session", "$JS.API.STREAM.PURGE.KV_sessions"),
    ("session", "$JS.API.STREAM.UPDATE.EVENTS"),
    ("consent", "$KV.sessions.x"),
    ("consent", "$KV.users.x"),
    ("consent", f"bst.up.{ORG}.{OTHER}.decision"),
    ("relay", "$KV.sessions.x"),
    ("relay", "$KV.grants.x"),
    ("relay", "$KV.users.x"),
    ("relay", f"bst.up.{ORG}.{OTHER}.revoked"),
    ("relay", f"bst.media.{ORG}.{OTHER}.{OTHER}"),
    ("relay", "bst.srv.session.end"),
]


@asynccontextmanager
async def rogue_service(settings: BusSettings, service: ServiceName) -> AsyncIterator[Rogue]:
    seed = key_files.read_text(settings.keys, key_files.nats_seed(service))
    async with rogue(settings.nats_url, seed, inbox_prefix=inbox_prefix(service)) as client:
        yield client


@pytest.mark.parametrize(("service", "subject"), SERVICE_TABOOS)
async def test_a_service_cannot_do_anothers_work(
    bus_settings: BusSettings, service: ServiceName, subject: str
) -> None:
    async with rogue_service(bus_settings, service) as client:
        assert not await client.may_say(subject)


@pytest.mark.parametrize("service", ["gateway", "consent", "relay", "session"])
@pytest.mark.parametrize("subject", [">", "_INBOX.>", "$SYS.>", "$KV.>", "bst.>", f"_INBOX.{OTHER}.>"])
async def test_no_service_listens_to_everything(
    bus_settings: BusSettings, service: ServiceName, subject: str
) -> None:
    async with rogue_service(bus_settings, service) as client:
        assert not await client.may_hear(subject)


@pytest.mark.parametrize("service", ["gateway", "consent", "relay"])
async def test_only_the_session_service_can_let_agents_in(
    bus_settings: BusSettings, service: ServiceName
) -> None:
    async with rogue_service(bus_settings, service) as client:
        assert not await client.may_hear("$SYS.REQ.USER.AUTH")


async def test_the_system_user_can_only_kick(bus_settings: BusSettings) -> None:
    seed = key_files.read_text(bus_settings.keys, key_files.SYSTEM_SEED)
    async with rogue(bus_settings.nats_url, seed, inbox_prefix="_INBOX.system") as client:
        assert not await client.may_say("$SYS.REQ.SERVER.PING")
        assert not await client.may_say("$SYS.REQ.ACCOUNT.APP.CONNZ")
        assert not await client.may_hear("$SYS.>")
        assert await client.may_hear("$SYS.ACCOUNT.APP.DISCONNECT")


async def test_the_kick_alone_is_not_for_services(service_client: Connect) -> None:
    gateway = await service_client("gateway")
    with pytest.raises(Error) as refusal:
        await gateway.request("$SYS.REQ.SERVER.X.KICK", json.dumps({"cid": 1}).encode(), timeout=0.5)
    assert not isinstance(refusal.value, NoRespondersError)
