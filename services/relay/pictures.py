"""What of a stream of frames reaches which viewer: pure, headers only, `now` in seconds, monotonic.

A delta frame is worth nothing without all before it, so after any loss everything is dropped until the next
key frame, which is asked for sparingly. `Stream` is one grant's, shared by its viewers; `Lane` one viewer's.
"""

from collections import deque
from dataclasses import dataclass

from beistand.protocol.frames import Header

KEY_EVERY_S = 0.5
"""Key frames are asked for at most this often per stream."""
KEY_RETRY_S = 2.0
"""A key frame that did not come is asked for again."""
STALL_S = 10.0
MAX_QUEUED_FRAMES = 4
MAX_QUEUED_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Credit:
    """What to tell the agent: `shown` None restarts its pacing."""

    shown: int | None
    key_frame: bool
    monitor: int | None = None
    """Another monitor was chosen."""


class Stream:
    """The order of one grant's frames, and what the agent is to be told about them."""

    def __init__(self) -> None:
        self._head: Header | None = None
        self._next_chunk = 0
        self._awaits_key = True
        self._wants_key = False
        self._asked_at = float("-inf")
        self._shown = 0
        self._told = 0
        self._monitor: int | None = None

    def accept(self, header: Header) -> bool:
        """Whether this chunk continues the stream; after a loss nothing does but a key frame."""
        return self._begins(header) if header.chunk == 0 else self._continues(header)

    def want_key(self) -> None:
        """A viewer joined, lost its way or has drained: a key frame is needed."""
        self._wants_key = True

    def want_monitor(self, monitor: int) -> None:
        """A viewer chose another monitor: the newest choice goes with the next key frame asked for."""
        self._monitor = monitor
        self.want_key()

    def shown(self, seq: int) -> None:
        """A viewer has shown a frame; claims about frames never passed on count for nothing."""
        if self._shown < seq <= self._complete:
            self._shown = seq

    def take(self, *, now: float) -> Credit | None:
        """The one thing to tell the agent now, if any; newest wins, and a key frame restarts its pacing.

        Restarting matters: frames that were lost will never be shown, and would hold its credit for ever.
        """
        if now >= self._key_due:
            self._wants_key = False
            self._asked_at = now
            self._told = self._shown
            monitor, self._monitor = self._monitor, None
            return Credit(None, key_frame=True, monitor=monitor)
        if self._shown > self._told:
            self._told = self._shown
            return Credit(self._shown, key_frame=False)
        return None

    def deadline(self) -> float | None:
        """When `take` has something to say if nothing else happens; for credit that is at once."""
        if self._shown > self._told:
            return float("-inf")
        return self._key_due if self._key_due < float("inf") else None

    @property
    def _key_due(self) -> float:
        if self._wants_key:
            return self._asked_at + KEY_EVERY_S
        return self._asked_at + KEY_RETRY_S if self._awaits_key else float("inf")

    @property
    def _complete(self) -> int:
        """The newest frame passed on whole."""
        if self._head is None:
            return 0
        return self._head.seq - 1 if self._next_chunk else self._head.seq

    def _begins(self, header: Header) -> bool:
        last = self._head.seq if self._head else 0
        if header.seq <= last:
            return False
        follows = not self._awaits_key and self._next_chunk == 0 and header.seq == last + 1
        if not header.is_key and not follows:
            self._lose()
            return False
        self._awaits_key = False
        self._advance(header)
        return True

    def _continues(self, header: Header) -> bool:
        if self._head is not None and header.seq < self._head.seq:
            return False
        if self._head is None or not self._next_chunk or not self._fits(header, self._head):
            self._lose()
            return False
        self._advance(header)
        return True

    def _fits(self, header: Header, head: Header) -> bool:
        return header.chunk == self._next_chunk and _frame_of(header) == _frame_of(head)

    def _advance(self, header: Header) -> None:
        self._head = header
        self._next_chunk = 0 if header.is_last else header.chunk + 1

    def _lose(self) -> None:
        if not self._awaits_key:
            self._wants_key = True
        self._awaits_key = True
        self._next_chunk = 0


def _frame_of(header: Header) -> tuple[int, ...]:
    return (header.seq, header.codec, header.is_key, header.width, header.height, header.monitor)


class Lane:
    """One viewer's short queue in front of its socket.

    `blocked`: the socket has not taken everything yet. Then a few frames wait here; more than that, and all
    are dropped up to the next key frame: latency stays flat and memory bounded however slow the viewer is.
    """

    def __init__(self) -> None:
        self.needs_key = True
        self._queue: deque[tuple[bytes, bool]] = deque()
        self._bytes = 0
        self._frames = 0
        self._blocked_since: float | None = None

    def offer(self, header: Header, chunk: bytes) -> bytes | None:
        """The chunk if it may be written now; None if it waits here or was dropped."""
        if header.chunk == 0:
            self._start(header)
        if self.needs_key:
            return None
        if self._blocked_since is None and not self._queue:
            return chunk
        self._enqueue(header, chunk)
        return None

    def blocked(self, *, now: float) -> None:
        """The socket takes no more."""
        if self._blocked_since is None:
            self._blocked_since = now

    def drained(self) -> None:
        """The socket has taken everything; write what `next` gives until it blocks again."""
        self._blocked_since = None

    def next(self) -> bytes | None:
        """The next chunk to write, unless blocked or empty."""
        if self._blocked_since is not None or not self._queue:
            return None
        chunk, is_last = self._queue.popleft()
        self._bytes -= len(chunk)
        self._frames -= is_last
        return chunk

    def clear(self) -> None:
        """Drop all that waits; the viewer goes on with the next key frame."""
        self._queue.clear()
        self._bytes = self._frames = 0
        self.needs_key = True

    @property
    def lost(self) -> bool:
        """Whether it is ready to go on but has nothing to go on from."""
        return self.needs_key and self._blocked_since is None

    @property
    def stalls_at(self) -> float | None:
        """When the viewer counts as stalled if its socket takes nothing until then."""
        return None if self._blocked_since is None else self._blocked_since + STALL_S

    def _start(self, header: Header) -> None:
        """A key frame makes all that waits worthless; a delta that finds too much waiting gives it up."""
        if header.is_key:
            self.clear()
            self.needs_key = False
        elif self._frames >= MAX_QUEUED_FRAMES:
            self.clear()

    def _enqueue(self, header: Header, chunk: bytes) -> None:
        if self._bytes + len(chunk) > MAX_QUEUED_BYTES:
            self.clear()
            return
        self._queue.append((chunk, header.is_last))
        self._bytes += len(chunk)
        self._frames += header.is_last
