"""From a real click on "Stop screen sharing" to a blank canvas in the real console, with the demo's drivers.

The page notes the first frame that it paints after the picture is gone. The time starts before the X event is
sent, so it holds the window system and Qt as well. Both clocks are the machine's; the page's steps: 1 ms.
"""

import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from beistand.cli.stack import Stack, StackSettings
from bench.stage import IN_A_SESSION, OUT, Found
from demo.customer import Customer, customer
from demo.desktop import desktop
from demo.technician import Technician, browser, technician

WATCH = """() => { window.blankAt = new Promise(done => {
  const canvas = document.querySelector('[data-testid="screen"]');
  const look = () => {
    const now = document.querySelector('[data-testid="screen"]');
    if (now !== canvas || now.dataset.frames === "0") requestAnimationFrame(() => done(Date.now()));
    else requestAnimationFrame(look);
  };
  look();
}); }"""


async def measure(*, stops: int) -> Found:
    """That many stops; a session takes only so many questions."""
    found: list[float] = []
    async with AsyncExitStack() as scene:
        state = scene.enter_context(tempfile.TemporaryDirectory(prefix="beistand-bench-"))
        stack = await scene.enter_async_context(Stack(StackSettings.on_free_ports(Path(state))))
        screen = await scene.enter_async_context(desktop(log=OUT / "desktop.log"))
        helper = await scene.enter_async_context(technician(await scene.enter_async_context(browser())))
        await helper.signs_in(stack.gateway_url, stack.user, stack.password)
        while len(found) < stops:
            async with customer(screen, gateway=stack.gateway_url, folder=OUT) as helped:
                await helped.joins(await helper.starts_session())
                await helper.waits_for_state("active")
                now = min(IN_A_SESSION, stops - len(found))
                found += [await _one(helper, helped) for _ in range(now)]
                await helper.page.goto(stack.gateway_url)
    return Found({"canvas blank in Chromium, from the X click": found}, {})


async def _one(helper: Technician, helped: Customer) -> float:
    await helper.asks("view", "measurement")
    await helped.answers("consent-allow")
    await helper.sees_picture()
    await helped.waits_for("stop-sharing")
    await helped.desktop.settles()
    await helper.page.evaluate(WATCH)
    x, y, width, height = await helped.waits_for("stop-sharing")
    clicked = time.time()
    helped.desktop.click(x + width // 2, y + height // 2)
    seen = await helper.page.evaluate("() => window.blankAt")
    await helped.is_rid_of("stop-sharing")
    return float(seen) - clicked * 1000
