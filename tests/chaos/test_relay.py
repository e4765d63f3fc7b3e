"""A relay dies in the middle of a stream: its viewers go to another one, and see what is, not what was."""

import pytest

from beistand.protocol.errors import NoGrant
from tests.support.helpdesk import Visited
from tests.support.plant import Plant

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="session")]

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
