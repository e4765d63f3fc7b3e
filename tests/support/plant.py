"""The whole stack as real processes that a test can kill, freeze, cut off and start again."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from beistand.bus.settings import ServiceName
from beistand.cli.stack import Stack

PATIENCE_S = 30.0


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what only another process can bring about, by asking it again and again."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - the condition is another process' state
            await asyncio.sleep(0.05)


class Plant:
    """What may be done to a stack. Whoever breaks a part mends it: the next test gets the same stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    async def kill(self, name: ServiceName) -> None:
        """SIGKILL: no goodbye, nothing finished, nothing flushed."""
        process = self.stack.processes[name]
        process.kill()
        await process.wait()

    async def revive(self, name: ServiceName, **environment: str) -> None:
        """Start a killed service again, until it is ready."""
        await self.stack.start_service(name, **environment)
        await self.stack.ready(name)

    @asynccontextmanager
    async def without(self, name: ServiceName) -> AsyncIterator[None]:
        """The service is dead inside, and back afterwards."""
        await self.kill(name)
        try:
            yield
        finally:
            await self.revive(name)

    @asynccontextmanager
    async def broker_away(self) -> AsyncIterator[None]:
        """The broker is killed at once, and started again at the end on the same port and disk."""
        server = self.stack.server
        server.send_signal(signal.SIGKILL)
        await server.wait()
        try:
            yield
        finally:
            await server.start()
            async with asyncio.timeout(PATIENCE_S):
                for name in self.stack.processes:
                    await self.stack.ready(name)  # type: ignore[arg-type]

    @asynccontextmanager
    async def another_relay(self, **environment: str) -> AsyncIterator[int]:
        """A second relay; the port its viewers come to."""
        viewers, health = _free_port(), _free_port()
        async with AsyncExitStack() as cleanup:
            first = self.stack.processes["relay"]
            ports = {"RELAY_PORT": str(viewers), "RELAY_HEALTH_PORT": str(health)}
            await self.stack.start_service("relay", **ports, **environment)
            second, self.stack.processes["relay"] = self.stack.processes["relay"], first
            cleanup.push_async_callback(second.wait)
            cleanup.callback(second.terminate)
            await eventually(lambda: _listens(viewers))
            yield viewers


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
