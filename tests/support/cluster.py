"""Three nats-servers that keep every stream thrice, and the whole stack on them."""

import json
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from nats.js.api import ClusterInfo

from beistand.bus.connection import UNREACHABLE, connect
from beistand.bus.permissions import Bucket, Stream
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.cli.stack import Stack, StackSettings

SIZE = 3
_ROUTES = """server_name: {name}
cluster {{ name: beistand, host: "127.0.0.1", port: {port}, routes: {routes}, no_advertise: true }}
lame_duck_duration: "30s"
lame_duck_grace_period: "1s"
"""


class ClusteredStack(Stack):
    """The services on a cluster; `server` is its first node."""

    def __init__(self, settings: StackSettings) -> None:
        super().__init__(settings)
        self.nodes: list[EmbeddedServer] = []

    @property
    def environment(self) -> Mapping[str, str]:
        urls = ",".join(node.url for node in self.nodes)
        return {
            **super().environment,
            "BEISTAND_NATS_URL": urls,
            "BEISTAND_AGENT_NATS_URLS": urls,
            "BEISTAND_NATS_REPLICAS": str(SIZE),
        }

    def _broker(self, port: int) -> EmbeddedServer:
        """The first node; the others are started by the caller, beside it."""
        routes = _free_ports(SIZE)
        for number in range(SIZE):
            state = self.state / f"nats-{number}"
            state.mkdir(mode=0o700, parents=True)
            others = [f"nats-route://127.0.0.1:{route}" for route in routes]
            block = _ROUTES.format(name=f"n{number}", port=routes[number], routes=json.dumps(others))
            (state / "cluster.conf").write_text(block)
            include = ("cluster.conf",)  # beside the server's own configuration
            self.nodes.append(EmbeddedServer(state, self.keys, port if number == 0 else 0, include=include))
        return self.nodes[0]

    async def _start_services(self) -> None:
        for node in self.nodes[1:]:
            await self._cleanup.enter_async_context(node)
        await super()._start_services()

    async def leader_of(self, stream: Stream) -> int:
        """Which node leads a stream now."""
        placed = await self._placed(stream.value)
        if placed.leader is None:
            raise LookupError(stream)
        return int(placed.leader.removeprefix("n"))

    async def is_whole(self) -> bool:
        """Whether every stream has a leader and all its replicas up to date."""
        try:
            for name in (*(bucket.stream for bucket in Bucket), *Stream):
                placed = await self._placed(name)
                replicas = placed.replicas or []
                if (
                    not placed.leader
                    or len(replicas) < SIZE - 1
                    or not all(each.current for each in replicas)
                ):
                    return False
        except UNREACHABLE:
            return False
        return True

    async def _placed(self, stream: str) -> ClusterInfo:
        """Who keeps a stream."""
        settings = BusSettings(nats_url=self.environment["BEISTAND_NATS_URL"], keys=self.keys)
        client = await connect(settings, "session")
        try:
            info = await client.jetstream().stream_info(stream)
        finally:
            await client.close()
        return info.cluster or ClusterInfo()

    async def kill(self, number: int) -> None:
        """SIGKILL a node."""
        self.nodes[number].send_signal(signal.SIGKILL)
        await self.nodes[number].wait()


@asynccontextmanager
async def clustered(state: Path) -> AsyncIterator[ClusteredStack]:
    async with ClusteredStack(StackSettings.on_free_ports(state)) as stack:
        yield stack


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in listeners]
