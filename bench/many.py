"""Many streams at once, engines among them that are stopped again and again."""

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from beistand.cli.stack import Stack, StackSettings
from bench.stage import OUT, Agent, Found, RelayLog, Stage, counts, staged, stages
from bench.workers import Worker, worker

FRAME_BYTES = 9000
"""A scrolling page in H.264."""
FRAMES_PER_S = 15


async def measure(*, streams: int, engines: int, stops: int) -> Found:
    """So many `streams` flow, `engines` of them from real engines, which are stopped `stops` times in all."""
    async with AsyncExitStack() as scene:
        state = scene.enter_context(tempfile.TemporaryDirectory(prefix="beistand-bench-"))
        stack = await scene.enter_async_context(Stack(StackSettings.on_free_ports(Path(state))))
        stage = await scene.enter_async_context(staged(stack))
        arguments = (stack.gateway_url, str(FRAME_BYTES), str(FRAMES_PER_S))

        async def process(module: str, *arguments: str) -> Worker:
            return await scene.enter_async_context(worker(module, *arguments, log=OUT / "agents.log"))

        real = [
            Agent(f"engine-{number}", await process("bench.agents", *arguments)) for number in range(engines)
        ]
        light = await process("bench.streams", *arguments)
        background = Stage(stage.technician, await process("bench.viewers"))
        for number in range(streams - engines):
            agent = Agent(f"light-{number}", light)
            await background.join(agent)
            await background.share(agent)
        print(f"  {streams} streams at {FRAMES_PER_S} frames/s, {stops} stops", flush=True)
        await stage.stop_often(real, count=stops)
        log = RelayLog(stack.logs / "relay.log")
    return Found(stages(stage.stops, log), counts(stage.stops))
