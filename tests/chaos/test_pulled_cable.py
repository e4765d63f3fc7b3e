"""The real agent in a network of its own whose cable is pulled: packets vanish, nobody is told."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from beistand.protocol.errors import Unavailable
from beistand.protocol.records import Cause
from tests.chaos.watched import watching
from tests.support.helpdesk import Helpdesk
from tests.support.namespace import Namespace, NoNamespaces, namespace
from tests.support.plant import Plant
from tests.support.proxy import road_to
from tests.support.receipts import checked, kinds

pytestmark = [pytest.mark.chaos, pytest.mark.soak, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def island() -> Iterator[Namespace]:
    try:
        with namespace() as made:
            yield made
    except NoNamespaces as reason:
        pytest.skip(f"no network namespaces here: {reason}")


@asynccontextmanager
async def forwarded(island: Namespace, target: str) -> AsyncIterator[str]:
    """Where `target` (a URL with host and port) is to be reached on the island itself, as host:port."""
    async with road_to(target, host=island.outside) as road:
        forwarder = await asyncio.create_subprocess_exec(
            *(*island.wrapper, sys.executable, "-m", "tests.support.proxy", road.url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert forwarder.stdout is not None
            yield urlsplit((await forwarder.stdout.readline()).decode().strip()).netloc
        finally:
            forwarder.kill()
            await forwarder.wait()


@asynccontextmanager
async def reached_from(island: Namespace, plant: Plant) -> AsyncIterator[str]:
    """Broker and gateway, as far as the island can reach them; the gateway's address there.

    An agent speaks without TLS to its own machine only, so the island has forwarders of its own.
    """
    stack = plant.stack
    async with forwarded(island, stack.server.url) as broker, forwarded(island, stack.gateway_url) as gateway:
        await plant.kill("session")
        await plant.revive("session", AGENT_NATS_URLS=f"nats://{broker}")
        try:
            yield f"http://{gateway}"
        finally:
            await plant.kill("session")
            await plant.revive("session")


async def test_a_stop_behind_a_pulled_cable_is_recorded_when_it_is_back(
    plant: Plant, desk: Helpdesk, island: Namespace, tmp_path: Path
) -> None:
    async with (
        reached_from(island, plant) as gateway,
        watching(plant.stack, desk, tmp_path, gateway=gateway, wrapper=island.wrapper) as watched,
    ):
        island.pull()
        await watched.person.presses("bar.stop-sharing")
        await watched.person.is_rid_of("bar.stop-sharing")  # nothing is shared, so nothing is left to stop
        assert await watched.viewer.close_code() == Unavailable().close_code
        assert watched.viewer.texts("relay.stopped")[0]["cause"] == Cause.LEASE_LOST
        assert (await desk.request(watched.sid, watched.grant))["state"] == "live"  # nobody invents a record
        island.plug_in()
        revoked = await desk.sees_request(watched.sid, watched.grant, "revoked")
        assert (revoked["closed_by"], revoked["cause"]) == ("customer", Cause.STOP_SHARING)
        await desk.ends(watched.sid)
        receipt = await desk.receipt(watched.sid, kinds=5)
        checked(receipt)
        assert kinds(receipt).count("revocation") == 1
