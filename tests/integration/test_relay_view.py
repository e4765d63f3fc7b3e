"""A picture's way from the device to the browser over the real bus, and every way it stops."""

from collections.abc import AsyncIterator

import httpx
import pytest

from beistand.bus.settings import BusSettings
from beistand.protocol.errors import BeistandError
from beistand.protocol.messages import MediaDown, RequestState, ViewerRefresh, ViewerShown
from beistand.protocol.records import Cause, Revocation
from beistand.protocol.subjects import Up
from tests.support.core_services import Technician
from tests.support.relay_stage import Stage, relay, staged

pytestmark = pytest.mark.integration

ABNORMAL = 1006
"""Close code of a connection that was cut (RFC 6455, section 7.4.1)."""


@pytest.fixture
async def stage(bus_settings: BusSettings) -> AsyncIterator[Stage]:
    async with staged(bus_settings) as stage:
        yield stage


async def test_from_the_yes_to_the_picture(stage: Stage) -> None:
    grant = await stage.allow()
    async with stage.watching() as viewer:
        assert viewer.texts("relay.ready")[0]["grant_id"] == grant
        assert await stage.agent.next(MediaDown) == MediaDown(grant_id=grant, key_frame=True, codecs=())
        await stage.frame(grant, key=True, size=2_000_000)
        await stage.frame(grant)
        await viewer.until_frame(2)
        assert viewer.frames == [1, 1, 1, 1, 1, 2]
        await viewer.say(ViewerShown(seq=2))
        assert await stage.agent.next(MediaDown) == MediaDown(grant_id=grant, shown=2)
        await viewer.say(ViewerRefresh())
        assert await stage.agent.next(MediaDown) == MediaDown(grant_id=grant, key_frame=True, codecs=())
        await stage.frame(grant)
        await stage.frame(grant, key=True)
        await viewer.until_frame(4)
        assert viewer.frames[-2:] == [2, 4]


async def test_a_stop_by_the_customer_is_the_last_thing_a_viewer_hears(stage: Stage) -> None:
    grant = await stage.allow()
    async with stage.watching() as viewer:
        await stage.frame(grant, key=True)
        await viewer.until_frame(1)
        await stage.agent.revoke(grant)
        for _ in range(50):
            await stage.frame(grant)
        await stage.frame(grant, key=True)
        assert await viewer.close_code() == 4403
        last = viewer.got[-1]
        assert last == {
            "type": "relay.stopped",
            "code": "no_grant",
            "by": "customer",
            "cause": Cause.STOP_SHARING,
        }
        assert viewer.frames == [1]


async def test_a_stop_is_obeyed_even_when_the_services_refuse_to_record_it(stage: Stage) -> None:
    """The relay listens to the device itself, and what it cannot verify on a stop's subject stops as well."""
    grant = await stage.allow()
    async with stage.watching() as viewer:
        unverifiable = stage.agent.sign(
            Revocation, grant_ids=(grant,), cause=Cause.STOP_SHARING, seed=b"\7" * 32
        )
        with pytest.raises(BeistandError):
            await stage.agent.send(Up.REVOKED, "revocation", unverifiable)
        assert await viewer.close_code() == 4403
    assert (await stage.technician.requests(stage.sid))[grant].state is RequestState.LIVE
    async with stage.viewer() as viewer:
        await viewer.hello(await stage.ticket())
        assert await viewer.close_code() == 4403


async def test_after_a_stop_a_new_ticket_is_refused_and_a_new_yes_works(stage: Stage) -> None:
    old = await stage.allow()
    async with stage.watching():
        await stage.agent.revoke(old)
    stage.live.clear()
    async with stage.viewer() as viewer:
        await viewer.hello(await stage.ticket())
        assert await viewer.close_code() == 4403
    new = await stage.allow()
    async with stage.watching() as viewer:
        await stage.frame(old, key=True)
        await stage.frame(new, key=True)
        await viewer.until_frame(2)
        assert viewer.frames == [2]


async def test_the_end_closes_every_viewer_and_old_tickets_are_worth_nothing(stage: Stage) -> None:
    await stage.allow()
    spare = await stage.ticket()
    async with stage.watching() as one, stage.watching() as two:
        await stage.agent.end()
        assert [await one.close_code(), await two.close_code()] == [4410, 4410]
        assert one.got[-1]["cause"] == Cause.END_SESSION  # type: ignore[index]
    for ticket in (spare, await stage.ticket()):
        async with stage.viewer() as viewer:
            await viewer.hello(ticket)
            assert await viewer.close_code() in (4401, 4410)
            assert viewer.texts("relay.ready") == []


