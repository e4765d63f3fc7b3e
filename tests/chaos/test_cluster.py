"""Three brokers that keep everything thrice: one dies, two die, each takes its leave; the ledger stands."""

import asyncio
import logging
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from agent.engine import join
from beistand.bus.connection import connect
from beistand.bus.permissions import Bucket, Stream
from beistand.bus.settings import BusSettings
from beistand.protocol.errors import BeistandError, NoGrant, Unavailable
from beistand.protocol.records import Cause
from beistand.protocol.subjects import Up
from tests.support.agent_wire import AgentWire, agent_key_of
from tests.support.cluster import SIZE, ClusteredStack, clustered
from tests.support.helpdesk import Helpdesk, helpdesk, visited
from tests.support.plant import PATIENCE_S, Plant, eventually
from tests.support.proxy import road_to
from tests.support.receipts import checked, kinds

pytestmark = [pytest.mark.chaos, pytest.mark.soak, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClusteredStack]:
    async with clustered(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def desk(cluster: ClusteredStack) -> AsyncIterator[Helpdesk]:
    async with helpdesk(cluster) as technician:
        yield technician


@asynccontextmanager
async def device(cluster: ClusteredStack, desk: Helpdesk, *, at: int | None) -> AsyncIterator[AgentWire]:
    """A joined device that knows one node only, or all."""
    seed = secrets.token_bytes(32)
    _, code = await desk.opens_session()
    joined = await join.look_up(cluster.gateway_url, code, agent_key_of(seed))
    urls = joined.nats_urls if at is None else (cluster.nodes[at].url,)
    agent = AgentWire(joined.model_copy(update={"nats_urls": urls}), seed)
    agent.gives_up_after = PATIENCE_S
    async with agent:
        await agent.hello()
        yield agent


async def test_every_stream_is_kept_as_often_as_configured(cluster: ClusteredStack) -> None:
    client = await connect(BusSettings(nats_url=cluster.nodes[0].url, keys=cluster.keys), "session")
    try:
        names = [*(bucket.stream for bucket in Bucket), *(stream.value for stream in Stream)]
        kept = {name: (await client.jetstream().stream_info(name)).config.num_replicas for name in names}
    finally:
        await client.close()
    assert kept == dict.fromkeys(names, SIZE)


async def test_the_ledgers_leader_dies_while_a_yes_is_written(
    cluster: ClusteredStack, desk: Helpdesk
) -> None:
    """Between the yes and its confirmation: afterwards the grant is there, once, with one entry."""
    plant = Plant(cluster)
    leader = await cluster.leader_of(Stream.LEDGER)
    other = (leader + 1) % SIZE
    async with device(cluster, desk, at=other) as agent, road_to(cluster.nodes[other].url) as road:
        await plant.kill("consent")
        await plant.revive("consent", NATS_URL=road.url)
        asked = await desk.asks(agent.sid)
        decision = agent.decide(*await agent.question())
        road.goes_silent_after(b"HPUB bst.ledger.")
        answer = asyncio.create_task(_send(agent, decision))
        async with asyncio.timeout(PATIENCE_S):
            await road.has_passed.wait()
        await cluster.kill(leader)
        road.mend()
        try:
            recorded = await answer
            assert recorded == await _send(agent, decision)
            assert (await desk.sees_request(agent.sid, asked, "live"))["state"] == "live"
        finally:
            await plant.kill("consent")
            await cluster.nodes[leader].start()
            await plant.revive("consent")
        await agent.end()
        receipt = await desk.receipt(agent.sid, kinds=4)
        checked(receipt)
        assert kinds(receipt) == ["hello", "ask", "decision", "end"]


async def _send(agent: AgentWire, decision: str) -> object:
    """As a device does: again and again, until it is answered."""
    answers: list[object] = []

    async def is_answered() -> bool:
        with suppress(BeistandError):
            answers.append(await agent.send(Up.DECISION, "decision", decision))
        return bool(answers)

    await eventually(is_answered)
    return answers[0]


async def test_a_stop_cuts_while_consent_service_and_jetstream_are_down(
    cluster: ClusteredStack, desk: Helpdesk, tmp_path: Path
) -> None:
    """One node of three carries messages and can store nothing; what was signed is stored once, later."""
    plant = Plant(cluster)
    url = cluster.nodes[0].url
    async with (
        plant.another_relay(NATS_URL=url) as beside,
        visited(cluster, desk, tmp_path, over=url) as visit,
    ):
        grant = await visit.allow()
        viewer = await visit.watch(port=beside)
        await viewer.until_frame(visit.frame(grant))
        await plant.kill("consent")
        await asyncio.gather(cluster.kill(1), cluster.kill(2))
        try:
            visit.person.engine.stop_sharing()
            assert visit.person.gate.live_views() == ()
            assert await viewer.close_code() == NoGrant().close_code
            assert viewer.texts("relay.stopped")[0]["cause"] == Cause.STOP_SHARING
            # It comes up before there is anything to read or to write, and waits for it.
            await cluster.start_service("consent")
        finally:
            await asyncio.gather(cluster.nodes[1].start(), cluster.nodes[2].start())
        await cluster.ready("consent")
        await desk.sees_request(visit.sid, grant, "revoked")
        await desk.ends(visit.sid)
        receipt = await desk.receipt(visit.sid, kinds=5)
        checked(receipt)
        assert kinds(receipt).count("revocation") == 1


SESSIONS = 20
LEASE_EVERY_S = 0.5
LOST_AFTER_S = 5.0


@dataclass
class Attended:
    """A device with a live grant that says so all the time, and notes how long nobody could hear it."""

    agent: AgentWire
    grant: str
    silences: list[float] = field(default_factory=list)

    async def attend(self) -> None:
        """Lease for ever, and say hello whenever the connection has come back."""
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while True:
            with suppress(Unavailable):
                await self._greet_again()
                await self.agent.lease(self.grant)
                self.silences.append(loop.time() - heard)
                heard = loop.time()
            await asyncio.sleep(LEASE_EVERY_S)

    async def _greet_again(self) -> None:
        if self.agent.back.is_set():
            await self.agent.hello()
            self.agent.back.clear()


@pytest.mark.timeout(600)
async def test_every_node_takes_its_leave_and_comes_back_while_sessions_run(
    cluster: ClusteredStack, desk: Helpdesk
) -> None:
    async with AsyncExitStack() as exits, asyncio.TaskGroup() as tasks:
        devices = []
        for _ in range(SESSIONS):
            agent = await exits.enter_async_context(device(cluster, desk, at=None))
            devices.append(Attended(agent, await desk.asks(agent.sid)))
            await agent.allow_next()
        before = [await desk.request(each.agent.sid, each.grant) for each in devices]
        attending = [tasks.create_task(each.attend()) for each in devices]
        for node in cluster.nodes:
            node.send_signal(signal.SIGUSR2)  # lame duck mode: clients are sent away one by one
            await node.wait()
            await node.start()
            await eventually(cluster.is_whole)
        await eventually(lambda: _all_active(desk, devices))
        after = [await desk.request(each.agent.sid, each.grant) for each in devices]
        for task in attending:
            task.cancel()
    assert after == before
    assert {request["state"] for request in after} == {"live"}
    longest = max(max(each.silences) for each in devices)
    logging.getLogger(__name__).warning("longest silence of a session: %.2f s", longest)
    assert longest < LOST_AFTER_S


async def _all_active(desk: Helpdesk, devices: list[Attended]) -> bool:
    states = [(await desk.session(each.agent.sid))["state"] for each in devices]
    return set(states) == {"active"}
