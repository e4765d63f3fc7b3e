"""The keyboard where the system itself types any character (Windows, macOS). Not run by the tests."""

from typing import Any

from agent.platform.port import Stroke


class PlainKeyboard:
    """See `port.Keyboard`."""

    def __init__(self) -> None:
        from pynput import keyboard  # at run time: on X11 the import needs a display

        self._pynput = keyboard
        self._controller = keyboard.Controller()

    def press(self, key: Any) -> None:
        """See `port.Keyboard`."""
        self._controller.press(key)

    def release(self, key: Any) -> None:
        """See `port.Keyboard`."""
        self._controller.release(key)

    def named(self, name: str) -> Any | None:
        """See `port.Keyboard`."""
        return getattr(self._pynput.Key, name, None)

    def level3(self) -> Any | None:
        """See `port.Keyboard`; never needed here."""
        return None

    def stroke(self, character: str) -> Stroke | None:
        """See `port.Keyboard`."""
        return Stroke(self._pynput.KeyCode.from_char(character))

    def shortcut(self, character: str, code: str) -> Any | None:  # noqa: ARG002  (places are not needed here)
        """See `port.Keyboard`."""
        return self._pynput.KeyCode.from_char(character.lower())

    def hold_repeat(self, *, hold: bool) -> None:
        """See `port.Keyboard`; injected keys do not repeat here."""

    def rest(self) -> None:
        """Nothing to undo."""

    def close(self) -> None:
        """Nothing to give back."""
