"""What falls between reading and listening, and a console that does not read; with scripted services."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from nats.aio.client import Client
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from beistand.bus import rpc, streams
from beistand.bus.settings import BusSettings
from beistand.protocol import subjects
from beistand.protocol.messages import (
    ChatLine,
    ChatList,
    CloudEvent,
    EventsEvent,
    Message,
    Party,
    RequestList,
    SessionQuery,
    SessionState,
    SessionView,
    encode,
)
from services.gateway import events
from tests.integration.conftest import Connect
from tests.support.gateway_stage import Stage, hello, new_id, staged

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ORG = "acme"


def session(sid: str, state: SessionState = SessionState.WAITING) -> SessionView:
    return SessionView(
        id=sid,
        state=state,
        technician_id=new_id(),
        technician_name="Tina",
        organisation_name="Acme",
        created_at=NOW,
        waiting_until=NOW,
    )


def line(sid: str, text: str) -> ChatLine:
    return ChatLine(
        id=new_id(), session_id=sid, author="Tina", party=Party.TECHNICIAN, text=text, sent_at=NOW
    )


def event(data: SessionView | ChatLine) -> CloudEvent:
    is_chat = isinstance(data, ChatLine)
    return CloudEvent(
        id=new_id(),
        source="test",
        type="beistand.chat.v1" if is_chat else "beistand.session.v1",
        subject=data.session_id if isinstance(data, ChatLine) else data.id,
        time=NOW,
        data=data,
    )


@asynccontextmanager
async def scripted(
    session_client: Client, consent_client: Client, chat: Callable[[str], Awaitable[ChatList]]
) -> AsyncIterator[None]:
    """Real responders on the bus that say what a test wants."""

    async def get(request: rpc.Request[SessionQuery]) -> Message:
        return session(request.message.session_id)

    async def chat_list(request: rpc.Request[SessionQuery]) -> Message:
        return await chat(request.message.session_id)

    async def requests(_: rpc.Request[SessionQuery]) -> Message:
        return RequestList(items=())

    def endpoint(
        name: subjects.Service, handler: Callable[..., Awaitable[Message]]
    ) -> rpc.Endpoint[SessionQuery]:
        return rpc.Endpoint(name.split(".")[1], subjects.service(name), SessionQuery, handler)

    of_session = [
        endpoint(subjects.Service.SESSION_GET, get),
        endpoint(subjects.Service.SESSION_CHAT_LIST, chat_list),
    ]
    of_consent = [endpoint(subjects.Service.CONSENT_LIST, requests)]
    one = await rpc.serve(session_client, name="session", version="0.0.1", endpoints=of_session)
    two = await rpc.serve(consent_client, name="consent", version="0.0.1", endpoints=of_consent)
    yield
    await one.stop()
    await two.stop()


async def next_event(ws: ClientConnection) -> CloudEvent:
    async with asyncio.timeout(10):
        return EventsEvent.model_validate_json(await ws.recv()).event


async def test_what_happens_while_the_snapshot_is_read_is_not_lost_and_not_told_twice(
    bus_settings: BusSettings, service_client: Connect
) -> None:
    services, sid = await service_client("session"), new_id()
    known, late = event(line(sid, "in the transcript")), event(session(sid, SessionState.ACTIVE))

    async def chat(_: str) -> ChatList:
        # Both come after the console subscribed and before its snapshot is complete.
        await streams.publish_event(services, ORG, known)
        await streams.publish_event(services, ORG, late)
        assert isinstance(known.data, ChatLine)
        return ChatList(items=(known.data,))

    async with scripted(services, await service_client("consent"), chat), staged(bus_settings) as stage:
        technician = await stage.person(org=ORG)
        async with stage.events(sid) as ws:
            snapshot = await hello(ws, await technician.ticket(sid))
            assert (snapshot.session.state, snapshot.chat) == (SessionState.WAITING, (known.data,))
            assert await next_event(ws) == late


async def test_a_console_that_does_not_read_is_dropped_and_the_others_go_on(
    bus_settings: BusSettings, service_client: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SEND_WITHIN_S", 0.2)
    services, sid = await service_client("session"), new_id()

    async def nothing(_: str) -> ChatList:
        return ChatList(items=())

    async with scripted(services, await service_client("consent"), nothing), staged(bus_settings) as stage:
        technician = await stage.person(org=ORG)
        async with stage.events(sid, max_queue=1, sock=_narrow(stage)) as stuck, stage.events(sid) as awake:
            await hello(stuck, await technician.ticket(sid))
            await hello(awake, await technician.ticket(sid))
            last = event(session(sid, SessionState.ACTIVE))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_read_until(awake, last))
                await _flood(services, stage, sid, until_open=1)
                await services.publish(_subject(last, sid), encode(last))
            assert await _close_code(stuck) == 4429


def _narrow(stage: Stage) -> socket.socket:
    """A connection that takes in little, so that not reading shows soon."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    address = urlsplit(stage.url)
    narrow.connect((address.hostname, address.port))
    narrow.setblocking(False)
    return narrow


async def _flood(services: Client, stage: Stage, sid: str, *, until_open: int) -> None:
    """Say long things until only so many consoles are left."""
    said = event(line(sid, secrets.token_urlsafe(3000)))  # long, and not to be compressed
    async with asyncio.timeout(30):
        while len(stage.gateway.feeds.open) > until_open:
            for _ in range(32):
                await services.publish(_subject(said, sid), encode(said))
            await services.flush()


async def _read_until(ws: ClientConnection, last: CloudEvent) -> None:
    async with asyncio.timeout(30):
        while await next_event(ws) != last:
            continue


async def _close_code(ws: ClientConnection) -> int:
    async with asyncio.timeout(10):
        with pytest.raises(ConnectionClosed):
            await _read_all(ws)
    return ws.close_code or 0


async def _read_all(ws: ClientConnection) -> None:
    while True:
        await ws.recv()


def _subject(said: CloudEvent, sid: str) -> str:
    return subjects.event(ORG, sid, subjects.Event(said.type.split(".")[1]))
