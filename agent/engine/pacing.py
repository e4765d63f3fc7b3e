"""Credit of one grant's stream: pure, `now` in seconds is an argument.

At most `WINDOW` frames are on their way beyond the newest one shown, so nothing queues: on a slow link the
frame rate falls and the latency does not grow.
"""

from dataclasses import dataclass

WINDOW = 2
SILENCE_S = 2.0
"""With no word for so long, frames are taken for lost and the stream starts again, once: if that is not
answered either, nobody watches, and nothing is made until somebody speaks."""
KEY_EVERY_S = 1.0
"""Key frames are large: asked for again within this time, the second one waits."""


@dataclass
class Pacing:
    """What was sent, what was shown, and whether the viewer can go on without a key frame."""

    seq: int = 0
    """Number of the newest frame sent; the first is 1."""
    _shown: int = 0
    _is_started: bool = False
    _needs_key: bool = True
    _heard_at: float = 0.0
    _is_trying_again: bool = False
    _key_at: float | None = None

    def credit(self, shown: int | None, *, wants_key: bool, now: float) -> None:
        """The viewers have shown frame `shown`; None starts or restarts the stream."""
        self._is_started, self._is_trying_again = True, False
        self._needs_key |= wants_key or shown is None
        known = self.seq if shown is None else min(shown, self.seq)
        self._shown = max(self._shown, known)
        self._heard_at = now

    def settle(self, now: float) -> None:
        """Notice that nothing was heard for too long: what is on its way is lost, or nobody is there."""
        if self._is_started and self.seq > self._shown and now >= self._heard_at + SILENCE_S:
            self._shown, self._heard_at, self._needs_key = self.seq, now, True
            self._is_started, self._is_trying_again = not self._is_trying_again, True

    def has_room(self) -> bool:
        """Whether another frame may be on its way."""
        return self._is_started and self.seq - self._shown < WINDOW

    def takes(self, *, key: bool) -> bool:
        """Whether a viewer could decode and show that frame now."""
        return self.has_room() and (key or not self._needs_key)

    def wants_key(self, now: float) -> bool:
        """Whether a key frame shall be made for this grant now."""
        return self._needs_key and self.has_room() and now >= self._key_due()

    def sent(self, *, key: bool, now: float) -> int:
        """A frame goes out; its sequence number."""
        if self.seq == self._shown:
            self._heard_at = now
        if key:
            self._needs_key, self._key_at = False, now
        self.seq += 1
        return self.seq

    def missed(self) -> None:
        """A frame was made that this grant did not get: what follows cannot be decoded."""
        self._needs_key = True

    def wakes_at(self, now: float) -> float | None:
        """When, without a word from anybody, this grant may send what it may not send now."""
        if not self._is_started:
            return None
        if not self.has_room():
            return self._heard_at + SILENCE_S
        return self._key_due() if self._needs_key and self._key_due() > now else None

    def _key_due(self) -> float:
        return 0.0 if self._key_at is None else self._key_at + KEY_EVERY_S
