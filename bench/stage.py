"""One running stack with streams on it, and what can be done to them; times in ns since the epoch."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from beistand.cli.stack import Stack
from bench.technician import Technician
from bench.workers import News, Worker, worker

OUT = Path(__file__).parent / "out"

IN_A_SESSION = 8
"""Questions; the consent service allows ten in ten minutes."""
REST_S = (0.3, 2.5)
"""A stream flows for some time in between before it is stopped."""


@dataclass(frozen=True)
class Stop:
    """One click on "Stop screen sharing", and what followed."""

    sid: str
    clicked: int
    closed: int
    returned: int
    written: int
    last_frame: int
    stopped: int
    socket: int
    late_frames: int
    code: int
    rate: float
    """Frames per second that the viewer got."""


@dataclass
class Agent:
    """One device: a process with a real engine, or one of many light ones in a process."""

    name: str
    worker: Worker
    sid: str = ""
    shares: int = 0


@dataclass
class Stage:
    """Agents are given; sessions are opened as they are needed. `viewers` is a `bench.viewers` worker."""

    technician: Technician
    viewers: Worker
    stops: list[Stop] = field(default_factory=list)

    async def join(self, agent: Agent) -> None:
        """A new session for this agent."""
        agent.sid, code = await self.technician.session()
        agent.shares = 0
        agent.worker.say(join=agent.name, code=code)
        await agent.worker.hears("joined", agent.name)

    async def share(self, agent: Agent) -> None:
        """Ask, be allowed, watch until pictures flow."""
        await self.technician.ask(agent.sid)
        agent.shares += 1
        await agent.worker.hears("live", agent.name)
        ticket = await self.technician.ticket(agent.sid)
        where = {"url": self.technician.relay, "origin": self.technician.gateway}
        self.viewers.say(watch=agent.name, ticket=ticket, **where)
        await self.viewers.hears("flows", agent.name)

    async def stop(self, agent: Agent) -> Stop:
        """One click."""
        agent.worker.say(stop=agent.name)
        told = await agent.worker.hears("stopped", agent.name)
        seen = await self.viewers.hears("over", agent.name)
        keys = ("clicked", "closed", "returned", "written")
        found = Stop(agent.sid, *(told[key] for key in keys), **_seen(seen))
        self.stops.append(found)
        return found

    async def stop_often(self, agents: Sequence[Agent], *, count: int) -> None:
        """That many stops at random moments; each agent goes on by itself."""
        left = iter(range(count))
        async with asyncio.TaskGroup() as tasks:
            for agent in agents:
                tasks.create_task(self._stop_often(agent, left))

    async def _stop_often(self, agent: Agent, left: Iterable[int]) -> None:
        for number in left:
            if not agent.sid or agent.shares >= IN_A_SESSION:
                await self.join(agent)
            await self.share(agent)
            await asyncio.sleep(random.uniform(*REST_S))
            await self.stop(agent)
            if number % 100 == 99:
                print(f"  {number + 1} stops", flush=True)


def _seen(news: News) -> dict[str, Any]:
    keys = ("last_frame", "stopped", "late_frames", "code")
    seconds = (news["last_frame"] - news["first_frame"]) / 1e9
    rate = (news["frames"] - 1) / seconds if seconds else 0.0
    return {key: news[key] for key in keys} | {"socket": news["closed"], "rate": rate}


@asynccontextmanager
async def staged(stack: Stack) -> AsyncIterator[Stage]:
    """A technician signed in, and a process for viewer sockets."""
    technician = Technician(stack.gateway_url, stack.relay_url)
    await technician.sign_in(stack.user, stack.password)
    try:
        async with worker("bench.viewers", log=OUT / "viewers.log") as viewers:
            yield Stage(technician, viewers)
    finally:
        await technician.close()


class RelayLog:
    """When the relay says it handled what; its log has one line for each stream it stops."""

    def __init__(self, file: Path) -> None:
        self._times: dict[str, list[int]] = {}
        for line in file.read_text(encoding="utf-8").splitlines():
            said = json.loads(line) if line.startswith("{") else {}
            if said.get("message") == "viewer stopped":
                at = round(datetime.fromisoformat(said["time"]).timestamp() * 1e6) * 1000
                self._times.setdefault(said["sid"], []).append(at)

    def handled(self, stop: Stop) -> int | None:
        """In ns; None if the log does not say."""
        return next((at for at in self._times.get(stop.sid, ()) if at >= stop.clicked), None)


def stages(stops: Sequence[Stop], log: RelayLog) -> dict[str, list[float]]:
    """From the click, in ms, in the order of the way; every stop counts in every row."""
    handled = [(stop, log.handled(stop)) for stop in stops]
    return {
        "device gate closed": [ms(stop.closed - stop.clicked) for stop in stops],
        "click handler returned": [ms(stop.returned - stop.clicked) for stop in stops],
        "revocation written to the socket": [ms(stop.written - stop.clicked) for stop in stops],
        "relay has stopped, its last byte written": [
            ms(at - stop.clicked) for stop, at in handled if at is not None
        ],
        "last frame at the viewer (0: none after the click)": [
            max(0.0, ms(stop.last_frame - stop.clicked)) for stop in stops
        ],
        "viewer told: nothing more can come": [ms(stop.stopped - stop.clicked) for stop in stops],
        "viewer's socket closed": [ms(stop.socket - stop.clicked) for stop in stops],
    }


def counts(stops: Sequence[Stop]) -> dict[str, object]:
    """What is counted, not timed."""
    return {
        "stops": len(stops),
        "frames after the relay handled the revocation": sum(stop.late_frames for stop in stops),
        "stops with a frame after the click": sum(stop.last_frame > stop.clicked for stop in stops),
        "close codes": dict(Counter(str(stop.code) for stop in stops)),
    }


@dataclass(frozen=True)
class Found:
    """What a part of the measurement found: ms by stage, and what was counted."""

    stages: dict[str, list[float]]
    counts: dict[str, object]


def ms(nanoseconds: int) -> float:
    """Nanoseconds in milliseconds."""
    return nanoseconds / 1e6
