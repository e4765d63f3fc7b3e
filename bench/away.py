"""Agents behind a line of their own: a thin uplink full of pictures, and a network that is simply gone."""

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from beistand.cli.stack import Stack, StackSettings
from bench import network
from bench.many import FRAME_BYTES, FRAMES_PER_S
from bench.stage import OUT, Agent, Found, RelayLog, Stage, counts, ms, staged, stages
from bench.workers import worker

SLOWLY = 2
"""Frames per second of agents that wait for their line to be cut."""
PREFIX = f"{network.RATE} uplink full of pictures: "


@asynccontextmanager
async def _stack() -> AsyncIterator[Stack]:
    """A stack that every line leads to."""
    async with AsyncExitStack() as scene:
        host = await scene.enter_async_context(network.meeting_point())
        state = scene.enter_context(tempfile.TemporaryDirectory(prefix="beistand-bench-"))
        gateway, relay = _free_port(host), _free_port(host)
        settings = StackSettings.on_free_ports(Path(state)).model_copy(
            update={
                "host": host,
                "gateway_port": gateway,
                "relay_port": relay,
                "public_url": f"http://{host}:{gateway}",
                "relay_url": f"ws://{host}:{relay}/v1/view",
            }
        )
        yield await scene.enter_async_context(Stack(settings))


def _free_port(host: str) -> int:
    with socket.socket() as taken:
        taken.bind((host, 0))
        return int(taken.getsockname()[1])


async def uplink(*, lines: int, stops: int) -> Found:
    """Real engines, each alone on its line, which it fills; stopped `stops` times in all."""
    async with AsyncExitStack() as scene:
        stack = await scene.enter_async_context(_stack())
        stage = await scene.enter_async_context(staged(stack))
        agents = []
        arguments = (stack.gateway_url, str(FRAME_BYTES), str(2 * FRAMES_PER_S))
        for number in range(lines):
            line = await scene.enter_async_context(network.line())
            await line.slow_down()
            behind = worker("bench.agents", *arguments, log=OUT / "agents.log", inside=line.inside)
            agents.append(Agent(f"thin-{number}", await scene.enter_async_context(behind)))
        print(f"  {lines} lines of {network.RATE}, {stops} stops", flush=True)
        await stage.stop_often(agents, count=stops)
        log = RelayLog(stack.logs / "relay.log")
    rows = {PREFIX + name: values for name, values in stages(stage.stops, log).items()}
    rate = [stop.rate for stop in stage.stops]
    return Found(rows, {PREFIX + "frames/s": round(sum(rate) / len(rate), 1), **counts(stage.stops)})


async def cut(*, agents: int) -> Found:
    """Streams whose agents' network is gone at one moment: no FIN, no lease, no word."""
    async with AsyncExitStack() as scene:
        stack = await scene.enter_async_context(_stack())
        stage = await scene.enter_async_context(staged(stack))
        line = await scene.enter_async_context(network.line())
        arguments = (stack.gateway_url, str(FRAME_BYTES), str(SLOWLY))
        behind = worker("bench.streams", *arguments, log=OUT / "agents.log", inside=line.inside)
        light = await scene.enter_async_context(behind)
        there = [Agent(f"cut-{number}", light) for number in range(agents)]
        for agent in there:
            await stage.join(agent)
            await stage.share(agent)
        await asyncio.sleep(2)  # so that the times of a regular lease are known of each
        print(f"  {agents} agents lose their network", flush=True)
        await line.cut()
        moment = time.time_ns()
        found = [await _lost(stage, agent, moment) for agent in there]
    return Found(
        {
            "agent cut off: viewer told, from the last lease": [since_lease for since_lease, _ in found],
            "agent cut off: viewer told, from the cut": [since_cut for _, since_cut in found],
        },
        {"agents cut off": len(found)},
    )


async def _lost(stage: Stage, agent: Agent, moment: int) -> tuple[float, float]:
    seen = await stage.viewers.hears("over", agent.name)
    agent.worker.say(leases=agent.name)
    sent = (await agent.worker.hears("leases", agent.name))["sent"]
    last = max(at for at in sent if at <= moment)
    return ms(seen["stopped"] - last), ms(seen["stopped"] - moment)
