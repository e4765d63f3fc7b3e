"""Who may see and do what right now in one session: pure, `now` is an argument (seconds, monotonic).

Laws of this file: nothing passes but under a proven, unexpired grant of that technician and capability,
with a fresh lease, outside a pause, before the end. Stop before grant wins. Over is over: nothing leaves it.
Events go in, effects come out; what a frame or an input needs is asked at the moment it passes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from beistand.protocol import capabilities
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError, Ended, NoGrant, Unavailable
from beistand.protocol.messages import Party
from beistand.protocol.records import Cause
from services.relay.proof import Grant

LEASE_S = 3.0
"""Silence of the agent about a grant after which the relay stops it."""
REFUSED_FOR_S = 13 * 3600.0
"""Longer than any grant can last (12 h), so a forgotten tombstone refuses nothing that could still live."""
MAX_UNSEEN_STOPS = 1024


class Flow(Enum):
    """What the session lets pass."""

    RUNNING = "running"
    PAUSED = "paused"
    OVER = "over"


class Turn(Enum):
    """What can happen to the flow."""

    PAUSE = "pause"
    RESUME = "resume"
    END = "end"


FLOW = MappingProxyType(
    {
        (Flow.RUNNING, Turn.PAUSE): Flow.PAUSED,
        (Flow.RUNNING, Turn.RESUME): Flow.RUNNING,
        (Flow.RUNNING, Turn.END): Flow.OVER,
        (Flow.PAUSED, Turn.PAUSE): Flow.PAUSED,
        (Flow.PAUSED, Turn.RESUME): Flow.RUNNING,
        (Flow.PAUSED, Turn.END): Flow.OVER,
        (Flow.OVER, Turn.PAUSE): Flow.OVER,
        (Flow.OVER, Turn.RESUME): Flow.OVER,
        (Flow.OVER, Turn.END): Flow.OVER,
    }
)


class Life(Enum):
    """A grant as this relay knows it."""

    UNSEEN = "unseen"
    LIVE = "live"
    OVER = "over"


class Step(Enum):
    """What can happen to a grant."""

    PROVEN = "proven"
    STOPPED = "stopped"


LIFE = MappingProxyType(
    {
        (Life.UNSEEN, Step.PROVEN): Life.LIVE,
        (Life.UNSEEN, Step.STOPPED): Life.OVER,
        (Life.LIVE, Step.PROVEN): Life.LIVE,
        (Life.LIVE, Step.STOPPED): Life.OVER,
        (Life.OVER, Step.PROVEN): Life.OVER,
        (Life.OVER, Step.STOPPED): Life.OVER,
    }
)


@dataclass(frozen=True)
class Reason:
    """Why access is over: the error the socket closes with, who ended it, and what for."""

    error: type[BeistandError]
    by: Party
    cause: Cause | None = None


EXPIRED = Reason(NoGrant, Party.SYSTEM, Cause.EXPIRED)
LEASE_LOST = Reason(Unavailable, Party.SYSTEM, Cause.LEASE_LOST)


@dataclass(frozen=True)
class ViewStopped:
    """Effect: every viewer of this grant is told and closed, now."""

    grant_id: str
    reason: Reason


@dataclass(frozen=True)
class ControlChanged:
    """Effect: the technician's viewers are told whether input passes; what waits to be sent is dropped."""

    technician_id: str
    grant_id: str
    live: bool


@dataclass(frozen=True)
class FlowChanged:
    """Effect: all viewers are told; on PAUSED what is queued is dropped, on RUNNING streams restart."""

    flow: Flow


Effect = ViewStopped | ControlChanged | FlowChanged


