"""Threats 18 and 23: what an agent that probes, floods and overfills does to itself, and what to others."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest

from beistand.bus.config import MAX_PAYLOAD
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.protocol import subjects
from tests.integration.conftest import ORG, Door, eventually, new_id
from tests.integration.test_bus_permissions import Rogue, rogue_agent
from tests.support.agent_wire import AgentWire
from tests.support.relay_stage import Stage, staged

pytestmark = pytest.mark.integration

PATIENCE_S = 20.0
FLOOD = 100_000
PROBES = [">", "bst.up.*.>", "_INBOX.>", "$JS.API.>", "$SYS.>"]


async def test_each_violation_is_refused_and_told_with_its_session(
    door: Door, nats_server: EmbeddedServer
) -> None:
    """Violations are in the broker's log alone (ADR 11): each names session and connection."""
    customer, neighbour = door.expect(), await door.enter(door.expect())
    async with rogue_agent(door, customer) as agent:
        for subject in PROBES:
            assert not await agent.may_hear(subject)
        assert not await agent.may_hear("$SRV.>", queue="session")
        assert not await agent.may_say("bst.srv.session.create")

        async def all_told() -> bool:
            return len(_violations(nats_server, customer.sid)) >= len(PROBES) + 2

        await eventually(all_told)
        told = _violations(nats_server, customer.sid)
        assert {client_id for client_id, _ in told} == {str(agent.client.client_id)}
        assert [kind for _, kind in told].count("Publish") == 1
    await neighbour.flush()


def _violations(server: EmbeddedServer, sid: str) -> list[tuple[str, str]]:
    """(connection, kind) of each violation of a session's agent, as an operator's alarm would find them."""
    line = re.compile(rf'cid:(\d+) - .*user:{sid}" - (Publish|Subscription) Violation')
    return line.findall(server.log_file.read_text("utf-8", errors="replace"))


async def test_no_number_of_violations_ever_opens_anything(door: Door) -> None:
    customer, other = door.expect(), door.expect()
    neighbour = await door.enter(other)
    heard: list[object] = []
    inbox = await neighbour.subscribe(f"bst.down.{ORG}.{other.sid}.>", cb=_keep(heard))
    await neighbour.flush()
    async with rogue_agent(door, customer) as agent:
        for _ in range(500):
            await agent.client.publish(f"bst.down.{ORG}.{other.sid}.ask", b"forged")
        assert not await agent.may_say(f"bst.down.{ORG}.{other.sid}.ask")
    await neighbour.flush()
    assert heard == []
    await inbox.unsubscribe()


def _keep(heard: list[object]) -> Callable[[object], Awaitable[None]]:
    async def keep(message: object) -> None:
        heard.append(message)

    return keep


@pytest.mark.parametrize("size", [MAX_PAYLOAD + 1, 8 * 1024 * 1024, 64 * 1024 * 1024])
async def test_whatever_is_too_large_closes_its_own_connection(door: Door, size: int) -> None:
    neighbour = await door.enter(door.expect())
    customer = door.expect()
    async with rogue_agent(door, customer) as agent:
        closed = _told_when_closed(agent)
        agent.client._max_payload = size
        await agent.client.publish(f"bst.media.{ORG}.{customer.sid}.{new_id()}", bytes(size))
        async with asyncio.timeout(PATIENCE_S):
            await closed.wait()
    await neighbour.flush()


def _told_when_closed(agent: Rogue) -> asyncio.Event:
    closed = asyncio.Event()

    async def on_closed() -> None:
        closed.set()

    agent.client._closed_cb = on_closed
    return closed


async def test_a_hundred_thousand_tiny_messages_harm_no_other_session(bus_settings: BusSettings) -> None:
    """The flood is no picture, no record and no lease; another session's picture goes on meanwhile."""
    async with staged(bus_settings) as stage:
        grant = await stage.allow()
        _, rogue = await stage.technician.in_session()
        async with rogue, stage.watching() as viewer:
            await rogue.hello()
            flood = asyncio.create_task(_flood(rogue))
            await stage.frame(grant, key=True)
            await viewer.until_frame(1)
            async with asyncio.timeout(60):
                await flood
            await stage.frame(grant)
            await viewer.until_frame(2)
            await stage.agent.chat("still here")
            await _stops(stage, grant)
            assert await viewer.close_code() == 4403


async def _flood(agent: AgentWire) -> None:
    client = agent.clients["media"]
    targets = [
        subjects.media(agent.org, agent.sid, new_id()),
        subjects.up(agent.org, agent.sid, subjects.Up.LEASE),
    ]
    for number in range(FLOOD):
        await client.publish(targets[number % 2], b"x")
        if number % 1000 == 0:
            await client.flush()


async def _stops(stage: Stage, grant: str) -> None:
    stage.live.discard(grant)
    await stage.agent.revoke(grant)
