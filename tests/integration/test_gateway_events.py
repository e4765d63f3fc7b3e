"""The event socket: who gets in, once; what is, then what happens; and how it ends."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from nats.js.errors import NoKeysError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.protocol.errors import TicketRefused
from beistand.protocol.messages import Joined, RequestState, SessionState
from services.gateway import access
from services.gateway.domain import Role
from tests.support.agent_wire import AgentWire, agent_key_of
from tests.support.core_services import running, until
from tests.support.gateway_stage import ORIGIN, Person, Stage, hello, new_id, staged

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

SEED = bytes(range(32))
PATIENCE_S = 10


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(nats_server: EmbeddedServer, keys: Path) -> AsyncIterator[Stage]:
    bus = BusSettings(nats_url=nats_server.url, keys=keys)
    async with running(bus), staged(bus) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="module")
async def technician(stage: Stage) -> Person:
    return await stage.person()


async def next_event(ws: ClientConnection, kind: str) -> dict[str, Any]:
    """The next event of this kind, passing over others."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = json.loads(await ws.recv())
            assert message["type"] == "events.event"
            event: dict[str, Any] = message["event"]
            if event["type"] == f"beistand.{kind}.v1":
                return event


async def close_of(ws: ClientConnection) -> tuple[int, str]:
    """How the gateway closes, whatever it still says before."""
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ConnectionClosed):
            await _listen(ws)
    return ws.close_code or 0, ws.close_reason or ""


async def _listen(ws: ClientConnection) -> None:
    while True:
        await ws.recv()


async def refusal_of(stage: Stage, sid: str, **options: Any) -> tuple[int, dict[str, Any]]:
    """How the handshake is refused."""
    with pytest.raises(InvalidStatus) as refused:
        await stage.events(sid, **options)
    response = refused.value.response
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, json.loads(response.body or b"{}")


async def test_what_is_comes_first_then_what_happens(stage: Stage, technician: Person) -> None:
    created = await technician.session()
    sid = created["id"]
    joined = await stage.http.post(
        "/v1/join", json={"code": created["code"], "agent_key": agent_key_of(SEED)}
    )
    agent = AgentWire(Joined.model_validate_json(joined.content), SEED)
    async with stage.events(sid) as ws, agent:
        snapshot = await hello(ws, await technician.ticket(sid))
        assert (snapshot.session.id, snapshot.session.state) == (sid, SessionState.WAITING)
        assert (snapshot.requests, snapshot.chat) == ((), ())

        await agent.hello()
        event = await next_event(ws, "session")
        assert (event["specversion"], event["subject"], event["data"]["state"]) == ("1.0", sid, "active")

        at = f"/v1/sessions/{sid}"
        await technician.http.post(f"{at}/chat", json={"text": "Guten Tag"})
        assert (await next_event(ws, "chat"))["data"]["text"] == "Guten Tag"
        await technician.http.post(f"{at}/requests", json={"capability": "view", "reason": "printer"})
        assert (await next_event(ws, "request"))["data"]["state"] == "asked"
        await agent.allow_next()
        assert (await next_event(ws, "request"))["data"]["state"] == "live"

        async with stage.events(sid) as later:
            snapshot = await hello(later, await technician.ticket(sid))
            assert snapshot.session.state is SessionState.ACTIVE
            assert [request.state for request in snapshot.requests] == [RequestState.LIVE]
            assert [line.text for line in snapshot.chat] == ["Guten Tag"]

        await technician.http.post(f"{at}/end")
        assert (await next_event(ws, "session"))["data"]["state"] == "ended"
        assert await close_of(ws) == (4410, "session_ended")


async def test_an_ended_session_is_told_once_and_closed(stage: Stage, technician: Person) -> None:
    sid = (await technician.session())["id"]
    await technician.http.post(f"/v1/sessions/{sid}/end")
    async with stage.events(sid) as ws:
        assert (await hello(ws, await technician.ticket(sid))).session.state is SessionState.ENDED
        assert await close_of(ws) == (4410, "session_ended")


async def test_nothing_of_another_session_comes_in(stage: Stage, technician: Person) -> None:
    sid, other = (await technician.session())["id"], (await technician.session())["id"]
    async with stage.events(sid) as ws:
        await hello(ws, await technician.ticket(sid))
        await technician.http.post(f"/v1/sessions/{other}/end")
        await technician.http.post(f"/v1/sessions/{sid}/end")
        assert (await next_event(ws, "session"))["subject"] == sid


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "",
        "https://evil.example",
        "http://console.example",
        f"{ORIGIN}.evil.example",
        f"{ORIGIN}:444",
    ],
)
async def test_a_foreign_page_does_not_get_a_socket(
    stage: Stage, technician: Person, origin: str | None
) -> None:
    sid = (await technician.session())["id"]
    ticket = await technician.ticket(sid)
    status, problem = await refusal_of(stage, sid, origin=origin)
    assert (status, problem.get("code", "forbidden")) == (403, "forbidden")
    async with stage.events(sid) as ws:  # and its ticket was not used up
        await hello(ws, ticket)


async def test_two_origins_are_none(stage: Stage, technician: Person) -> None:
    sid = (await technician.session())["id"]
    url = f"{stage.url.replace('http', 'ws', 1)}/v1/sessions/{sid}/events"
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, additional_headers=[("Origin", ORIGIN), ("Origin", "https://evil.example")])
    assert refused.value.response.status_code in {400, 403}  # the server's library is first to mind


