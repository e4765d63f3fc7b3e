"""One session at this relay: carries out on viewers and agent what the pure parts decide.

Synchronous throughout: when a stop has been handled, everything it stops has been stopped. Knows sockets and
the way to the agent only as small ports, and nothing of NATS.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from beistand.protocol import frames, subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError, InvalidMessage, NoGrant, RateLimited
from beistand.protocol.messages import (
    InputAlive,
    InputRelease,
    MediaDown,
    Message,
    MonitorSize,
    Party,
    RelayControl,
    RelayMonitors,
    RelayPaused,
    RelayReady,
    RelayStopped,
    SessionEntry,
    encode,
)
from services.relay import metrics
from services.relay.beats import Beats
from services.relay.budget import InputBudget
from services.relay.domain import (
    ControlChanged,
    Effect,
    Flow,
    FlowChanged,
    Gatekeeper,
    Reason,
    Tombstones,
    ViewStopped,
)
from services.relay.pictures import Lane, Stream
from services.relay.ports import Clock, Downlink, Handle, Socket
from services.relay.proof import Grant

log = logging.getLogger(__name__)

STALLED = Reason(RateLimited, Party.SYSTEM)


@dataclass(eq=False)
class Viewer:
    """One admitted socket: which technician watches under which grant."""

    socket: Socket
    technician_id: str
    grant: Grant
    budget: InputBudget
    codecs: frozenset[str] = frozenset()
    """What it says it decodes."""
    lane: Lane = field(default_factory=Lane)
    invalid: int = 0


class Room:
    """The viewers, streams and gate of one session."""

    def __init__(
        self, org: str, sid: str, *, relay: str, tombstones: Tombstones, downlink: Downlink, clock: Clock
    ) -> None:
        self.org, self.sid = org, sid
        self._alive = encode(InputAlive(relay=relay))
        self.gate = Gatekeeper(sid, tombstones=tombstones)
        self.session: SessionEntry | None = None
        self.expected: Counter[str] = Counter()
        """Technicians whose viewers are here or about to come in: only their grants are of interest."""
        self.unread: list[Callable[[], None]] = []
        """What the agent said before its key was known, in order."""
        self._downlink = downlink
        self._clock = clock
        self._viewers: set[Viewer] = set()
        self._streams: dict[str, Stream] = {}
        self._beats = Beats()
        self._timer: Handle | None = None
        self._monitors: tuple[MonitorSize, ...] = ()
        self._is_held = False
        """Whether the customer's own hand goes first; told only, for it is the device that drops."""

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic()

    @property
    def wall(self) -> datetime:
        """The server's time of day."""
        return self._clock.wall()

    # --- viewers ----------------------------------------------------------------------------------

    def enter(self, viewer: Viewer) -> None:
        """Let a viewer in, or raise why not: the grant may have ended since it was looked up."""
        live = self.gate.live(viewer.technician_id, Capability.VIEW, now=self.now)
        if live is None or live.id != viewer.grant.id:
            raise NoGrant
        self._viewers.add(viewer)
        metrics.VIEWERS.add(1)
        control = self.gate.live(viewer.technician_id, Capability.CONTROL, now=self.now)
        viewer.socket.text(RelayReady(grant_id=live.id, expires_at=viewer.grant.expires_at))
        viewer.socket.text(RelayControl(live=control is not None, held=self._is_held))
        if self.gate.flow is Flow.PAUSED:
            viewer.socket.text(RelayPaused(paused=True))
        if self._monitors:
            viewer.socket.text(RelayMonitors(monitors=self._monitors))
        self._streams.setdefault(live.id, Stream()).want_key()
        self.settle()

    def leave(self, viewer: Viewer) -> None:
        """A viewer is gone; harmless if it is already."""
        if viewer not in self._viewers:
            return
        self._viewers.discard(viewer)
        metrics.VIEWERS.add(-1)
        viewer.lane.clear()
        self._let_go(viewer.technician_id)
        if not self._watching(viewer.grant.id):
            self._streams.pop(viewer.grant.id, None)

    def _let_go(self, technician_id: str) -> None:
        """With a technician's last socket goes whoever could let their keys and buttons go: done for them."""
        if any(viewer.technician_id == technician_id for viewer in self._viewers):
            return
        release = InputRelease()
        grant_id = self.gate.input_grant(technician_id, release.type, now=self.now)
        if grant_id is not None:
            self.send_input(grant_id, encode(release))

    def shut_out(self, viewer: Viewer, reason: Reason) -> None:
        """Tell one viewer why and close it; nothing reaches it any more."""
        self.leave(viewer)
        error, cause = reason.error(), str(reason.cause or "")
        last_words = RelayStopped(code=error.code, by=reason.by, cause=reason.cause)
        viewer.socket.stop(last_words, code=error.close_code)
        # Only then what may take its time: a log's disk must not hold up a stop.
        metrics.STOPPED.add(1, {"code": error.code, "cause": cause})
        log.info("viewer stopped", extra={"sid": self.sid, "code": error.code, "cause": cause})

    def drained(self, viewer: Viewer) -> None:
        """A viewer's socket has taken everything: write what waits, or look for a key frame to go on from."""
        viewer.lane.drained()
        while viewer in self._viewers and (chunk := viewer.lane.next()) is not None:
            self._write(viewer, chunk)
        self._recover(viewer)
        self.settle()

    # --- traffic ----------------------------------------------------------------------------------

    def frame(self, grant_id: str, chunk: bytes) -> None:
        """A chunk from the agent: to every viewer of this grant, if it may pass at this moment."""
        stream = self._streams.get(grant_id)
        if stream is None or not self.gate.may_show(grant_id, now=self.now):
            return metrics.FRAMES.add(1, {"outcome": "refused"})
        try:
            header = frames.parse(chunk)
        except InvalidMessage:
            return metrics.FRAMES.add(1, {"outcome": "invalid"})
        if not stream.accept(header):
            metrics.FRAMES.add(1, {"outcome": "dropped"})
            return self.settle()
        metrics.FRAMES.add(1, {"outcome": "passed"})
        for viewer in self._watching(grant_id):
            ready = viewer.lane.offer(header, chunk)
            if ready is not None:
                self._write(viewer, ready)
        return None

    def shown(self, viewer: Viewer, seq: int) -> None:
        """A viewer has shown a frame; the agent is told in the next turn of the loop, of the newest only."""
        self._streams[viewer.grant.id].shown(seq)
        self._arm()

    def refresh(self, viewer: Viewer) -> None:
        """A viewer's decoder needs a key frame; what waits for it is worthless."""
        viewer.lane.clear()
        self._recover(viewer)
        self.settle()

    def choose(self, viewer: Viewer, monitor: int) -> None:
        """A viewer wants to see another monitor; the pictures that follow say whether it does."""
        self._streams[viewer.grant.id].want_monitor(monitor)
        self.settle()

    def list_monitors(self, monitors: tuple[MonitorSize, ...]) -> None:
        """The device says what there is to choose from; only changes are told."""
        if monitors == self._monitors or not monitors:
            return
        self._monitors = monitors
        self._tell(RelayMonitors(monitors=monitors))

    def send_input(self, grant_id: str, payload: bytes) -> None:
        """Input for the agent, under the control grant it was just found to pass under."""
        self._downlink.post(subjects.input_of_grant(self.org, self.sid, grant_id), payload)

    def hold(self, *, held: bool) -> None:
        """The customer's own hand came, or rests again: whoever has control is told."""
        if held == self._is_held:
            return
        self._is_held = held
        for viewer in self._viewers:
            if self.gate.live(viewer.technician_id, Capability.CONTROL, now=self.now) is not None:
                viewer.socket.text(RelayControl(live=True, held=held))

    def restart(self) -> None:
        """Frames or credit may have been lost on the way: every stream starts again from a key frame."""
        for stream in self._streams.values():
            stream.want_key()
        self.settle()

    def _write(self, viewer: Viewer, chunk: bytes) -> None:
        if not viewer.socket.frame(chunk):
            viewer.lane.blocked(now=self.now)
            self._arm()

    def _recover(self, viewer: Viewer) -> None:
        stream = self._streams.get(viewer.grant.id)
        if stream is not None and viewer.lane.lost:
            stream.want_key()

    def _watching(self, grant_id: str) -> list[Viewer]:
        return [viewer for viewer in self._viewers if viewer.grant.id == grant_id]

    # --- effects ----------------------------------------------------------------------------------

    def apply(self, effects: Iterable[Effect]) -> None:
        """Carry out what the gate decided."""
        for effect in effects:
            match effect:
                case ViewStopped():
                    self._stop_view(effect)
                case ControlChanged():
                    self._change_control(effect)
                case FlowChanged():
                    self._change_flow(effect.flow)
        self.settle()

    def _stop_view(self, effect: ViewStopped) -> None:
        for viewer in self._watching(effect.grant_id):
            self.shut_out(viewer, effect.reason)

    def _change_control(self, effect: ControlChanged) -> None:
        if not effect.live:
            self._downlink.discard(subjects.input_of_grant(self.org, self.sid, effect.grant_id))
        message = RelayControl(live=effect.live, held=self._is_held)
        self._tell(message, technician_id=effect.technician_id)

    def _change_flow(self, flow: Flow) -> None:
        if flow is Flow.PAUSED:
            for viewer in self._viewers:
                viewer.lane.clear()
            for grant_id in self.gate.live_ids():
                self._downlink.discard(subjects.input_of_grant(self.org, self.sid, grant_id))
        if flow is Flow.RUNNING:
            self.restart()
        if flow is not Flow.OVER:
            self._tell(RelayPaused(paused=flow is Flow.PAUSED))

    def _tell(self, message: Message, *, technician_id: str | None = None) -> None:
        for viewer in self._viewers:
            if technician_id in (None, viewer.technician_id):
                viewer.socket.text(message)

    # --- time -------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Tell the agent what it is to know now, and set the timer for what is due later."""
        if self.gate.flow is Flow.RUNNING:
            for grant_id, stream in self._streams.items():
                self._give_credit(grant_id, stream)
        self._beat()
        self._arm()

    def close(self) -> None:
        """The last viewer is gone; what is over by now stays over for the next one."""
        self.apply(self.gate.tick(now=self.now))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_credit(self, grant_id: str, stream: Stream) -> None:
        credit = stream.take(now=self.now)
        if credit is None:
            return
        codecs = self._decodable(grant_id) if credit.shown is None else None
        message = MediaDown(
            grant_id=grant_id,
            shown=credit.shown,
            key_frame=credit.key_frame,
            codecs=codecs,
            monitor=credit.monitor,
        )
        self._downlink.post(subjects.down(self.org, self.sid, subjects.Down.MEDIA), encode(message))

    def _decodable(self, grant_id: str) -> tuple[str, ...]:
        """What all viewers of a grant can decode; nothing, if one of them has not said."""
        said = [viewer.codecs for viewer in self._watching(grant_id)]
        return tuple(sorted(frozenset.intersection(*said))) if said else ()

    def _beat(self) -> None:
        """Whoever holds a key down is still here to let it go: without this word the device does."""
        now = self.now
        technicians = {viewer.technician_id for viewer in self._viewers}
        grants = (self.gate.input_grant(each, "input.alive", now=now) for each in technicians)
        for grant_id in self._beats.take([each for each in grants if each is not None], now=now):
            self.send_input(grant_id, self._alive)

    def _tick(self) -> None:
        self._timer = None
        now = self.now
        stalled = [viewer for viewer in self._viewers if (viewer.lane.stalls_at or now + 1) <= now]
        for viewer in stalled:
            self.shut_out(viewer, STALLED)
        self.apply(self.gate.tick(now=now))

    def _arm(self) -> None:
        due = min((when for when in self._deadlines() if when is not None), default=None)
        if due is None or (self._timer is not None and self._timer.when() <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(max(due, self.now), self._tick)

    def _deadlines(self) -> Iterable[float | None]:
        yield self.gate.deadline()
        yield self._beats.deadline()
        yield from (viewer.lane.stalls_at for viewer in self._viewers)
        if self.gate.flow is Flow.RUNNING:
            yield from (stream.deadline() for stream in self._streams.values())


def reason_of(error: BeistandError) -> Reason:
    """A refusal of ours as a reason to close."""
    return Reason(type(error), Party.SYSTEM)
