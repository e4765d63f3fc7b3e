"""Three brokers that keep everything thrice: one dies, two die, each takes its leave; sessions and ledger stand."""

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
import pytest_asyncio

from agent.engine import join
from beistand.bus.connection import connect
from beistand.bus.permissions import Bucket, Stream
from beistand.bus.settings import BusSettings
from beistand.protocol.errors import BeistandError, NoGrant
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
async def device(cluster: ClusteredStack, desk: Helpdesk, *, at: int) -> AsyncIterator[AgentWire]:
    """A joined device that knows one node only."""
    seed = secrets.token_bytes(32)
    _, code = await desk.opens_session()
    joined = await join.look_up(cluster.gateway_url, code, agent_key_of(seed))
    agent = AgentWire(joined.model_copy(update={"nats_urls": (cluster.nodes[at].url,)}), seed)
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