async def test_of_fifty_with_one_ticket_one_gets_in(stage: Stage, technician: Person) -> None:
    sid = (await technician.session())["id"]
    ticket = await technician.ticket(sid)

    async def attempt() -> str:
        async with stage.events(sid, open_timeout=60) as ws:
            try:
                await hello(ws, ticket)
            except ConnectionClosed as closed:
                return closed.rcvd.reason if closed.rcvd else "lost"
        return "in"

    outcomes = Counter(await asyncio.gather(*(attempt() for _ in range(50))))
    assert outcomes == {"in": 1, "ticket_refused": 49}


async def test_a_ticket_is_for_one_session_and_one_purpose(stage: Stage, technician: Person) -> None:
    sid, other = (await technician.session())["id"], (await technician.session())["id"]
    for ticket in (await technician.ticket(other), await technician.ticket(sid, "relay"), "A" * 43):
        async with stage.events(sid) as ws:
            with pytest.raises(ConnectionClosed) as closed:
                await hello(ws, ticket)
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, "ticket_refused")


async def test_a_ticket_expires(stage: Stage, technician: Person) -> None:
    sid = (await technician.session())["id"]
    answer = await technician.http.post(f"/v1/sessions/{sid}/tickets", json={"audience": "events"})
    issued = answer.json()
    late = stage.gateway.clock().fromisoformat(issued["expires_at"])
    with pytest.raises(TicketRefused):
        await stage.gateway.tickets.redeem(issued["ticket"], "events", sid, now=late)


async def test_no_ticket_stands_readable_in_the_store(stage: Stage, technician: Person) -> None:
    ticket = await technician.ticket((await technician.session())["id"])
    bucket = await stage.watcher.client.jetstream().key_value("tickets")
    keys: list[str] = []

    async def are_found() -> bool:
        with suppress(NoKeysError):  # nats-py may say so before the first key has come
            keys.extend(await bucket.keys())
        return bool(keys)

    await until(are_found)
    values = [(await bucket.get(key)).value or b"" for key in keys]
    assert not any(ticket in key for key in keys)
    assert not any(ticket.encode() in value for value in values)


@pytest.mark.parametrize(
    ("first", "code", "reason"),
    [
        ("", 4400, "invalid_message"),
        ("{}", 4400, "invalid_message"),
        ('{"type": "events.hello"}', 4400, "invalid_message"),
        ('{"type": "viewer.hello", "ticket": "' + "A" * 43 + '"}', 4400, "invalid_message"),
        ('{"type": "events.hello", "ticket": "' + "A" * 43 + '", "more": 1}', 4400, "invalid_message"),
        (b"binary", 4400, "invalid_message"),
        ("x" * 2000, 4413, "too_large"),
    ],
)
async def test_a_wrong_first_message_closes(
    stage: Stage, technician: Person, first: str | bytes, code: int, reason: str
) -> None:
    sid = (await technician.session())["id"]
    async with stage.events(sid) as ws:
        await ws.send(first)
        assert await close_of(ws) == (code, reason)


async def test_an_oversize_frame_closes(stage: Stage, technician: Person) -> None:
    sid = (await technician.session())["id"]
    async with stage.events(sid) as ws:
        await ws.send("x" * 70_000)
        assert (await close_of(ws))[0] == 1009


async def test_who_says_nothing_is_let_go(
    stage: Stage, technician: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "FIRST_MESSAGE_WITHIN_S", 0.05)
    sid = (await technician.session())["id"]
    async with stage.events(sid) as ws:
        assert await close_of(ws) == (4401, "ticket_refused")


async def test_a_console_has_nothing_to_say(stage: Stage, technician: Person) -> None:
    sid = (await technician.session())["id"]
    async with stage.events(sid) as ws:
        await hello(ws, await technician.ticket(sid))
        await ws.send("hello?")
        assert await close_of(ws) == (4400, "invalid_message")


async def test_a_lost_bus_ends_the_socket_instead_of_a_gap(stage: Stage, technician: Person) -> None:
    sid = (await technician.session())["id"]
    async with stage.events(sid) as ws:
        await hello(ws, await technician.ticket(sid))
        await stage.watcher.disconnected()
        assert await close_of(ws) == (4503, "unavailable")


async def test_nothing_is_left_of_a_console_that_went(stage: Stage, technician: Person) -> None:
    sid = (await technician.session())["id"]
    before = set(stage.gateway.feeds.open)
    async with stage.events(sid) as ws:
        await hello(ws, await technician.ticket(sid))
        assert len(stage.gateway.feeds.open - before) == 1
    async with asyncio.timeout(PATIENCE_S):
        while stage.gateway.feeds.open - before:  # noqa: ASYNC110 - the server notices on its own
            await asyncio.sleep(0.01)


async def test_strange_sessions_have_no_socket(stage: Stage, technician: Person) -> None:
    assert (await refusal_of(stage, "not-an-id"))[0] == 404
    auditor = await stage.person(Role.AUDITOR)
    sid = (await technician.session())["id"]
    async with stage.events(new_id()) as ws:
        await ws.send(json.dumps({"type": "events.hello", "ticket": await auditor.ticket(sid)}))
        assert await close_of(ws) == (4401, "ticket_refused")