class Tombstones:
    """Grants and sessions that are over for this process, whatever a store or a ticket says later."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._since

    def add(self, name: str, *, now: float) -> None:
        """Refuse `name` from now on; entries that can no longer matter are forgotten."""
        self._since.setdefault(name, now)
        while self._since and now - next(iter(self._since.values())) > REFUSED_FOR_S:
            self._since.pop(next(iter(self._since)))


@dataclass
class _Live:
    grant: Grant
    expires: float
    heard: float

    def is_fresh(self, now: float) -> bool:
        return now < self.expires and now - self.heard < LEASE_S

    @property
    def deadline(self) -> float:
        return min(self.expires, self.heard + LEASE_S)


class Gatekeeper:
    """The grants of one session, and every question about what may pass."""

    def __init__(self, sid: str, *, tombstones: Tombstones) -> None:
        self._sid = sid
        self._tombstones = tombstones
        self._live: dict[str, _Live] = {}
        self._unseen_stops = 0
        self._pause_seq = -1
        self._paused_at = 0.0
        self._flow = Flow.OVER if sid in tombstones else Flow.RUNNING

    @property
    def flow(self) -> Flow:
        """What the session lets pass now."""
        return self._flow

    def life(self, grant_id: str) -> Life:
        """Where a grant stands for this relay."""
        if grant_id in self._tombstones or self._flow is Flow.OVER:
            return Life.OVER
        return Life.LIVE if grant_id in self._live else Life.UNSEEN

    # --- questions ------------------------------------------------------------------------------

    def may_show(self, grant_id: str, *, now: float) -> bool:
        """Whether a frame of this grant may pass at this moment."""
        live = self._live.get(grant_id)
        return (
            self._flow is Flow.RUNNING
            and live is not None
            and live.grant.capability is Capability.VIEW
            and live.is_fresh(now)
        )

    def live(self, technician_id: str, capability: Capability, *, now: float) -> Grant | None:
        """The technician's live grant of this capability; in a pause too, though nothing passes then."""
        return next((grant for grant in self._of(technician_id, now) if grant.capability is capability), None)

    def input_grant(self, technician_id: str, message_type: str, *, now: float) -> str | None:
        """The grant an input message of this technician passes under at this moment; None: it is dropped."""
        if self._flow is not Flow.RUNNING:
            return None
        held = {grant.capability: grant.id for grant in self._of(technician_id, now)}
        if capabilities.refused(message_type, held) is not None:
            return None
        return held.get(Capability.CONTROL)

    def live_ids(self) -> tuple[str, ...]:
        """Every grant not over yet."""
        return tuple(self._live)

    def deadline(self) -> float | None:
        """When `tick` has something to do if nothing else happens."""
        return min((live.deadline for live in self._live.values()), default=None)

    def _of(self, technician_id: str, now: float) -> Iterator[Grant]:
        return (
            live.grant
            for live in self._live.values()
            if live.grant.technician_id == technician_id and live.is_fresh(now)
        )

    # --- events ---------------------------------------------------------------------------------

    def prove(self, grant: Grant, *, now: float) -> list[Effect]:
        """A grant was proven; its lease clock starts here. Nothing revives or prolongs a known one."""
        before = self.life(grant.id)
        if before is Life.LIVE or LIFE[before, Step.PROVEN] is not Life.LIVE:
            return []
        self._live[grant.id] = _Live(grant, expires=now + grant.remaining_s, heard=now)
        if grant.capability is Capability.CONTROL:
            return [ControlChanged(grant.technician_id, grant.id, live=True)]
        return []

    def stop(self, grant_ids: Iterable[str], reason: Reason, *, now: float) -> list[Effect]:
        """Grants are over, for good; also those not seen yet (a stop that overtook its grant wins)."""
        return [effect for grant_id in grant_ids for effect in self._stop(grant_id, reason, now)]

    def stop_all(self, reason: Reason, *, now: float) -> list[Effect]:
        """Every live grant is over; the session may go on with new ones."""
        return self.stop(tuple(self._live), reason, now=now)

    def end(self, by: Party, cause: Cause | None, *, now: float) -> list[Effect]:
        """The session is over for good."""
        effects = self.stop_all(Reason(Ended, by, cause), now=now)
        self._tombstones.add(self._sid, now=now)
        return [*effects, *self._turn(Turn.END)]

    def pause(self, *, seq: int, now: float) -> list[Effect]:
        """The device pauses (record number `seq` of its chain)."""
        return self._signed_turn(Turn.PAUSE, seq, now)

    def resume(self, *, seq: int, now: float) -> list[Effect]:
        """The device goes on; an older record than the last one changes nothing."""
        return self._signed_turn(Turn.RESUME, seq, now)

    def lease(self, grant_ids: Iterable[str], *, paused: bool, now: float) -> list[Effect]:
        """The device says what is alive on it.

        A lease pauses at once. It ends a pause only well after that began: a lease sent before the pause may
        arrive after it, and one that never heard of the signed resume must still get going again.
        """
        for grant_id in grant_ids:
            live = self._live.get(grant_id)
            # A grant that was silent too long is over, even if this lease came before the timer.
            if live is not None and live.is_fresh(now):
                live.heard = now
        if paused:
            self._paused_at = now
            return self._turn(Turn.PAUSE)
        if self._flow is Flow.PAUSED and now - self._paused_at >= LEASE_S:
            return self._turn(Turn.RESUME)
        return []

    def tick(self, *, now: float) -> list[Effect]:
        """Time has passed: expired grants and those without a lease are over."""
        expired = [id_ for id_, live in self._live.items() if now >= live.expires]
        silent = [id_ for id_, live in self._live.items() if not live.is_fresh(now) and id_ not in expired]
        return [*self.stop(expired, EXPIRED, now=now), *self.stop(silent, LEASE_LOST, now=now)]

    def _signed_turn(self, turn: Turn, seq: int, now: float) -> list[Effect]:
        if seq <= self._pause_seq:
            return []
        self._pause_seq = seq
        if turn is Turn.PAUSE:
            self._paused_at = now
        return self._turn(turn)

    def _turn(self, turn: Turn) -> list[Effect]:
        before, self._flow = self._flow, FLOW[self._flow, turn]
        return [] if self._flow is before else [FlowChanged(self._flow)]

    def _stop(self, grant_id: str, reason: Reason, now: float) -> list[Effect]:
        live = self._live.pop(grant_id, None)
        if live is None:
            return self._stop_unseen(grant_id, now)
        self._tombstones.add(grant_id, now=now)
        if live.grant.capability is Capability.CONTROL:
            return [ControlChanged(live.grant.technician_id, grant_id, live=False)]
        return [ViewStopped(grant_id, reason)]

    def _stop_unseen(self, grant_id: str, now: float) -> list[Effect]:
        """Remembered, but not without bound: a device that makes up stops only ends its own session here."""
        if self.life(grant_id) is Life.OVER:
            return []
        self._tombstones.add(grant_id, now=now)
        self._unseen_stops += 1
        if self._unseen_stops <= MAX_UNSEEN_STOPS:
            return []
        return self.end(Party.SYSTEM, None, now=now)
