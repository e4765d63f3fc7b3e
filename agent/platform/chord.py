"""The stop key as keys go down and up: Shift and Esc, on the person's own keyboard. Pure.

Why these two: docs/adr/0010-the-persons-hand.md.
"""

from enum import Enum


class Part(Enum):
    """What a key is to the stop key."""

    SHIFT = "shift"
    ESCAPE = "escape"


class StopKey:
    """Esc goes down while a Shift is down, whatever else is. A key is told apart by keyboard and place."""

    def __init__(self) -> None:
        self._shifts: set[tuple[int, int]] = set()

    def down(self, part: Part | None, *, keyboard: int, place: int) -> bool:
        """A key went down; whether that was the stop key. None: any other key."""
        if part is Part.SHIFT:
            self._shifts.add((keyboard, place))
        return part is Part.ESCAPE and bool(self._shifts)

    def up(self, *, keyboard: int, place: int) -> None:
        """A key went up."""
        self._shifts.discard((keyboard, place))

    def forget(self) -> None:
        """Keyboards came or went: nothing counts as down."""
        self._shifts.clear()
