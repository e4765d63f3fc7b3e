"""What the engine needs of the machine it runs on: pictures out, input in.

Adapters stand beside this file and in agent/platform. Both ask the gate themselves for every single act;
the engine asks it once more around them.
"""

from collections.abc import Callable
from typing import Protocol

from beistand.protocol.messages import Input, MediaDown, MonitorSize

Publish = Callable[[bytes], None]
"""Takes one chunk (frame header and payload) of a grant's stream. Thread-safe, never blocks, never fails:
what the gate does not let pass is dropped."""


class Injector(Protocol):
    """Mouse and keyboard of the customer's desktop, called from one thread of the engine's."""

    def settle(self, event: Input) -> None:
        """Wait, briefly and outside the gate, until the desktop can take `event` as it was meant.

        A click into another window moves the keyboard there only a moment later.
        """

    def inject(self, event: Input, grant_id: str) -> None:
        """Inject one event, unless the gate is closed for the grant or it would reach a window of ours.

        Text comes one character at a time, so that no stop ever waits for a long one.
        """

    def release_all(self) -> None:
        """Let everything go that this injector holds down; harmless if nothing is. From any thread."""

    def own_window(self, window: int) -> None:
        """A native window id of ours: what would reach it, or a window of the same client, is dropped."""


class Media(Protocol):
    """The screen as a stream per view grant, made on threads of its own; never blocks the caller."""

    def prepare(self) -> None:
        """A session begins: have everything loaded before somebody waits for a picture."""

    def start(self, grant_id: str, publish: Publish) -> None:
        """A view grant went live: wait for credit, then send pictures while the gate lets them pass."""

    def credit(self, message: MediaDown) -> None:
        """What viewers have shown; an unknown grant is ignored."""

    def monitors(self) -> tuple[MonitorSize, ...]:
        """The monitors there are to choose from, the primary one first; nothing while no picture is made."""

    def stop(self, grant_id: str) -> None:
        """The grant is over; harmless if it never started."""

    def close(self) -> None:
        """Stop every stream and give the screen back; nothing starts again."""
