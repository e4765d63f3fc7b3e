"""The one switch that every picture and every injected key must pass, on the device itself (law 3).

What passes is metered here. Thread-safe, knows no network and no window. Closing waits for the act in flight,
so that nothing passes once it has returned; an act is one read of the screen or one key, never a whole stream
or text. Why it is built so: docs/adr/0005-gate-and-two-threads.md.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from agent.engine.meter import Meter, Usage
from beistand.protocol.capabilities import REQUIRES, Capability
from beistand.protocol.messages import Input

Stopped = Callable[[frozenset[str]], None]
"""Told which grants pass no longer (closed, paused or held), in the closing thread, after the last act."""


@dataclass(frozen=True)
class OpenGrant:
    """A live grant as the gate knows it; `until` is its end on the gate's clock, in seconds."""

    grant_id: str
    capability: Capability
    technician_id: str
    until: float


class Gate:
    """Which grants may act right now.

    An act runs inside `capturing` or `injecting` and must not itself close the gate. Callbacks may not wait
    for a thread that acts.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._captures = threading.RLock()
        self._injections = threading.RLock()
        self._grants: dict[str, OpenGrant] = {}
        self._meter = Meter()
        self._holders: set[str] = set()
        self._is_paused = False
        self._turn = 0
        self._callbacks: list[Stopped] = []

    # --- asking and acting ---------------------------------------------------------------------------

    def may_capture(self, grant_id: str) -> bool:
        """Whether a picture may be taken and sent under this grant now."""
        with self._changed:
            return self._passes(grant_id, Capability.VIEW)

    def may_inject(self, grant_id: str) -> bool:
        """Whether input may be injected under this grant now."""
        with self._changed:
            return self._passes(grant_id, Capability.CONTROL)

    @contextmanager
    def capturing(self, grant_id: str) -> Iterator[bool]:
        """Yields whether the body may read the screen or send a picture; no close returns while it runs."""
        with self._captures:
            yield self.may_capture(grant_id)

    @contextmanager
    def injecting(self, grant_id: str, *, turn: int | None = None) -> Iterator[bool]:
        """Yields whether the body may inject; no close, pause or hold returns while it runs.

        `turn` (as `turn()` was when the input arrived) refuses input that came before the latest stop,
        so that nothing waits somewhere and is played later.
        """
        with self._injections:
            with self._changed:
                allowed = turn in (None, self._turn) and self.may_inject(grant_id)
            yield allowed

    def turn(self) -> int:
        """Counts the stops: it grows whenever something that passed passes no longer."""
        with self._changed:
            return self._turn

    def is_open(self, grant_id: str) -> bool:
        """Whether the grant lives, be it paused or held."""
        with self._changed:
            return self._lives(grant_id)

    def live_views(self) -> tuple[str, ...]:
        """The grants under which a picture may be taken now."""
        with self._changed:
            return self._views()

    def wait_for_view(self, timeout: float) -> bool:
        """Wait until a picture may be taken, at most `timeout` seconds; whether it may."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._views()), timeout)

    # --- metering ------------------------------------------------------------------------------------

    def count(self, grant_id: str, event: Input) -> None:
        """An event was let through `injecting`; to be called inside it."""
        with self._changed:
            self._meter.count(grant_id, event)

    def usage(self, grant_id: str) -> Usage:
        """What the grant was used for so far."""
        with self._changed:
            return self._meter.usage(grant_id, now=self._clock())

    def take_usage(self, grant_id: str) -> Usage:
        """What a grant that is over was used for; final, and told once."""
        with self._changed:
            return self._meter.take(grant_id, now=self._clock())

    # --- changing ------------------------------------------------------------------------------------

    def on_close(self, callback: Stopped) -> None:
        """Have `callback` told of every stop, before the closing call returns."""
        self._callbacks.append(callback)

    def open(self, grant: OpenGrant) -> None:
        """The grant is live: recorded, and its indicator on screen."""
        with self._changed:
            self._grants[grant.grant_id] = grant
            self._meter.opened(grant.grant_id, until=grant.until, now=self._clock())
            self._widened()

    def close(self, grant_ids: Iterable[str]) -> None:
        """These grants are over; nothing passes under them once this returns."""
        ids = frozenset(grant_ids)

        def forget() -> None:
            for grant_id in ids:
                self._grants.pop(grant_id, None)

        self._settle(self._narrow(forget, closed=ids), self._captures, self._injections)

    def close_all(self) -> None:
        """Every grant is over; nothing passes once this returns."""
        with self._changed:
            ids = tuple(self._grants)
        self.close(ids)

    def pause(self) -> None:
        """Nothing passes once this returns, until `resume`; the grants live on."""
        stopped = self._narrow(lambda: setattr(self, "_is_paused", True))
        self._settle(stopped, self._captures, self._injections)

    def resume(self) -> None:
        """What was paused passes again."""
        with self._changed:
            self._is_paused = False
            self._widened()

    def hold(self, holder: str) -> None:
        """No input passes once this returns, until every holder has released."""
        self._settle(self._narrow(lambda: self._holders.add(holder)), self._injections)

    def release(self, holder: str) -> None:
        """This holder holds no longer."""
        with self._changed:
            self._holders.discard(holder)
            self._widened()

    # --- inside, with `_changed` held ------------------------------------------------------------------

    def _lives(self, grant_id: str) -> bool:
        grant = self._grants.get(grant_id)
        return grant is not None and self._clock() < grant.until

    def _passes(self, grant_id: str, capability: Capability) -> bool:
        grant = self._grants.get(grant_id)
        if (
            grant is None
            or grant.capability is not capability
            or self._is_paused
            or not self._lives(grant_id)
        ):
            return False
        if capability is Capability.CONTROL and self._holders:
            return False
        return capability not in REQUIRES or self._has(REQUIRES[capability], grant.technician_id)

    def _has(self, capability: Capability, technician_id: str) -> bool:
        return any(
            self._lives(grant.grant_id)
            for grant in self._grants.values()
            if grant.capability is capability and grant.technician_id == technician_id
        )

    def _views(self) -> tuple[str, ...]:
        return tuple(grant_id for grant_id in self._grants if self._passes(grant_id, Capability.VIEW))

    def _passing(self) -> frozenset[str]:
        grants = self._grants.values()
        return frozenset(each.grant_id for each in grants if self._passes(each.grant_id, each.capability))

    def _widened(self) -> None:
        self._meter.passing(self._passing(), now=self._clock())
        self._changed.notify_all()

    def _narrow(self, edit: Callable[[], object], *, closed: frozenset[str] = frozenset()) -> frozenset[str]:
        """Change so that less passes; every new act is refused from here on."""
        with self._changed:
            before = self._passing()
            edit()
            passing = self._passing()
            stopped = before - passing | closed
            self._meter.closed(closed, now=self._clock())
            self._meter.passing(passing, now=self._clock())
            self._turn += bool(stopped)
            self._changed.notify_all()
            return stopped

    def _settle(self, stopped: frozenset[str], *acts: AbstractContextManager[object]) -> None:
        """Wait for the act that had already been let in, if any; then tell."""
        for act in acts:
            with act:
                pass
        with ExitStack() as told:  # every callback runs, even if one of them fails
            for callback in reversed(self._callbacks):
                told.callback(callback, stopped)
