"""A relay dies in the middle of a stream: its viewers go to another one, and see what is, not what was."""

import asyncio

import pytest

from agent.engine.input_pump import LOOK_EVERY_S
from agent.engine.silence import SILENT_S
from beistand.protocol.errors import NoGrant
from beistand.protocol.messages import Input, InputKey, InputRelease
from tests.support.helpdesk import Visited
from tests.support.plant import Plant

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="session")]

KEY: Input = InputKey(key="a", code="KeyA", action="down")
ABNORMAL = 1006
"""What a browser is told when a socket just breaks (RFC 6455, section 7.4.1)."""


async def test_a_viewer_goes_on_at_another_relay_with_a_new_ticket(plant: Plant, visit: Visited) -> None:
    async with plant.another_relay() as other:
        grant = await visit.allow()
        viewer = await visit.watch()
        used = await visit.desk.ticket(visit.sid)
        await viewer.until_frame(visit.frame(grant))
        async with plant.without("relay"):
            visit.frame(grant)  # on its way as the relay dies, or lost after it
            assert await viewer.close_code() == ABNORMAL
            visit.frame(grant)
            moved = await visit.watch(port=other)
            visit.frame(grant, key=False)  # worth nothing to somebody who just came
            fresh = visit.frame(grant)
            await moved.until_frame(fresh)
            assert moved.frames == [fresh]
            visit.person.engine.stop_sharing()
            assert await moved.close_code() == NoGrant().close_code
            late = visit.viewer(port=other)
            async with late:
                await late.hello(used)
                assert await late.close_code() == NoGrant().close_code
                assert late.frames == []


async def test_a_killed_relay_leaves_no_key_down(plant: Plant, visit: Visited) -> None:
    """Not even if its technician has come in at another relay by then, which knows of no key."""
    async with plant.another_relay() as other:
        await visit.allow()
        await visit.allow("control")
        viewer = await visit.watch()
        await viewer.until("relay.control", live=True)
        await viewer.say(KEY)
        await asyncio.sleep(SILENT_S + LOOK_EVERY_S + 1)  # held long: nobody lets go while the relay is there
        assert visit.person.injector.events == [KEY]
        async with plant.without("relay"):
            moved = await visit.watch(port=other)
            await moved.until("relay.control", live=True)
            await visit.person.injects(2)
            assert visit.person.injector.events == [KEY, InputRelease()]
