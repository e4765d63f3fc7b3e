"""How fast a stop stops: real nats-server, services, engines, sockets; stage by stage from the click on.

    .venv/bin/python -m bench revoke               50 streams, 500 stops, and the rest: under 4 minutes
    .venv/bin/python -m bench revoke --quick       the same with few of each: under 40 s
    .venv/bin/python -m bench revoke --only streams

Writes bench/out/revoke.{json,md,svg}. Never part of a test: figures depend on the machine and its load.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from beistand.cli.stack import Stack, StackSettings
from bench.figures import Goal, distribution, plot, table, verdicts
from bench.machine import facts
from bench.stage import Agent, RelayLog, Stage, counts, stages
from bench.technician import Technician
from bench.workers import Worker, worker

OUT = Path(__file__).parent / "out"
FRAME_BYTES = 9000
"""A scrolling page in H.264."""
FRAMES_PER_S = 15
FLOW_S = 5.0


@dataclass(frozen=True)
class Size:
    """How much of each is measured."""

    streams: int
    engines: int
    stops: int


FULL = Size(streams=50, engines=10, stops=500)
QUICK = Size(streams=20, engines=4, stops=32)
GOALS = (
    Goal("device gate closed", "p99", 1),
    Goal("viewer told: nothing more can come", "p50", 3),
    Goal("viewer told: nothing more can come", "p99", 15),
)


@dataclass
class Results:
    """What was found so far, in ms by stage, and what was counted."""

    machine: dict[str, object]
    stages: dict[str, list[float]] = field(default_factory=dict)
    counts: dict[str, object] = field(default_factory=dict)

    def write(self) -> str:
        """Write all three files; the tables."""
        about = {
            "machine": self.machine,
            "counts": self.counts,
            "ms": {name: distribution(values) for name, values in self.stages.items()},
            "all": {name: [round(value, 3) for value in values] for name, values in self.stages.items()},
        }
        text = f"{table(self.stages)}\n{verdicts(GOALS, self.stages)}\n{json.dumps(self.counts)}\n"
        OUT.mkdir(exist_ok=True)
        (OUT / "revoke.json").write_text(json.dumps(about, indent=1))
        (OUT / "revoke.md").write_text(text)
        (OUT / "revoke.svg").write_text(plot(self.stages, title="From the click to ..."))
        return text


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


async def streams(results: Results, size: Size) -> None:
    """Many streams at once; engines among them are stopped again and again."""
    async with AsyncExitStack() as scene:
        state = scene.enter_context(tempfile.TemporaryDirectory(prefix="beistand-bench-"))
        stack = await scene.enter_async_context(Stack(StackSettings.on_free_ports(Path(state))))
        stage = await scene.enter_async_context(staged(stack))
        arguments = (stack.gateway_url, str(FRAME_BYTES), str(FRAMES_PER_S))

        async def process(module: str) -> Worker:
            return await scene.enter_async_context(worker(module, *arguments, log=OUT / "agents.log"))

        engines = [Agent(f"engine-{number}", await process("bench.agents")) for number in range(size.engines)]
        light = await process("bench.streams")
        background = Stage(stage.technician, await scene.enter_async_context(_viewers()))
        for number in range(size.streams - size.engines):
            agent = Agent(f"light-{number}", light)
            await background.join(agent)
            await background.share(agent)
        print(f"{size.streams} streams; {size.stops} stops ...", flush=True)
        await stage.stop_often(engines, count=size.stops)
        results.stages |= stages(stage.stops, RelayLog(stack.logs / "relay.log"))
        results.counts |= counts(stage.stops)


def _viewers() -> AbstractAsyncContextManager[Worker]:
    return worker("bench.viewers", log=OUT / "viewers.log")


PARTS: dict[str, Callable[[Results, Size], Awaitable[None]]] = {"streams": streams}


async def measure(names: list[str], size: Size) -> str:
    """One part after the other; what is found is written after each."""
    OUT.mkdir(exist_ok=True)
    results = Results(facts())
    text = ""
    for name in names:
        print(f"{name} ...", flush=True)
        await PARTS[name](results, size)
        text = results.write()
    return text


def main(arguments: list[str] | None = None) -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(prog="python -m bench revoke", description="How fast a stop stops.")
    parser.add_argument("--quick", action="store_true", help="few of each")
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="this part (repeatable)")
    options = parser.parse_args(arguments)
    print(asyncio.run(measure(options.only or list(PARTS), QUICK if options.quick else FULL)))


if __name__ == "__main__":
    main()
