"""A real agent with real windows, in a session whose picture somebody watches."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from beistand.cli.stack import Stack
from demo.customer import Customer
from demo.desktop import desktop, stop
from tests.support.helpdesk import Helpdesk, viewer_at
from tests.support.viewer import ViewerClient


@dataclass
class Watched:
    """A real agent on a real screen, in a session whose picture is being watched."""

    desk: Helpdesk
    person: Customer
    viewer: ViewerClient
    sid: str
    grant: str

    async def tell(self, line: str) -> None:
        """To the agent's stdin."""
        assert self.person.process.stdin is not None
        self.person.process.stdin.write(f"{line}\n".encode())
        await self.person.process.stdin.drain()

    async def hears(self) -> str:
        """The next line of the agent's stdout."""
        assert self.person.process.stdout is not None
        return (await self.person.process.stdout.readline()).decode().strip()


@asynccontextmanager
async def watching(
    stack: Stack, desk: Helpdesk, folder: Path, *, gateway: str = "", wrapper: Sequence[str] = ()
) -> AsyncIterator[Watched]:
    """The session, with a yes to the picture and a first frame of it.

    `gateway` is the stack's as the agent reaches it; `wrapper` a command that runs the agent's.
    """
    async with AsyncExitStack() as exits:
        screen = await exits.enter_async_context(desktop(width=1280, height=800, log=folder / "desktop.log"))
        process = await _agent(wrapper, screen.environment, gateway or stack.gateway_url, folder)
        exits.push_async_callback(stop, process)
        person = Customer(screen, process, folder / "geometry.json")
        sid, code = await desk.opens_session()
        await person.joins(code)
        grant = await desk.asks(sid)
        await person.answers("consent-allow")
        await desk.sees_request(sid, grant, "live")
        viewer = await exits.enter_async_context(viewer_at(stack))
        await viewer.hello(await desk.ticket(sid))
        await viewer.until("relay.ready")
        await viewer.until_frame(1)
        yield Watched(desk, person, viewer, sid, grant)


async def _agent(
    wrapper: Sequence[str], environment: Mapping[str, str], gateway: str, folder: Path
) -> asyncio.subprocess.Process:
    with (folder / "agent.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *(*wrapper, sys.executable, "-m", "tests.chaos.freezable_agent", "--gateway", gateway),
            *("--geometry-file", str(folder / "geometry.json"), "--language", "en"),
            *("--state", str(folder / "agent")),
            env={**environment, "PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
