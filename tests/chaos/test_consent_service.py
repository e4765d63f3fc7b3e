"""The consent service dies: a stop needs nobody's word, and what was signed is written down once, later."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from agent.engine import join
from beistand.cli.stack import Stack
from beistand.protocol.errors import NoGrant
from beistand.protocol.records import Cause
from beistand.protocol.subjects import Up
from tests.support.agent_wire import AgentWire, agent_key_of
from tests.support.helpdesk import Helpdesk, Visited
from tests.support.plant import PATIENCE_S, Plant
from tests.support.proxy import road_to
from tests.support.receipts import checked, kinds

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="session")]


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


async def test_it_dies_twice_between_a_decision_and_its_answer(
    plant: Plant, desk: Helpdesk, device: AgentWire
) -> None:
    """First with the decision in the ledger, then with the grant in the bucket: neither lost nor doubled."""
    asked = await desk.asks(device.sid)
    decision = device.decide(*await device.question())
    await plant.kill("consent")
    for written in (b"bst.ledger.", b"$KV.grants."):
        async with road_to(plant.stack.server.url) as road:
            await plant.revive("consent", NATS_URL=road.url)
            road.goes_silent_after(b"HPUB " + written)
            answer = asyncio.create_task(device.send(Up.DECISION, "decision", decision))
            async with asyncio.timeout(PATIENCE_S):
                await road.has_passed.wait()
            await plant.kill("consent")
            assert not answer.done()
            answer.cancel()
    await plant.revive("consent")
    recorded = await device.send(Up.DECISION, "decision", decision)
    assert device.entry_of(recorded, decision) is not None
    assert (await desk.request(device.sid, asked))["state"] == "live"
    await device.end()
    receipt = await desk.receipt(device.sid, kinds=4)
    checked(receipt)
    assert kinds(receipt) == ["hello", "ask", "decision", "end"]
