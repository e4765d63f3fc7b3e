"""What a room needs of the world, as it sees it: time, a viewer's socket, the way to the agent."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from beistand.protocol.messages import Message, RelayStopped


class Handle(Protocol):
    """A timer that can be called off."""

    def when(self) -> float:
        """When it fires, monotonic seconds."""

    def cancel(self) -> None:
        """Call it off."""


@dataclass(frozen=True)
class Clock:
    """The one source of time: monotonic seconds, wall time, and a timer on the monotonic one."""

    monotonic: Callable[[], float]
    wall: Callable[[], datetime]
    call_at: Callable[[float, Callable[[], None]], Handle]


class Socket(Protocol):
    """A viewer's socket (adapter: sockets.py)."""

    def text(self, message: Message) -> None:
        """Send a message."""

    def frame(self, chunk: bytes) -> bool:
        """Send a chunk; false: the socket did not take everything, write no more until it has drained."""

    def stop(self, last_words: RelayStopped, *, code: int) -> None:
        """Say why and close with this code; what still waits to be written must not delay that."""


class Downlink(Protocol):
    """The way to agents (adapter: adapters.py). Never blocks, never queues behind a lost connection."""

    def post(self, subject: str, payload: bytes) -> None:
        """Send, or drop if that is not possible right now."""

    def discard(self, subject: str) -> None:
        """Take back what was posted to this subject and has not left yet."""
