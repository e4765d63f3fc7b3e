"""The consent service dies: a stop needs nobody's word, and what was signed is written down once, later."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from agent.engine import join
from beistand.cli.stack import Stack
from beistand.protocol.errors import NoGrant
from beistand.protocol.records import Cause, Revocation
from beistand.protocol.subjects import Up
from tests.support.agent_wire import AgentWire, agent_key_of
from tests.support.helpdesk import Helpdesk, Visited, viewer_at
from tests.support.plant import PATIENCE_S, Plant
from tests.support.proxy import road_to
from tests.support.receipts import checked, kinds

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.soak
async def test_a_stop_cuts_while_the_consent_service_is_dead_and_is_written_once(
    plant: Plant, visit: Visited
) -> None:
    grant = await visit.allow()
    viewer = await visit.watch()
    async with plant.without("consent"):
        await viewer.until_frame(visit.frame(grant))  # sessions do not need the service to go on
        visit.person.engine.stop_sharing()
        assert visit.person.gate.live_views() == ()
        assert await viewer.close_code() == NoGrant().close_code
        assert viewer.texts("relay.stopped")[0]["cause"] == Cause.STOP_SHARING
    revoked = await visit.desk.sees_request(visit.sid, grant, "revoked")
    assert (revoked["closed_by"], revoked["cause"]) == ("customer", "stop_sharing")
    again = await visit.allow()
    assert await visit.watch()
    assert again != grant
    visit.person.engine.ask_end()
    visit.person.engine.confirm_end()
    receipt = await visit.desk.receipt(visit.sid, kinds=8)
    checked(receipt)
    assert kinds(receipt).count("revocation") == 1


@pytest_asyncio.fixture(loop_scope="session")
async def device(stack: Stack, desk: Helpdesk) -> AsyncIterator[AgentWire]:
    """A joined device that can be told to be impatient."""
    seed = secrets.token_bytes(32)
    _, code = await desk.opens_session()
    async with AgentWire(await join.look_up(stack.gateway_url, code, agent_key_of(seed)), seed) as agent:
        await agent.hello()
        yield agent


async def test_it_dies_around_a_yes_and_before_a_stop(
    plant: Plant, desk: Helpdesk, device: AgentWire
) -> None:
    """With the yes in the ledger, with the grant in the bucket, with the stop unheard: each is there once."""
    asked = await desk.asks(device.sid)
    decision = device.decide(*await device.question())
    await plant.kill("consent")
    for written in (b"bst.ledger.", b"$KV.grants."):
        await _die_once_written(plant, device, decision, words=b"HPUB " + written)
    await plant.revive("consent")
    recorded = await device.send(Up.DECISION, "decision", decision)
    assert device.entry_of(recorded, decision) is not None
    assert (await desk.request(device.sid, asked))["state"] == "live"
    async with viewer_at(plant.stack) as viewer:
        await viewer.hello(await desk.ticket(device.sid))
        await viewer.until("relay.ready")
        stop = device.sign(Revocation, grant_ids=(asked,), cause=Cause.STOP_SHARING)
        async with plant.without("consent"):
            unanswered = asyncio.create_task(device.send(Up.REVOKED, "revocation", stop))
            assert await viewer.close_code() == NoGrant().close_code
            assert viewer.texts("relay.stopped")[0]["cause"] == Cause.STOP_SHARING
            unanswered.cancel()
    await device.send(Up.REVOKED, "revocation", stop)
    assert (await desk.request(device.sid, asked))["state"] == "revoked"
    await device.end()
    receipt = await desk.receipt(device.sid, kinds=5)
    checked(receipt)
    assert kinds(receipt) == ["hello", "ask", "decision", "revocation", "end"]


async def _die_once_written(plant: Plant, device: AgentWire, decision: str, *, words: bytes) -> None:
    """The service sends `words` to the broker, and is dead before it could hear of them or answer."""
    async with road_to(plant.stack.server.url) as road:
        await plant.revive("consent", NATS_URL=road.url)
        road.goes_silent_after(words)
        answer = asyncio.create_task(device.send(Up.DECISION, "decision", decision))
        async with asyncio.timeout(PATIENCE_S):
            await road.has_passed.wait()
        await plant.kill("consent")
        assert not answer.done()
        answer.cancel()
