"""The person's own mouse and keyboard on Windows and macOS, through pynput's hooks. Not run by the tests.

Both systems mark what a program injected, and pynput passes the mark on. Nothing is kept from programs here:
they hear the stop key as well.
"""

import sys
from typing import Any

from agent.platform.chord import Part, StopKey
from agent.platform.port import HandsHearer, HandsUnknown


class PlainHands:
    """See `port.Hands`. The listeners bring threads of their own."""

    def __init__(self, hearer: HandsHearer) -> None:
        from pynput import keyboard, mouse  # at run time: on X11 the import needs a display

        self._hearer = hearer
        self._stop_key = StopKey()
        key = keyboard.Key
        self._parts = {
            key.esc: Part.ESCAPE,
            key.shift: Part.SHIFT,
            key.shift_l: Part.SHIFT,
            key.shift_r: Part.SHIFT,
        }
        if sys.platform == "darwin" and not keyboard.Listener.IS_TRUSTED:
            raise HandsUnknown("macOS has not allowed this program to hear the keyboard.")
        self._listeners = (
            keyboard.Listener(on_press=self._pressed, on_release=self._released),
            mouse.Listener(on_move=self._moved, on_click=self._clicked, on_scroll=self._scrolled),
        )
        for listener in self._listeners:
            listener.start()

    @property
    def has_stop_key(self) -> bool:
        """See `port.Hands`."""
        return True

    def close(self) -> None:
        """See `port.Hands`."""
        for listener in self._listeners:
            listener.stop()

    def _pressed(self, key: Any, injected: bool) -> None:  # noqa: FBT001  (pynput's shape, as all below)
        if injected:
            return
        if self._stop_key.down(self._parts.get(key), keyboard=0, place=hash(key)):
            self._hearer.stop_key_pressed()
        self._hearer.touched()

    def _released(self, key: Any, injected: bool) -> None:  # noqa: FBT001
        if not injected:
            self._stop_key.up(keyboard=0, place=hash(key))
            self._hearer.touched()

    def _moved(self, _x: int, _y: int, injected: bool) -> None:  # noqa: FBT001
        self._touched(injected)

    def _clicked(self, _x: int, _y: int, _button: Any, _pressed: bool, injected: bool) -> None:  # noqa: FBT001
        self._touched(injected)

    def _scrolled(self, _x: int, _y: int, _dx: int, _dy: int, injected: bool) -> None:  # noqa: FBT001
        self._touched(injected)

    def _touched(self, injected: bool) -> None:  # noqa: FBT001
        if not injected:
            self._hearer.touched()
