"""A window of its own X client that tests paint on: solid rectangles, no window manager in the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import Xlib.display
import Xlib.X


class Painter:
    """An override-redirect window; every call has reached the screen when it returns."""

    def __init__(self, display: Any, x: int, y: int, width: int, height: int) -> None:
        self.display = display
        screen = display.screen()
        self.window = screen.root.create_window(
            x,
            y,
            width,
            height,
            0,
            screen.root_depth,
            background_pixel=0x203040,
            override_redirect=True,
            event_mask=Xlib.X.ExposureMask,
        )
        self.window.map()
        self._graphics = self.window.create_gc()
        display.sync()

    def fill(self, colour: int, x: int, y: int, width: int, height: int) -> None:
        """A rectangle in a colour of 0xRRGGBB."""
        self._graphics.change(foreground=colour)
        self.window.fill_rectangle(self._graphics, x, y, width, height)
        self.display.sync()


@contextmanager
def painter(name: str, *, x: int, y: int, width: int, height: int) -> Iterator[Painter]:
    """A painter on the X server of this name, gone with the block."""
    display = Xlib.display.Display(name)
    try:
        yield Painter(display, x, y, width, height)
    finally:
        display.close()
