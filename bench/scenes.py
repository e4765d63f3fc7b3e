"""A desktop on which known things happen, and a counter that says when: the picture that is measured.

    python -m bench.scenes DISPLAY SCENE RATE SECONDS      a line "count nanoseconds" for each count

The counter is a row of black and white cells (`CELLS`, `CELL`, at `PLACE`): sixteen bits, most significant
first, and the same sixteen inverted, so that a picture in between is recognised as such. The time is the wall
clock after the X server has answered that everything is drawn.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import Xlib.display
import Xlib.X
import Xlib.Xatom

PLACE = (40, 1000)
CELL = 24
BITS = 16
CELLS = 2 * BITS
BLACK, WHITE = 0x000000, 0xFFFFFF
PAGE_LINES = 400
VIDEO = (640, 360)
VIDEO_FRAMES = 45
ROWS_AT_ONCE = 60
"""Rows of a picture per X request: requests are limited to 256 kB."""


class Desk:
    """A window over the whole screen: counter at the bottom left, the scene above it."""

    def __init__(self, name: str) -> None:
        self.display = Xlib.display.Display(name)
        screen = self.display.screen()
        self.window = screen.root.create_window(
            0,
            0,
            screen.width_in_pixels,
            screen.height_in_pixels,
            0,
            screen.root_depth,
            background_pixel=0xE8ECEF,
        )
        self.depth = screen.root_depth
        self.window.set_wm_name("Bench")
        kind, desktop = (
            self.display.intern_atom(f"_NET_WM_WINDOW_TYPE{suffix}") for suffix in ("", "_DESKTOP")
        )
        self.window.change_property(kind, Xlib.Xatom.ATOM, 32, [desktop])  # below everything, without a frame
        self.window.map()
        self.ink = self.window.create_gc(
            font=self.display.open_font("fixed"), foreground=0x202020, background=WHITE
        )
        random = np.random.default_rng(7)
        letters = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz     ", np.uint8)
        self.lines = [bytes(random.choice(letters, 130)) for _ in range(PAGE_LINES)]
        self.display.sync()

    def count(self, value: int) -> None:
        """Paint the counter."""
        bits = [value >> (BITS - 1 - place) & 1 for place in range(BITS)]
        bits += [1 - bit for bit in bits]
        for colour, wanted in ((BLACK, 0), (WHITE, 1)):
            cells = [
                (PLACE[0] + CELL * place, PLACE[1], CELL, CELL)
                for place, bit in enumerate(bits)
                if bit == wanted
            ]
            self.ink.change(foreground=colour)
            self.window.poly_fill_rectangle(self.ink, cells)
        self.ink.change(foreground=0x202020)

    def page(self) -> "Xlib.display.drawable.Pixmap":
        """A long page of text, 800 pixels wide."""
        page = self.window.create_pixmap(800, 13 * PAGE_LINES, self.depth)
        self.ink.change(foreground=WHITE)
        page.fill_rectangle(self.ink, 0, 0, 800, 13 * PAGE_LINES)
        self.ink.change(foreground=0x202020)
        for row, line in enumerate(self.lines):
            page.image_text(self.ink, 4, 13 * row + 10, line)
        return page

    def film(self) -> list["Xlib.display.drawable.Pixmap"]:
        """A short loop of moving colour with grain, like a video."""
        width, height = VIDEO
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        random = np.random.default_rng(3)
        return [self._still(step, x, y, random) for step in range(VIDEO_FRAMES)]

    def _still(
        self, step: int, x: np.ndarray, y: np.ndarray, random: np.random.Generator
    ) -> "Xlib.display.drawable.Pixmap":
        phase = 2 * np.pi * step / VIDEO_FRAMES
        planes = [
            127 + 90 * np.sin(x / (40 + 15 * plane) + phase + plane) * np.cos(y / 55 - phase)
            for plane in range(3)
        ]
        grain = random.normal(0, 2, x.shape)
        still = np.zeros((*x.shape, 4), np.uint8)
        for plane, values in enumerate(planes):
            still[..., plane] = np.clip(values + grain, 0, 255)
        pixmap = self.window.create_pixmap(*VIDEO, self.depth)
        for top in range(0, VIDEO[1], ROWS_AT_ONCE):
            rows = still[top : top + ROWS_AT_ONCE]
            pixmap.put_image(
                self.ink, 0, top, VIDEO[0], len(rows), Xlib.X.ZPixmap, self.depth, 0, rows.tobytes()
            )
        return pixmap


def quiet(_desk: Desk) -> Callable[[int], None]:
    """Nothing but the counter."""
    return lambda _step: None


def typing(desk: Desk) -> Callable[[int], None]:
    """One letter more on a line, ten a second at thirty steps."""

    def step(number: int) -> None:
        if number % 3 == 0:
            desk.window.image_text(
                desk.ink, 60 + 7 * (number // 3 % 200), 300 + 16 * (number // 600 % 20), b"x"
            )

    return step


def scrolling(desk: Desk) -> Callable[[int], None]:
    """800x600 of text moves by 39 pixels a step."""
    page = desk.page()

    def step(number: int) -> None:
        top = 39 * number % (13 * PAGE_LINES - 600)
        desk.window.copy_area(desk.ink, page, 0, top, 800, 600, 300, 200)

    return step


def dragging(desk: Desk) -> Callable[[int], None]:
    """A window of text, 500x400, moves by 23 pixels a step over a page of text."""
    page = desk.page()
    desk.window.copy_area(desk.ink, page, 0, 0, 800, 700, 200, 200)
    panel = desk.window.create_pixmap(500, 400, desk.depth)
    desk.ink.change(foreground=0x3060C0)
    panel.fill_rectangle(desk.ink, 0, 0, 500, 400)
    desk.ink.change(foreground=0x202020)
    for row in range(24):
        panel.image_text(desk.ink, 20, 30 + 15 * row, desk.lines[row][:60])

    def step(number: int) -> None:
        left = 200 + 23 * ((number - 1) % 40)
        desk.window.clear_area(left, 300, 500, 400)
        desk.window.copy_area(desk.ink, page, max(0, left - 200), 100, 500, 400, left, 300)
        desk.window.copy_area(desk.ink, panel, 0, 0, 500, 400, 200 + 23 * (number % 40), 300)

    return step


def video(desk: Desk) -> Callable[[int], None]:
    """640x360 of moving colour."""
    film = desk.film()
    return lambda number: desk.window.copy_area(desk.ink, film[number % VIDEO_FRAMES], 0, 0, *VIDEO, 600, 300)


SCENES: dict[str, Callable[[Desk], Callable[[int], None]]] = {
    "quiet": quiet,
    "typing": typing,
    "scrolling": scrolling,
    "dragging": dragging,
    "video": video,
}


def main() -> None:
    """Paint until the time is over; idle: rate 0."""
    name, scene, rate, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    desk = Desk(name)
    paint = SCENES[scene](desk)
    desk.count(0)
    desk.display.sync()
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.monotonic()
    for number in range(1, int(rate * seconds) + 1):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        paint(number)
        desk.count(number)
        desk.display.sync()
        print(number, time.time_ns(), flush=True)
    time.sleep(max(0.0, start + seconds - time.monotonic()))
    print("over", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
