"""The mouse through pynput, the same on every platform."""

from typing import Any

_EXTRA = {"back": ("button8", "x1"), "forward": ("button9", "x2")}
"""pynput's names for what browsers call back and forward: under X11, under Windows."""


class Pointer:
    """See `port.Mouse`."""

    def __init__(self) -> None:
        from pynput import mouse  # at run time: on X11 the import needs a display

        self._buttons = mouse.Button
        self._controller = mouse.Controller()

    def move(self, x: int, y: int) -> None:
        """See `port.Mouse`."""
        self._controller.position = (x, y)

    def button(self, name: str) -> Any | None:
        """See `port.Mouse`."""
        names = _EXTRA.get(name, (name,))
        return next((found for each in names if (found := getattr(self._buttons, each, None))), None)

    def press(self, button: Any) -> None:
        """See `port.Mouse`."""
        self._controller.press(button)

    def release(self, button: Any) -> None:
        """See `port.Mouse`."""
        self._controller.release(button)

    def scroll(self, dx: int, dy: int) -> None:
        """See `port.Mouse`."""
        self._controller.scroll(dx, dy)
