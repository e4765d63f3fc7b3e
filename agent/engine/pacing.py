"""Credit of one grant's stream, and what its line carries: pure, `now` in seconds is an argument.

At most `WINDOW` frames are on their way beyond the newest one shown, so nothing queues: on a slow link the
frame rate falls and the latency does not grow.
"""

import statistics
from collections import deque
from dataclasses import dataclass, field

from agent.engine.encode import Line

WINDOW = 2
SILENCE_S = 2.0
"""With no word for so long, frames are taken for lost and the stream starts again, once: if that is not
answered either, nobody watches, and nothing is made until somebody speaks."""
KEY_EVERY_S = 1.0
"""Key frames are large: asked for again within this time, the second one waits."""
SLOWEST = 64 * 1024
"""Bytes per second of the slowest line there is patience for: what is on its way may take so long."""

THIN_BELOW, WIDE_ABOVE = 500_000, 1_000_000
"""Bytes per second (4 and 8 Mbit/s) at which a line counts as thin, and as wide again."""
TELLING, TELLING_IF_THIN = 32 * 1024, 16 * 1024
"""Bytes on their way, at least, for their time to tell of the line and not of decoders and timers."""
SMALL = 4 * 1024
"""Bytes that take no time of their own: they tell what there and back and showing take."""
SAMPLES, ENOUGH = 5, 256 * 1024
"""So many such frames, or so many bytes, make a judgement."""
USUAL_S = 0.15
"""What is taken for that until a small frame has told; long enough to call no line thin that is only long."""


@dataclass(frozen=True)
class _Sent:
    seq: int
    at: float
    size: int
    waiting: int
    """Bytes on their way right after it was sent, its own included."""


class LineMeter:
    """What the line carries, from how long frames took until they were shown."""

    def __init__(self) -> None:
        self.line = Line.WIDE
        self._fastest = USUAL_S
        self._has_told = False
        self._samples: deque[tuple[int, float]] = deque(maxlen=SAMPLES)

    def arrived(self, size: int, *, delay: float) -> None:
        """So many bytes took `delay` seconds, the way there and back included."""
        if size < SMALL:
            self._fastest = min(self._fastest, delay) if self._has_told else delay
            self._has_told = True
        if size < (TELLING if self.line is Line.WIDE else TELLING_IF_THIN):
            return
        self._samples.append((size, size / max(delay - self._fastest, 0.001)))
        if len(self._samples) == SAMPLES or sum(each for each, _ in self._samples) >= ENOUGH:
            self._judge(statistics.median(rate for _, rate in self._samples))

    def _judge(self, rate: float) -> None:
        line = self.line
        if rate < THIN_BELOW:
            line = Line.THIN
        elif rate > WIDE_ABOVE and self._has_told:
            line = Line.WIDE
        if line is not self.line:
            self.line = line
            self._samples.clear()


@dataclass
class Pacing:
    """What was sent, what was shown, and whether the viewer can go on without a key frame."""

    seq: int = 0
    """Number of the newest frame sent; the first is 1."""
    meter: LineMeter = field(default_factory=LineMeter)
    _shown: int = 0
    _is_started: bool = False
    _needs_key: bool = True
    _heard_at: float = 0.0
    _is_trying_again: bool = False
    _sent: deque[_Sent] = field(default_factory=deque)
    """Not shown yet, oldest first."""
    _key_seq: int = 0
    _key_at: float = 0.0
    _key_due: float = 0.0

    def credit(self, shown: int | None, *, wants_key: bool, now: float) -> None:
        """The viewers have shown frame `shown`; None starts or restarts the stream."""
        self._is_started, self._is_trying_again = True, False
        self._needs_key |= wants_key or shown is None
        self._heard_at = now
        if shown is None:
            self._forget()
        else:
            self._arrived(min(shown, self.seq), now)

    def settle(self, now: float) -> None:
        """Notice that nothing was heard for too long: what is on its way is lost, or nobody is there."""
        if self._is_started and self.seq > self._shown and now >= self._silent_at():
            self._forget()
            self._heard_at, self._needs_key = now, True
            self._is_started, self._is_trying_again = not self._is_trying_again, True

    @property
    def is_awake(self) -> bool:
        """Whether somebody watches, as far as one can tell."""
        return self._is_started

    def has_room(self) -> bool:
        """Whether another frame may be on its way."""
        return self._is_started and self.seq - self._shown < WINDOW

    def takes(self, *, key: bool) -> bool:
        """Whether a viewer could decode and show that frame now."""
        return self.has_room() and (key or not self._needs_key)

    def wants_key(self, now: float) -> bool:
        """Whether a key frame shall be made for this grant now."""
        return self._needs_key and self.has_room() and now >= self._key_due

    def sent(self, size: int, *, key: bool, now: float) -> int:
        """A frame of `size` bytes goes out; its sequence number."""
        if self.seq == self._shown:
            self._heard_at = now
        if key:
            self._needs_key, self._key_seq, self._key_at = False, self.seq + 1, now
            self._key_due = now + KEY_EVERY_S + size / SLOWEST
        self.seq += 1
        self._sent.append(_Sent(self.seq, now, size, self._waiting() + size))
        return self.seq

    def missed(self) -> None:
        """A frame was made that this grant did not get: what follows cannot be decoded."""
        self._needs_key = True

    def wakes_at(self, now: float) -> float | None:
        """When, without a word from anybody, this grant may send what it may not send now."""
        if not self._is_started:
            return None
        if not self.has_room():
            return self._silent_at()
        return self._key_due if self._needs_key and self._key_due > now else None

    def _arrived(self, shown: int, now: float) -> None:
        newest = None
        while self._sent and self._sent[0].seq <= shown:
            newest = self._sent.popleft()
        self._shown = max(self._shown, shown)
        if newest is not None:
            self.meter.arrived(newest.waiting, delay=now - newest.at)
        if self._key_seq and shown >= self._key_seq:  # it has left the line: the next need not wait for it
            self._key_due = min(self._key_due, self._key_at + KEY_EVERY_S)

    def _forget(self) -> None:
        """What is on its way counts as gone."""
        self._shown = self.seq
        self._sent.clear()

    def _waiting(self) -> int:
        return sum(each.size for each in self._sent)

    def _silent_at(self) -> float:
        return self._heard_at + SILENCE_S + self._waiting() / SLOWEST
