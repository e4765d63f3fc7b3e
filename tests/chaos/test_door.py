"""The session service is dead, and with it the door for agents: nobody new gets in, those inside go on."""

from functools import partial
from pathlib import Path

import pytest

from agent.engine import join
from agent.engine.key import DeviceKey
from agent.port import Phase
from beistand.bus.agent import connect_agent
from beistand.bus.connection import nothing
from beistand.cli.stack import Stack
from beistand.protocol.errors import BeistandError
from tests.support.helpdesk import Helpdesk, Visited, visited
from tests.support.plant import Plant, eventually
from tests.support.proxy import road_to

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="session")]


async def test_new_agents_are_refused_while_sessions_go_on(
    plant: Plant, desk: Helpdesk, visit: Visited
) -> None:
    sid, code = await desk.opens_session()
    key = DeviceKey.generate()
    joined = await join.look_up(plant.stack.gateway_url, code, key.agent_key)
    enter = partial(
        connect_agent,
        joined.nats_urls,
        ticket=joined.ticket,
        seed=key.seed,
        sid=sid,
        purpose="control",
        on_disconnected=nothing,
        on_reconnected=nothing,
        on_closed=nothing,
    )
    grant = await visit.allow()
    viewer = await visit.watch()
    async with plant.without("session"):
        with pytest.raises(BeistandError):
            await enter()
        await viewer.until_frame(visit.frame(grant))
        await visit.allow("control")
        await viewer.until("relay.control", live=True)
        visit.person.engine.stop_control()
        await viewer.until("relay.control", live=False)
    client = await enter()
    await client.close()


@pytest.mark.soak
async def test_an_agent_that_lost_its_connection_meanwhile_comes_back(
    plant: Plant, stack: Stack, desk: Helpdesk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is refused while nobody can be asked about it, and takes that for no last word."""

    async def is_refused() -> bool:
        return "nats sign-in refused" in caplog.messages

    async with road_to(stack.server.url) as road, visited(stack, desk, tmp_path, over=road.url) as visit:
        async with plant.without("session"):
            road.cut()
            await visit.person.sees(lambda seen: seen.phase is Phase.RECONNECTING)
            road.mend()
            await eventually(is_refused)
        await visit.person.sees(lambda seen: seen.phase is Phase.SESSION)
        assert await visit.allow()
