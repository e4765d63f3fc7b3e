"""The broker dies and comes back on its disk: everybody recovers, and nothing of before is played again."""

import pytest

from agent.port import Phase
from beistand.protocol.errors import Unavailable
from beistand.protocol.messages import InputText
from beistand.protocol.records import Cause
from tests.support.helpdesk import Visited
from tests.support.plant import Plant

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="session")]


async def test_everybody_recovers_and_nothing_old_comes_through(plant: Plant, visit: Visited) -> None:
    person, desk = visit.person, visit.desk
    view = await visit.allow()
    viewer = await visit.watch()
    control = await visit.allow("control")
    await viewer.until("relay.control", live=True)
    await viewer.until_frame(visit.frame(view))
    async with plant.broker_away():
        await person.sees(lambda seen: seen.phase is Phase.RECONNECTING)
        assert (person.gate.live_views(), person.gate.may_inject(control)) == ((), False)
        await viewer.say(InputText(text="typed into the void"))
        visit.frame(view)
        assert await viewer.close_code() == Unavailable().close_code
    await person.sees(lambda seen: seen.phase is Phase.SESSION)
    revoked = await desk.sees_request(visit.sid, view, "revoked")
    assert (revoked["closed_by"], revoked["cause"]) == ("system", Cause.LEASE_LOST)
    await desk.sees_request(visit.sid, control, "revoked")
    assert person.view.accesses == ()
    # The same session goes on with new questions; from before there is no picture and no key stroke.
    again = await visit.allow()
    later = await visit.watch()
    await visit.allow("control")
    await later.until("relay.control", live=True)
    fresh = visit.frame(again)
    await later.until_frame(fresh)
    await later.say(InputText(text="now"))
    await person.types("now")
    assert (later.frames, person.injector.typed) == ([fresh], "now")
