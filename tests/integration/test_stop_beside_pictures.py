"""A stop while pictures queue: it overtakes them on its own connection, and none of them leaves later."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from beistand.bus import rpc
from beistand.bus.connection import connect
from beistand.bus.permissions import Bucket
from beistand.bus.settings import BusSettings
from beistand.bus.store import Store
from beistand.protocol import frames, subjects
from beistand.protocol.frames import MAX_CHUNK, Codec, Header
from beistand.protocol.messages import Join, Joined, RequestState, TicketEntry
from tests.support.core_services import Technician, new_id, running, until
from tests.support.person import Person, person_at
from tests.support.proxy import Road, road_to
from tests.support.relay_stage import issue, relay
from tests.support.viewer import ViewerClient

pytestmark = pytest.mark.integration

MANY = 60
"""Frames: nearly as many as may wait in the agent, and more than a slow uplink carries in five seconds."""


@dataclass
class Scene:
    """One technician, and a customer's engine whose way to the bus is `road`."""

    technician: Technician
    person: Person
    road: Road
    relay: Client
    """A connection with the relay's rights."""
    port: int
    sid: str
    seq: int = 0
    arrived: list[int] = field(default_factory=list)
    """Sequence numbers of what came over the bus."""

    async def shares(self) -> str:
        """Asked and allowed; the grant's id."""
        await self.technician.ask(self.sid)
        grant = await self.person.allows()
        await self.relay.subscribe(subjects.media(self.technician.org, self.sid, grant), cb=self._arrives)
        await self.relay.flush()
        return grant

    def pictures(self, grant_id: str, *, count: int = 1, size: int = 9000, key: bool = False) -> None:
        """The camera makes that many frames at once."""
        for _ in range(count):
            self.seq += 1
            header = Header(Codec.H264, key, True, 0, self.seq, self.seq, 640, 480, 0)
            for chunk in frames.chunks(header, bytes(size)):
                self.person.media.streams[grant_id](chunk)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[ViewerClient]:
        tickets = await Store.open(self.technician.services, Bucket.TICKETS, TicketEntry)
        async with ViewerClient(self.port) as viewer:
            await viewer.hello(await issue(tickets, self.technician, self.sid))
            await viewer.until("relay.ready")
            yield viewer

    async def recorded(self, grant_id: str) -> None:
        """Wait until the stop of this grant is in the books."""

        async def is_so() -> bool:
            found = await self.technician.requests(self.sid)
            return found[grant_id].state is RequestState.REVOKED

        await until(is_so)

    async def _arrives(self, message: Msg) -> None:
        self.arrived.append(frames.parse(message.data).seq)


@pytest.fixture
async def scene(bus_settings: BusSettings) -> AsyncIterator[Scene]:
    async with running(bus_settings) as services, relay(bus_settings) as ports:
        witness = await connect(bus_settings, "relay", purpose="media")
        async with road_to(bus_settings.nats_url) as road, person_at(_way_in(services, road)) as person:
            technician = Technician(services, org=f"org-{new_id()[:8]}")
            created = await technician.create()
            await person.joins(created.code)
            yield Scene(technician, person, road, witness, ports.viewers, created.session.id)
            road.mend()
        await witness.close()


def _way_in(services: Client, road: Road) -> Callable[[str, str], Awaitable[Joined]]:
    loop = asyncio.get_running_loop()

    async def ask(code: str, agent_key: str) -> Joined:
        wanted = Join(code=code, agent_key=agent_key)
        joined = await rpc.call(services, subjects.Service.SESSION_JOIN, wanted, Joined)
        return joined.model_copy(update={"nats_urls": (road.url,)})

    async def look_up(code: str, agent_key: str) -> Joined:
        # The engine has a loop of its own; the services' connection belongs to the test's.
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(ask(code, agent_key), loop))

    return look_up


async def test_on_a_full_uplink_a_stop_is_not_behind_the_pictures(scene: Scene) -> None:
    grant = await scene.shares()
    async with scene.watching() as viewer:
        scene.pictures(grant, key=True)
        await viewer.until_frame(1)
        scene.road.jam()
        scene.pictures(grant, count=MANY)
        scene.person.engine.stop_sharing()
        assert await viewer.close_code() == 4403
        assert viewer.frames == [1]
    await scene.recorded(grant)
    assert scene.arrived == [1]


async def test_what_waits_in_the_device_never_leaves_it_after_a_stop(scene: Scene) -> None:
    """More than connection and system take in waits in the agent; the gate is asked again for each."""
    grant = await scene.shares()
    async with scene.watching() as viewer:
        scene.pictures(grant, key=True)
        await viewer.until_frame(1)
        scene.road.jam()
        scene.pictures(grant, count=MANY, size=MAX_CHUNK)
        scene.person.engine.stop_sharing()
        assert await viewer.close_code() == 4403
        assert viewer.frames == [1]
    await scene.recorded(grant)
    scene.road.mend()
    again = await scene.shares()
    scene.pictures(again, key=True)
    await until(lambda: _is(scene.seq in scene.arrived))
    assert len(scene.arrived) < MANY


async def _is(value: object) -> bool:
    return bool(value)
