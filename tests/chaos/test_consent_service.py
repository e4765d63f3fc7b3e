"""The consent service dies: a stop needs nobody's word, and what was signed is written down once, later."""

import pytest

from beistand.protocol.errors import NoGrant
from beistand.protocol.records import Cause
from tests.support.helpdesk import Visited
from tests.support.plant import Plant
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
