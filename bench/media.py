"""What a picture costs on the customer's machine: told, looked at, converted, encoded; in ms per frame.

    .venv/bin/python -m bench media                 needs Xvfb; about 20 s
    .venv/bin/python -m bench media --size 1366x768

Medians (and 95th percentiles) over real looks at a real X screen on which text is typed, a page scrolled and
a window dragged: wall clock / CPU time of the thread. On a busy machine only the CPU time means anything;
noise is about 10 %.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import Xlib.display
import Xlib.X

from agent.engine.capture import Screen
from agent.engine.change import whole
from agent.engine.convert import Canvas
from agent.engine.h264 import H264
from agent.platform.x11_changes import X11Changes
from agent.platform.x11_screen import X11Pixels
from tests.support.xvfb import xvfb

FRAMES = 90
PAGE_LINES = 400


def freely() -> AbstractContextManager[bool]:
    """Nobody stops a measurement."""
    return nullcontext(enter_result=True)


class Desk:
    """A window as large as the screen with a page of text, and what happens on it."""

    def __init__(self, name: str, width: int, height: int) -> None:
        self.display = Xlib.display.Display(name)
        self.width, self.height = width, height
        screen = self.display.screen()
        self.window = screen.root.create_window(
            0, 0, width, height, 0, screen.root_depth, background_pixel=0xFFFFFF, override_redirect=True
        )
        self.window.map()
        font = self.display.open_font("fixed")
        self.ink = self.window.create_gc(font=font, foreground=0x202020, background=0xFFFFFF)
        random = np.random.default_rng(7)
        letters = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz     ", np.uint8)
        self.lines = [bytes(random.choice(letters, 220)) for _ in range(PAGE_LINES)]

    def idle(self, _step: int) -> None:
        """Nothing happens."""

    def type(self, step: int) -> None:
        """One letter more on a line."""
        self.window.image_text(self.ink, 40 + 7 * (step % 200), 300, b"x")

    def scroll(self, step: int) -> None:
        """The whole page moves by 39 pixels."""
        for row in range(self.height // 13 + 1):
            self.window.image_text(self.ink, 8, 13 * row, self.lines[(row + 3 * step) % PAGE_LINES])

    def drag(self, step: int) -> None:
        """A coloured panel of 500x400 moves by 23 pixels over the page."""
        self.ink.change(foreground=0xFFFFFF)
        self.window.fill_rectangle(self.ink, 23 * ((step - 1) % 40), 200, 500, 400)
        self.ink.change(foreground=0x3060C0)
        self.window.fill_rectangle(self.ink, 23 * (step % 40), 200, 500, 400)
        self.ink.change(foreground=0x202020)
        for row in range(20):
            self.window.image_text(self.ink, 23 * (step % 40) + 20, 230 + 15 * row, self.lines[row][:60])


class Timings(dict[str, list[tuple[float, float]]]):
    """Milliseconds by step: of the wall clock, of this thread's CPU time."""

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """Time the block."""
        start, begun = time.perf_counter(), time.thread_time()
        yield
        taken = (time.perf_counter() - start, time.thread_time() - begun)
        self.setdefault(step, []).append((taken[0] * 1000, taken[1] * 1000))


def main(arguments: list[str] | None = None) -> None:
    """Run every scene and print one line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="1920x1080")
    width, height = map(int, parser.parse_args(arguments).size.split("x"))
    with xvfb(width=width, height=height) as server:
        desk = Desk(server.display, width, height)
        print(f"{width}x{height}, {FRAMES} frames a scene; ms median (95 %) / CPU median")
        for scene in (desk.idle, desk.type, desk.scroll, desk.drag):
            timings, sizes = _run(server.display, desk, scene)
            print(_line(scene.__name__, timings, sizes))
        desk.display.close()


def _run(name: str, desk: Desk, scene: Callable[[int], None]) -> tuple[Timings, list[int]]:
    desk.scroll(0)
    desk.display.sync()
    timings = Timings()
    screen = Screen(clock_ns=time.monotonic_ns, open_source=lambda: X11Pixels(name))
    watch = X11Changes(name)
    encoder = H264(desk.width, desk.height)
    canvas = Canvas(desk.width, desk.height)
    first = screen.look(None, freely).pixels
    sizes = [len(encoder.encode(first, whole(first), key=True))]
    watch.wait(0.0)
    watch.areas()
    for step in range(1, FRAMES + 1):
        scene(step)
        desk.display.sync()
        sizes += _frame(watch, screen, (encoder, canvas), timings)
    for opened in (watch, screen, encoder):
        opened.close()
    return timings, sizes


def _frame(
    watch: X11Changes, screen: Screen, makers: tuple[H264, Canvas], timings: Timings
) -> tuple[int, ...]:
    encoder, canvas = makers
    with timings.of("told"):
        is_told = watch.wait(0.02)
    if not is_told:
        return ()
    with timings.of("look"):
        seen = screen.look(watch.areas(), freely)
    with timings.of("convert"):
        canvas.paint(seen.pixels, seen.changed)
    if not seen.changed:
        return ()
    with timings.of("convert + encode"):
        return (len(encoder.encode(seen.pixels, seen.changed, key=False)),)


def _line(scene: str, timings: Timings, sizes: list[int]) -> str:
    steps = [f"{step} {_figures(values)}" for step, values in timings.items()]
    frames = f"{statistics.mean(sizes[1:]) / 1000:.1f} kB/frame" if sizes[1:] else "no frames"
    return f"{scene:7} {', '.join(steps)}, {frames}, key {sizes[0] / 1000:.0f} kB"


def _figures(values: list[tuple[float, float]]) -> str:
    wall, cpu = (sorted(each[kind] for each in values) for kind in (0, 1))
    return f"{statistics.median(wall):.2f} ({_late(wall):.2f}) / {statistics.median(cpu):.2f}"


def _late(ordered: list[float]) -> float:
    return ordered[int(len(ordered) * 0.95)]


if __name__ == "__main__":
    main()
