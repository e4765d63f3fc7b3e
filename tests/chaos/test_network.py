"""The network goes silent without a word (no FIN): the device stops by itself, the relay by the lease."""

from pathlib import Path

import pytest

from beistand.cli.stack import Stack
from beistand.protocol.errors import Unavailable
from beistand.protocol.records import Cause
from tests.support.helpdesk import Helpdesk, Visited, visited
from tests.support.plant import Plant
from tests.support.proxy import road_to
from tests.support.receipts import checked, kinds

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="session")]


async def test_a_device_without_a_network_stops_at_once_and_the_relay_by_the_lease(
    stack: Stack, desk: Helpdesk, tmp_path: Path
) -> None:
    async with (
        road_to(stack.server.url) as road,
        visited(stack, desk, tmp_path, over=road.url, has_second_way=False) as visit,
    ):
        grant = await visit.allow()
        viewer = await visit.watch()
        await viewer.until_frame(visit.frame(grant))
        road.freeze()
        visit.person.engine.stop_sharing()
        assert visit.person.gate.live_views() == ()
        assert await viewer.close_code() == Unavailable().close_code
        stopped = viewer.texts("relay.stopped")[0]
        assert (stopped["by"], stopped["cause"]) == ("system", Cause.LEASE_LOST)
        assert (await desk.request(visit.sid, grant))["state"] == "live"  # nobody invents a revocation
        road.mend()
        revoked = await desk.sees_request(visit.sid, grant, "revoked")
        assert (revoked["closed_by"], revoked["cause"]) == ("customer", Cause.STOP_SHARING)
        await desk.ends(visit.sid)
        receipt = await desk.receipt(visit.sid, kinds=5)
        checked(receipt)
        assert kinds(receipt) == ["hello", "ask", "decision", "revocation", "activity"]


@pytest.mark.soak
async def test_a_relay_without_a_broker_closes_by_the_lease(plant: Plant, visit: Visited) -> None:
    async with road_to(plant.stack.server.url) as road, plant.another_relay(NATS_URL=road.url) as cut_off:
        grant = await visit.allow()
        viewer = await visit.watch(port=cut_off)
        await viewer.until_frame(visit.frame(grant))
        road.freeze()
        visit.frame(grant)
        assert await viewer.close_code() == Unavailable().close_code
        assert viewer.texts("relay.stopped")[0]["cause"] == Cause.LEASE_LOST
        # The device was never cut off: it goes on, and a stop of its own is recorded as always.
        assert visit.person.gate.live_views() == (grant,)
        visit.person.engine.stop_sharing()
        await visit.desk.sees_request(visit.sid, grant, "revoked")
        road.mend()
        assert viewer.frames == [1]
