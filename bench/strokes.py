"""From a key or the mouse in the technician's browser to a window on the customer's screen, all of it real.

    .venv/bin/python -m bench input               300 of each, on a quiet screen and while a page scrolls

The time begins with the browser's own time stamp of the event and ends when an X client has read it.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bench.figures import Goal
from bench.glass import Stage, stage
from bench.machine import facts
from bench.reached import PLACE
from bench.results import Results
from demo.desktop import stop

RATE = 30.0
PAUSE_S = 0.02
"""Between two strokes: longer than the way of one."""
MIDDLE = (PLACE[0] + PLACE[2] // 2, PLACE[1] + PLACE[3] // 2)
PATIENCE_S = 10.0
GOALS = tuple(
    Goal(f"{kind}, {scene}", point, most)
    for scene in ("quiet", "scrolling")
    for kind in ("key", "button", "move")
    for point, most in (("p50", 3.0), ("p95", 8.0))
)
STROKES = """
(() => {
  window.strokes = {};
  const note = ({ type, timeStamp }) => (strokes[type] ??= (performance.timeOrigin + timeStamp) * 1e6);
  for (const type of ["keydown", "pointerdown", "pointermove"]) addEventListener(type, note, true);
})()
"""

EVENTS = {"key": "keydown", "button": "pointerdown", "move": "pointermove"}
Act = Callable[[int], Awaitable[None]]


class Reached:
    """The customer's window, and when what reached it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def next(self, kind: str, *, after: float = 0) -> int:
        """Nanoseconds of the next event of this kind; others, and those before `after`, are skipped."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while True:
                words = (await self._process.stdout.readline()).decode().split()
                if words[:1] == [kind] and int(words[-1]) >= after:
                    return int(words[-1])


@asynccontextmanager
async def reached(made: Stage) -> AsyncIterator[Reached]:
    """The window is there and has the keyboard."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.reached", made.customer.desktop.name),
        env=made.customer.desktop.environment,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        window = Reached(process)
        await window.next("ready")
        await made.technician.clicks_remote(*MIDDLE)
        await window.next("button")
        yield window
    finally:
        await stop(process)


@asynccontextmanager
async def scrolling(made: Stage, *, seconds: float) -> AsyncIterator[None]:
    """A page scrolls beside the window."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.scenes", made.customer.desktop.name, "scrolling"),
        *(str(RATE), str(seconds)),
        env=made.customer.desktop.environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        yield
    finally:
        await stop(process)


async def measure(count: int) -> str:
    """So many strokes of each kind and scene."""
    results = Results("input", "From the technician's browser to the customer's window", GOALS, facts())
    async with stage() as made:
        await made.technician.page.evaluate(STROKES)
        await made.views()
        await made.controls()
        async with reached(made) as window:
            await _scene(made, window, results, "quiet", count)
            async with scrolling(made, seconds=count):
                await _scene(made, window, results, "scrolling", count)
    return results.write()


async def _scene(made: Stage, window: Reached, results: Results, scene: str, count: int) -> None:
    page, (x, y) = made.technician.page, await made.technician.point_of(*MIDDLE)

    async def key(_: int) -> None:
        await page.keyboard.press("a")

    async def button(_: int) -> None:
        await page.mouse.click(x, y)

    async def move(number: int) -> None:
        await page.mouse.move(x + number % 100 - 50, y + 20)

    for kind, act in (("key", key), ("button", button), ("move", move)):
        print(f"{scene}: {kind}", flush=True)
        results.stages[f"{kind}, {scene}"] = [await _way(made, window, kind, act, at) for at in range(count)]
        results.write()


async def _way(made: Stage, window: Reached, kind: str, act: Act, number: int) -> float:
    """Milliseconds of one stroke."""
    await made.technician.page.evaluate("strokes = {}")
    await act(number)
    await made.technician.page.wait_for_function("type => strokes[type]", arg=EVENTS[kind])
    began: float = await made.technician.page.evaluate("type => strokes[type]", EVENTS[kind])
    arrived = await window.next(kind, after=began)
    await asyncio.sleep(PAUSE_S)
    return (arrived - began) / 1e6


def main(arguments: list[str] | None = None) -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(prog="python -m bench input", description="How fast input is.")
    parser.add_argument("--count", type=int, default=300)
    print(asyncio.run(measure(parser.parse_args(arguments).count)))