async def test_the_technicians_end_closes_viewers(stage: Stage) -> None:
    await stage.allow()
    async with stage.watching() as viewer:
        await stage.technician.end(stage.sid)
        assert await viewer.close_code() == 4410
        assert (await viewer.until("relay.stopped"))["by"] == "technician"


async def test_the_technician_handing_back_closes_the_own_viewer(stage: Stage) -> None:
    grant = await stage.allow()
    async with stage.watching() as viewer:
        await stage.technician.withdraw(stage.sid, grant)
        assert await viewer.close_code() == 4403
        assert (await viewer.until("relay.stopped"))["by"] == "technician"


async def test_without_a_lease_the_stream_stops(stage: Stage) -> None:
    await stage.allow()
    async with stage.watching() as viewer:
        stage.live.clear()
        assert await viewer.close_code() == 4503
        assert (await viewer.until("relay.stopped"))["cause"] == Cause.LEASE_LOST


async def test_a_device_that_falls_silent_stops_the_stream(stage: Stage) -> None:
    await stage.allow()
    async with stage.watching() as viewer:
        for client in stage.agent.clients.values():
            await client.close()
        assert await viewer.close_code() == 4503


async def test_a_pause_holds_the_picture_until_it_ends(stage: Stage) -> None:
    grant = await stage.allow()
    async with stage.watching() as viewer:
        await stage.frame(grant, key=True)
        await viewer.until_frame(1)
        stage.paused = True
        await stage.agent.pause(paused=True)
        await viewer.until("relay.paused", paused=True)
        for _ in range(20):
            await stage.frame(grant, key=True)
        await stage.agent.clients["media"].flush()
        stage.paused = False
        await stage.agent.pause(paused=False)
        await viewer.until("relay.paused", paused=False)
        await viewer.until_frame(await stage.frame(grant, key=True))
        first, second = viewer.texts("relay.paused")
        assert viewer.got.index(second) == viewer.got.index(first) + 1


async def test_two_technicians_two_grants_and_only_the_stopped_one_closes(stage: Stage) -> None:
    tom = Technician(stage.gateway, stage.technician.org, name="Tom", sees_all=True)
    tinas = await stage.allow()
    toms = await stage.allow(by=tom)
    async with stage.watching() as tina, stage.watching(by=tom) as other:
        await stage.agent.revoke(tinas)
        assert await tina.close_code() == 4403
        await stage.frame(toms, key=True)
        await other.until_frame(1)
        assert tina.frames == []


async def test_a_viewer_that_reads_nothing_harms_nobody_and_is_cut_off(stage: Stage) -> None:
    grant = await stage.allow()
    async with stage.watching() as good, stage.viewer(reads=False) as stuck:
        await stuck.hello(await stage.ticket())
        for number in range(60):
            await good.until_frame(await stage.frame(grant, key=number % 10 == 0, size=400_000))
        assert good.frames == list(range(1, 61))
        await stage.agent.revoke(grant)
        assert await good.close_code() == 4403
        assert await stuck.read_on() in (4403, ABNORMAL)
        assert len(stuck.frames) < 60


async def test_malformed_frames_are_dropped_and_the_stream_goes_on(stage: Stage) -> None:
    grant = await stage.allow()
    async with stage.watching() as viewer:
        await stage.frame(grant, key=True)
        for raw in (b"", b"\x01", b"\xff" * 24, b"\x00" * 5000):
            await stage.frame(grant, raw=raw)
        await stage.frame(grant)
        await viewer.until_frame(2)
        assert viewer.frames == [1, 2]


async def test_two_relays_serve_one_grant_and_both_stop(stage: Stage, bus_settings: BusSettings) -> None:
    grant = await stage.allow()
    async with relay(bus_settings) as second, stage.watching() as one:
        elsewhere = stage.viewer()
        elsewhere._url = elsewhere._url.replace(str(stage.ports.viewers), str(second.viewers))
        async with elsewhere as two:
            await two.hello(await stage.ticket())
            await two.until("relay.ready")
            await stage.frame(grant, key=True)
            await one.until_frame(1)
            await two.until_frame(1)
            await stage.agent.revoke(grant)
            assert [await one.close_code(), await two.close_code()] == [4403, 4403]


async def test_a_relay_that_goes_away_says_so(bus_settings: BusSettings) -> None:
    async with staged(bus_settings) as stage:
        await stage.allow()
        async with relay(bus_settings) as leaving:
            viewer = stage.viewer()
            viewer._url = viewer._url.replace(str(stage.ports.viewers), str(leaving.viewers))
            await viewer.__aenter__()
            await viewer.hello(await stage.ticket())
            await viewer.until("relay.ready")
        assert await viewer.close_code() == 1012
        await viewer.__aexit__()
        async with stage.watching() as again:
            await again.until("relay.control")


async def test_health_is_told(stage: Stage) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{stage.ports.health}") as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
