"""What a picture costs on the customer's machine: capture, compare, convert, encode, each in ms per frame.

    .venv/bin/python -m bench media                 needs Xvfb; about 20 s
    .venv/bin/python -m bench media --size 1366x768

Medians (and 95th percentiles) over real grabs of a real X screen on which text is typed, a page scrolled and
a window dragged. Run it on an idle machine; noise is about 10 %.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import Xlib.display
import Xlib.X

from agent.engine.capture import Picture, Screen
from agent.engine.change import changes, whole
from agent.engine.convert import Canvas
from agent.engine.encode import H264
from agent.platform.x11_changes import X11Changes
from tests.support.xvfb import xvfb

FRAMES = 90
PAGE_LINES = 400


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


class Timings(dict[str, list[float]]):
    """Milliseconds by step."""

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """Time the block."""
        start = time.perf_counter()
        yield
        self.setdefault(step, []).append((time.perf_counter() - start) * 1000)


def main(arguments: list[str] | None = None) -> None:
    """Run every scene and print one line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="1920x1080")
    width, height = map(int, parser.parse_args(arguments).size.split("x"))
    with xvfb(width=width, height=height) as server:
        desk = Desk(server.display, width, height)
        print(f"{width}x{height}, {FRAMES} frames a scene; ms median (95 %)")
        for scene in (desk.idle, desk.type, desk.scroll, desk.drag):
            timings, sizes = _run(server.display, desk, scene)
            print(_line(scene.__name__, timings, sizes))
        desk.display.close()


def _run(name: str, desk: Desk, scene: Callable[[int], None]) -> tuple[Timings, list[int]]:
    desk.scroll(0)
    desk.display.sync()
    timings = Timings()
    sizes: list[int] = []
    screen = Screen(clock_ns=time.monotonic_ns, display=name)
    watch = X11Changes(name)
    encoder = H264(desk.width, desk.height)
    canvas = Canvas(desk.width, desk.height)
    before = screen.grab()
    key = encoder.encode(before.pixels, whole(before.pixels), key=True)
    watch.wait(0.0)
    for step in range(1, FRAMES + 1):
        scene(step)
        desk.display.sync()
        with timings.of("told"):
            watch.wait(0.02)
        before = _frame(screen, before, (encoder, canvas), timings, sizes)
    for opened in (watch, screen, encoder):
        opened.close()
    return timings, [len(key), *sizes]


def _frame(
    screen: Screen, before: Picture, makers: tuple[H264, Canvas], timings: Timings, sizes: list[int]
) -> Picture:
    encoder, canvas = makers
    with timings.of("capture"):
        now = screen.grab()
    with timings.of("compare"):
        rects = changes(before.pixels, now.pixels)
    with timings.of("convert"):
        canvas.paint(now.pixels, rects)
    if rects:
        with timings.of("convert + encode"):
            sizes.append(len(encoder.encode(now.pixels, rects, key=False)))
    return now


def _line(scene: str, timings: Timings, sizes: list[int]) -> str:
    steps = [f"{step} {_figures(values)}" for step, values in timings.items()]
    frames = f"{statistics.mean(sizes[1:]) / 1000:.1f} kB/frame" if sizes[1:] else "no frames"
    return f"{scene:7} {', '.join(steps)}, {frames}, key {sizes[0] / 1000:.0f} kB"


def _figures(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({_late(values):.2f})"


def _late(values: list[float]) -> Any:
    return sorted(values)[int(len(values) * 0.95)]


if __name__ == "__main__":
    main()
