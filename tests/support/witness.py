"""A window of its own X client that writes down every event it gets, as another program would see it."""

import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import Xlib.display
import Xlib.X

MASK = (
    Xlib.X.KeyPressMask
    | Xlib.X.KeyReleaseMask
    | Xlib.X.ButtonPressMask
    | Xlib.X.ButtonReleaseMask
    | Xlib.X.PointerMotionMask
    | Xlib.X.ExposureMask
    | Xlib.X.FocusChangeMask
)
SOON_S = 10.0
NAMES = {
    Xlib.X.KeyPress: "press",
    Xlib.X.KeyRelease: "release",
    Xlib.X.ButtonPress: "button press",
    Xlib.X.ButtonRelease: "button release",
    Xlib.X.MotionNotify: "motion",
}


class Witness:
    """`seen` holds (name, keycode or button, root x, root y, modifier state), oldest first."""

    def __init__(self, display: Any, x: int, y: int, width: int, height: int, *, managed: bool) -> None:
        self.display = display
        self.seen: list[tuple[str, int, int, int, int]] = []
        screen = display.screen()
        self.window = screen.root.create_window(
            x, y, width, height, 0, screen.root_depth, override_redirect=not managed, event_mask=MASK
        )
        self.window.map()
        self._until(lambda event: event.type == Xlib.X.Expose)

    def focus(self) -> None:
        """Keys come here from now on."""
        self.window.set_input_focus(Xlib.X.RevertToPointerRoot, Xlib.X.CurrentTime)
        self.display.sync()

    def wait_for(self, name: str, count: int = 1) -> None:
        """Until so many events of a kind were seen."""
        while sum(each[0] == name for each in self.seen) < count:
            self._take(self._next())

    def take(self) -> list[tuple[str, int, int, int, int]]:
        """What was seen by now; the X server has delivered all it had."""
        self.display.sync()
        while self.display.pending_events():
            self._take(self.display.next_event())
        return self.seen

    def strokes(self) -> list[tuple[str, int]]:
        """Only keys, as (name, keycode)."""
        return [(name, code) for name, code, *_ in self.take() if name in ("press", "release")]

    def _take(self, event: Any) -> None:
        if event.type in NAMES:
            self.seen.append((NAMES[event.type], event.detail, event.root_x, event.root_y, event.state))

    def _until(self, wanted: Callable[[Any], bool]) -> None:
        while not wanted(self._next()):
            pass

    def _next(self) -> Any:
        deadline = time.monotonic() + SOON_S
        while not self.display.pending_events():
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.display.fileno()], [], [], left)[0]:
                raise TimeoutError("the awaited X event did not come")
        return self.display.next_event()


@contextmanager
def witness(
    name: str, *, x: int = 0, y: int = 0, width: int = 400, height: int = 300, managed: bool = False
) -> Iterator[Witness]:
    """A witness on the X server of this name, gone with the block."""
    display = Xlib.display.Display(name)
    try:
        yield Witness(display, x, y, width, height, managed=managed)
    finally:
        display.close()
