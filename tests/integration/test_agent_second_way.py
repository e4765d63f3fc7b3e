"""The agent's bus connection is gone and HTTPS is not: a stop still arrives, long before the lease runs out.

The close code tells which it was: 4403 and 4410 come from the device's own record, 4503 from a lost lease.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from agent.engine import join, records_post
from agent.port import Phase
from beistand.bus.settings import BusSettings
from tests.support import core_services, gateway_stage, relay_stage
from tests.support.gateway_stage import Person as Technician
from tests.support.person import Person, person_at, until
from tests.support.proxy import Road, road_to
from tests.support.viewer import ViewerClient

pytestmark = pytest.mark.integration


@dataclass
class Scene:
    """A picture is being watched; the agent reaches the bus over `road` only."""

    person: Person
    technician: Technician
    road: Road
    viewer: ViewerClient
    sid: str
    grant: str

    async def request(self) -> dict[str, Any]:
        """The granted request as the API tells it now."""
        found = (await self.technician.http.get(f"/v1/sessions/{self.sid}/requests")).json()["items"]
        return next(item for item in found if item["id"] == self.grant)

    async def becomes(self, state: str) -> dict[str, Any]:
        async def is_so() -> bool:
            return bool((await self.request())["state"] == state)

        await until(is_so)
        return await self.request()

    async def is_summed_up(self) -> dict[str, Any]:
        """What the API tells of the use, once it does."""

        async def is_so() -> bool:
            return (await self.request()).get("usage") is not None

        await until(is_so)
        usage: dict[str, Any] = (await self.request())["usage"]
        return usage


@pytest.fixture
async def scene(bus_settings: BusSettings) -> AsyncIterator[Scene]:
    async with watched(bus_settings) as scene:
        yield scene


@asynccontextmanager
async def watched(bus: BusSettings) -> AsyncIterator[Scene]:
    async with (
        road_to(bus.nats_url) as road,
        core_services.running(bus, agent_nats_urls=road.url),
        relay_stage.relay(bus) as ports,
        gateway_stage.staged(bus) as stage,
        person_at(partial(join.look_up, stage.url), post=partial(records_post.post, stage.url)) as person,
    ):
        technician = await stage.person()
        session = await technician.session()
        await person.joins(session["code"])
        asked = {"capability": "view", "reason": "printer"}
        await technician.http.post(f"/v1/sessions/{session['id']}/requests", json=asked)
        grant = await person.allows()
        async with ViewerClient(ports.viewers) as viewer:
            await viewer.hello(await technician.ticket(session["id"], "relay"))
            await viewer.until("relay.ready")
            yield Scene(person, technician, road, viewer, session["id"], grant)


async def test_a_stop_arrives_although_the_connection_is_silent(scene: Scene) -> None:
    scene.road.freeze()
    scene.person.engine.stop_sharing()
    assert scene.person.gate.live_views() == ()
    stopped = await scene.viewer.until("relay.stopped")
    assert (stopped["by"], stopped["cause"]) == ("customer", "stop_sharing")
    assert await scene.viewer.close_code() == 4403
    recorded = await scene.becomes("revoked")
    assert (recorded["closed_by"], recorded["cause"]) == ("customer", "stop_sharing")
    assert not any("delivery_pending" in view.notices for view in scene.person.seen)
    assert (await scene.is_summed_up())["used_s"] >= 1


async def test_a_stop_arrives_although_the_broker_is_gone(scene: Scene) -> None:
    scene.road.cut()  # the device stops everything by itself, and says so
    await scene.viewer.until("relay.stopped")
    assert (await scene.becomes("revoked"))["closed_by"] == "system"
    scene.road.mend()
    await scene.person.sees(lambda view: view.phase is Phase.RECONNECTING)
    await scene.person.sees(lambda view: view.phase is Phase.SESSION)
    asked = {"capability": "view", "reason": "printer"}
    await scene.technician.http.post(f"/v1/sessions/{scene.sid}/requests", json=asked)
    await scene.person.allows()


async def test_the_end_and_its_question_arrive_although_the_connection_is_silent(scene: Scene) -> None:
    scene.road.freeze()
    scene.person.engine.ask_end()
    await scene.viewer.until("relay.paused", paused=True)
    scene.person.engine.confirm_end()
    assert await scene.viewer.close_code() == 4410
    session = (await scene.technician.http.get(f"/v1/sessions/{scene.sid}")).json()
    assert (session["state"], session["ended_by"], session["cause"]) == ("ended", "customer", "end_session")


async def test_without_the_second_way_only_the_lease_would_end_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the other tests here rely on: the close code tells the two apart."""

    async def nowhere(*_: object, **__: object) -> bytes:
        raise httpx.ConnectError("no way")

    monkeypatch.setattr(records_post.web.httpx.AsyncClient, "send", nowhere)
    scene.road.freeze()
    scene.person.engine.stop_sharing()
    assert await scene.viewer.close_code() == 4503
    await scene.person.sees(lambda view: "delivery_pending" in view.notices)
    monkeypatch.undo()  # and it is tried until somebody answers
    assert (await scene.becomes("revoked"))["cause"] == "stop_sharing"
