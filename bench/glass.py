"""From the customer's screen to the technician's canvas, all of it real: the stage for benches.

Xvfb 1920x1080 with a window manager, the agent with its windows, the four services, nats-server, headless
Chromium with the console. A script in its worker reads the counter of `bench.scenes` off the canvas.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import Xlib.display
import Xlib.protocol.event
import Xlib.X
import Xlib.Xutil
from playwright.async_api import Route

from beistand.cli.stack import Stack, StackSettings
from bench.scenes import BITS, CELL, CELLS, PLACE
from demo.customer import Customer, customer
from demo.desktop import desktop, stop
from demo.technician import Technician, browser, technician

WIDTH, HEIGHT = 1920, 1080
LOOK_EVERY_S = 0.2

COUNTER = """
(() => {
  // Counts what arrives before the console sees it: the buffers are handed on to a worker.
  const Native = window.WebSocket;
  const glass = (window.glass = { bytes: 0, drawn: [] });
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        if (data instanceof ArrayBuffer) glass.bytes += data.byteLength;
      });
    }
  };
  const now = () => (performance.timeOrigin + performance.now()) * 1e6;
  const reader = new BroadcastChannel("bench");
  glass.start = () => { glass.bytes = 0; reader.postMessage("start"); };
  glass.over = () => new Promise((resolve) => {
    reader.onmessage = ({ data }) => resolve({ seen: data, bytes: glass.bytes });
    reader.postMessage("over");
  });
  glass.frames = () => {
    const watch = new MutationObserver((changes) => {
      for (const { target } of changes) {
        if (target instanceof HTMLCanvasElement && Number(target.dataset.frames) > 0) glass.drawn.push(now());
      }
    });
    watch.observe(document, { subtree: true, attributes: true, attributeFilter: ["data-frames"] });
  };
})();
"""
READER = """
(({ place, cell, cells, bits }) => {
  // Reads the canvas where it is drawn, every 4 ms. From the page it costs a whole core: what a worker's
  // canvas shows is copied there for every look.
  const now = () => (performance.timeOrigin + performance.now()) * 1e6;
  const reader = new BroadcastChannel("bench");
  const native = OffscreenCanvas.prototype.getContext;
  let context, timer, last = -1, seen = [];
  OffscreenCanvas.prototype.getContext = function (...given) {
    return (context = native.apply(this, given));
  };
  const look = () => {
    if (!context || context.canvas.height <= place[1]) return;
    const { data } = context.getImageData(place[0], place[1] + cell / 2, cell * cells, 1);
    const isWhite = (at) => data[4 * (cell * at + cell / 2)] > 127;
    let value = 0;
    for (let bit = 0; bit < bits; bit += 1) {
      if (isWhite(bit) === isWhite(bit + bits)) return;
      value = 2 * value + (isWhite(bit) ? 1 : 0);
    }
    if (value !== last) seen.push([value, now()]);
    last = value;
  };
  reader.onmessage = ({ data }) => {
    clearInterval(timer);
    if (data === "start") { seen = []; last = -1; timer = setInterval(look, 4); }
    if (data === "over") { reader.postMessage(seen); }
  };
})
"""


@dataclass
class Stage:
    """Technician and customer in one session."""

    technician: Technician
    customer: Customer
    stack: Stack
    folder: Path
    processes: dict[str, psutil.Process] = field(default_factory=dict)

    async def views(self) -> float:
        """The customer says yes to being seen; ms from the click to the first picture on the canvas."""
        page = self.technician.page
        await page.evaluate("glass.frames()")
        await self.technician.asks("view", "bench")
        x, y, width, height = await self.customer.waits_for("consent-allow")
        await asyncio.sleep(1.5)  # a button is deaf in its first moment, and the desktop comes to rest
        await page.evaluate("glass.drawn.length = 0")
        clicked = time.time_ns()
        self.customer.desktop.click(x + width // 2, y + height // 2)
        await self.technician.sees_picture()
        await self.customer.waits_for("stop-sharing")
        drawn: list[float] = await page.evaluate("glass.drawn")
        return (drawn[0] - clicked) / 1e6

    async def controls(self) -> None:
        """The customer says yes to control."""
        await self.technician.asks("control", "bench")
        await self.customer.waits_for("consent-allow")
        await asyncio.sleep(1.5)
        await self.customer.answers("consent-allow")
        await self.technician.has_control()

    async def stops(self) -> None:
        """The customer stops the picture."""
        await self.customer.presses("stop-sharing")
        await self.technician.sees_nothing()

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU so far, by part."""
        used = {}
        for name, process in self.processes.items():
            family = [process, *process.children(recursive=True)] if name == "browser" else [process]
            used[name] = 0.0
            for member in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = member.cpu_times()
                    used[name] += times.user + times.system
        return used


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Everything up, technician and customer in one session, nothing granted."""
    async with AsyncExitStack() as scene:
        folder = Path(scene.enter_context(tempfile.TemporaryDirectory(prefix="beistand-bench-")))
        stack = await scene.enter_async_context(Stack(StackSettings.on_free_ports(folder / "state")))
        screen = await scene.enter_async_context(desktop(width=WIDTH, height=HEIGHT, log=folder / "x.log"))
        chromium = await scene.enter_async_context(browser())
        helper = await scene.enter_async_context(technician(chromium))
        await helper.page.set_viewport_size({"width": WIDTH + 400, "height": HEIGHT + 160})
        await helper.page.add_init_script(COUNTER)
        await helper.page.route("**/assets/decoder-*.js", _with_reader)
        helped = await scene.enter_async_context(
            customer(screen, gateway=stack.gateway_url, folder=folder, language="en")
        )
        await helper.signs_in(stack.gateway_url, stack.user, stack.password)
        await helped.joins(await helper.starts_session())
        await helper.waits_for_state("active")
        # A window that comes late would cover what is measured; nobody tells when it is away.
        while not _minimised(screen.name, "Beistand"):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY_S)
        made = Stage(helper, helped, stack, folder)
        made.processes = _processes(helped, stack)
        yield made


async def _with_reader(route: Route) -> None:
    """The decoding worker as it was built, with the reader before it."""
    given = {"place": PLACE, "cell": CELL, "cells": CELLS, "bits": BITS}
    built = await route.fetch()
    await route.fulfill(response=built, body=f"{READER}({json.dumps(given)});\n{await built.text()}")


def _minimised(display: str, title: str) -> bool:
    """The customer puts the session window away (ICCCM 4.1.4); whether it was away already."""
    connection = Xlib.display.Display(display)
    root = connection.screen().root
    listed = root.get_full_property(connection.intern_atom("_NET_CLIENT_LIST"), Xlib.X.AnyPropertyType)
    is_away = False
    for number in listed.value:
        window = connection.create_resource_object("window", number)
        if window.get_wm_name() == title:
            is_away = window.get_attributes().map_state != Xlib.X.IsViewable
            change = connection.intern_atom("WM_CHANGE_STATE")
            data = (32, [Xlib.Xutil.IconicState, 0, 0, 0, 0])
            message = Xlib.protocol.event.ClientMessage(window=window, client_type=change, data=data)
            root.send_event(
                message, event_mask=Xlib.X.SubstructureRedirectMask | Xlib.X.SubstructureNotifyMask
            )
    connection.close()
    return is_away


def _processes(helped: Customer, stack: Stack) -> dict[str, psutil.Process]:
    found = {"agent": psutil.Process(helped.process.pid)}
    for name, process in stack.processes.items():
        found[name] = psutil.Process(process.pid)
    chromium = [
        each
        for each in psutil.Process().children(recursive=True)
        if each.name().startswith("chrom") and "--type=" not in " ".join(each.cmdline())
    ]
    found["browser"] = chromium[0]
    return found


@dataclass(frozen=True)
class Seen:
    """What became of a painted scene: nanoseconds (wall clock) by counter value."""

    painted: dict[int, int]
    seen: dict[int, float]
    seconds: float
    bytes: int
    cpu: dict[str, float]
    """Per cent of one core, by part."""

    @property
    def latencies(self) -> list[float]:
        """Glass to glass, ms, of every counter value that was seen."""
        return [(at - self.painted[value]) / 1e6 for value, at in self.seen.items() if value in self.painted]


async def watch(made: Stage, scene: str, *, rate: float, seconds: float) -> Seen:
    """Play a scene, read the canvas."""
    page: Any = made.technician.page
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.scenes", made.customer.desktop.name, scene, str(rate), str(seconds)),
        env=made.customer.desktop.environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        await asyncio.sleep(1.5)  # the new window has been sent and sharpened
        await page.evaluate("glass.start()")
        before, started = made.cpu(), time.monotonic()
        process.stdin.write(b"go\n")
        painted = {}
        while (line := (await process.stdout.readline()).decode()) and line != "over\n":
            value, at = line.split()
            painted[int(value)] = int(at)
        elapsed = time.monotonic() - started
        after = made.cpu()
        await asyncio.sleep(0.3)
        glass = await page.evaluate("glass.over()")
        process.stdin.write(b"\n")
    finally:
        await stop(process)
    cpu = {name: (after[name] - before[name]) / elapsed * 100 for name in after}
    seen = {int(value): at for value, at in reversed(glass["seen"])}
    return Seen(painted, seen, elapsed, glass["bytes"], cpu)
