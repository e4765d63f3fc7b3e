"""How much input one viewer may send: a token bucket, pure, `now` in seconds, monotonic.

Part of the bucket is kept for what must not get lost or change order (keys, buttons, text): a mouse that
moves too fast loses moves, never a key going up. Who floods even those is not a person, and is closed.
A text costs what it is on the device: one act per character.
"""

from enum import Enum

RATE = 500.0
"""Tokens a second."""
SIZE = 2000.0
"""Two of the longest texts, which is what an agent takes at once."""
RESERVE = 1700.0
LOSSY = frozenset({"input.move"})
"""Superseded by the next of their kind."""


class Spend(Enum):
    """What to do with a message."""

    PASS = "pass"  # noqa: S105 (not a password)
    DROP = "drop"
    FLOOD = "flood"


class InputBudget:
    """One viewer's bucket."""

    def __init__(self, *, now: float) -> None:
        self._tokens = SIZE
        self._at = now

    def spend(self, message_type: str, *, now: float, cost: int = 1) -> Spend:
        """Whether one more message of this type, of `cost` acts on the device, may pass now."""
        self._tokens = min(SIZE, self._tokens + (now - self._at) * RATE)
        self._at = now
        is_lossy = message_type in LOSSY
        if self._tokens < (RESERVE + cost if is_lossy else cost):
            return Spend.DROP if is_lossy else Spend.FLOOD
        self._tokens -= cost
        return Spend.PASS
