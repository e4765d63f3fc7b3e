"""A session from code to end over the real bus: who gets in, what is said, how it is over."""

from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from beistand.bus.settings import BusSettings
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import Party, RequestState, SessionState
from beistand.protocol.records import Cause
from tests.support.core_services import Technician, new_id, running

pytestmark = pytest.mark.integration


@pytest.fixture
async def services(bus_settings: BusSettings) -> AsyncIterator[Client]:
    async with running(bus_settings) as client:
        yield client


@pytest.fixture
def technician(services: Client) -> Technician:
    return Technician(services, org=f"org-{new_id()[:8]}")


async def test_the_whole_way(technician: Technician) -> None:
    sid, agent = await technician.in_session()
    assert (await technician.get(sid)).state is SessionState.WAITING
    async with agent:
        await agent.hello()
        assert (await technician.get(sid)).state is SessionState.ACTIVE

        asked = await technician.ask(sid)
        assert asked.state is RequestState.ASKED
        view = await agent.allow_next()
        assert (await technician.requests(sid))[view.request_id].state is RequestState.LIVE

        await technician.ask(sid, Capability.CONTROL)
        control = await agent.allow_next()
        await agent.revoke(view.request_id)
        found = await technician.requests(sid)
        assert found[view.request_id].cause is Cause.STOP_SHARING
        assert found[control.request_id].cause is Cause.VIEW_ENDED
        assert {item.state for item in found.values()} == {RequestState.REVOKED}

        again = await technician.ask(sid)
        assert (await agent.allow_next()).request_id == again.id != asked.id
        await agent.end()
    ended = await technician.get(sid)
    assert (ended.state, ended.ended_by) == (SessionState.ENDED, Party.CUSTOMER)
