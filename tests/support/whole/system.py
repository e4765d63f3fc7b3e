"""The whole product in one hand: device, services and relay on roads that fail, with a clock to turn.

What reaches a viewer or the desktop is held against the oracle the moment it does.
"""

from collections import Counter
from dataclasses import dataclass
from functools import partial

from agent.engine import event as e
from agent.engine.gate import Gate
from agent.engine.grant import Stage
from agent.engine.guard import Standing
from agent.engine.key import DeviceKey
from agent.engine.outbox import Answer as Answered
from agent.port import Answer
from beistand.protocol import frames, signing, subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError
from beistand.protocol.messages import GrantEntry, Lease, RequestState, SessionEntry, SignedUp, encode
from beistand.protocol.records import GENESIS, Decision, Pause
from beistand.protocol.subjects import Up
from services.consent.domain import SLACK
from services.relay.domain import LEASE_S
from tests.support.questions import HASH, ORG, an_id
from tests.support.whole.device import Device, key_seed
from tests.support.whole.network import EPSILON, TRANSIT_S, Network
from tests.support.whole.oracle import NEVER, Oracle, Yes
from tests.support.whole.relay import KEY, Relay, Seat, picture
from tests.support.whole.services import GRANT_LASTS_S, LIMITS, TECHNICIANS, Services, World
from tests.support.whole.store import Job, Work

BOUND_S = LEASE_S + TRANSIT_S
"""How long after the last allowed moment a relay that was told nothing may go on."""
FROZEN_UNTIL_LOST_S = 10.0
AGENT_KEY = DeviceKey(key_seed()).agent_key
STRANGER = bytes(range(32))
SERVICE_OF = {Up.HELLO: "session", Up.ENDED: "session"}


@dataclass(frozen=True)
class Sent:
    """Input as it once went to a device: somebody may keep it and send it again."""

    sid: str
    grant_id: str
    payload: bytes
    sent_at: float


class System:
    """Every part, and everything that can happen to them."""

    def __init__(self) -> None:
        self.now = 100.0
        self.reached: Counter[str] = Counter()
        self.oracle = Oracle()
        self.network = Network(self.reached)
        self.gate = Gate(clock=lambda: self.now)
        self.world = World(
            network=self.network,
            clock=lambda: self.now,
            reached=self._reach,
            down=self._down,
            stored=self._stored,
            kick=self._kick,
        )
        self.services = Services(self.world)
        self.relay = Relay(
            self.world,
            self.services,
            entered=self._check_seat,
            shown=self._shown,
            post=self._posted_to_device,
        )
        self.has_windows = True
        self.is_slow = False
        """Whether everything that has no other time set takes as long as it can on its way."""
        self.asked: dict[str, tuple[str, str, Capability]] = {}
        """Everything ever asked: (session, technician, capability) by request."""
        self.arrived_at: dict[str, float] = {}
        self.kept_input: list[Sent] = []
        self.kept_entries: list[GrantEntry] = []
        """Live grants of sessions that are over."""
        self.seq = 0
        self._next_second = self.now + 1
        self._frozen_since: dict[str, float] = {}
        self._is_reconnecting = False
        self.open_session()

    # --- sessions ---------------------------------------------------------------------------------------

    def open_session(self) -> None:
        """The same person, device key and gate, in a new session."""
        for road in tuple(self.network.cut | self.network.frozen):
            self.mend(road)
        self.has_windows = True
        self.gate.close_all()
        joined = self.services.open(AGENT_KEY)
        self.sid = joined.session_id
        self.device = Device(joined, gate=self.gate, ways=self, clock=lambda: self.now, over=self._over)
        self.settle()

    @property
    def is_over(self) -> bool:
        return self.sid in self.oracle.ended

    # --- the person -------------------------------------------------------------------------------------

    def answer(self, answer: Answer) -> None:
        """The question on screen."""
        questions = self.device.guard.at(Stage.ASKED)
        if not questions:
            return
        self._reach(f"answer {answer}")
        self._click(questions[0].id, answer, is_on_screen=True)

    def click_what_is_gone(self, request_id: str) -> None:
        """An Allow for a question that is not on the screen (any more)."""
        questions = self.device.guard.at(Stage.ASKED)
        if not questions or questions[0].id != request_id:
            self._reach("answer to what is not on screen")
            self._click(request_id, Answer.ALLOW, is_on_screen=False)

    def _click(self, request_id: str, answer: Answer, *, is_on_screen: bool) -> None:
        sid, technician_id, capability = self.asked[request_id]
        is_late = self.now >= self.arrived_at.get(request_id, NEVER) + LIMITS.answer_s
        if answer is Answer.ALLOW and is_on_screen and not is_late and not self.device.is_over:
            yes = Yes(sid, technician_id, capability, over_at=self.now + GRANT_LASTS_S)
            self.oracle.allowed(request_id, yes, self.now)
        if is_late:
            self._reach("answer too late")
        self.device.tell(e.Answered(request_id, answer, HASH, "en"))
        self.look()

    def look(self) -> None:
        """The windows show the bar if it is wanted, and prove it."""
        if self.has_windows and self.device.guard.is_indicator_wanted and not self.device.is_over:
            self.oracle.bar_seen(self.now)
            self.device.tell(e.IndicatorShown())

    def lose_bar(self) -> None:
        self.oracle.bar_lost(self.now)
        self._reach_if("bar lost while live", bool(self.device.guard.live))
        self.device.tell(e.IndicatorLost())

    def stop(self, *capabilities: Capability) -> None:
        self._reach_if("stop control" if capabilities else "stop sharing", bool(self.device.guard.live))
        recording = {request.id for request in self.device.guard.at(Stage.RECORDING)}
        self._reach_if("stopped before it was live", bool(recording))
        self.oracle.stopped(self.now, *capabilities)
        self.device.tell(e.StoppedControl() if capabilities else e.StoppedSharing())

    def ask_end(self) -> None:
        if self.oracle.paused_at is None and not self.device.is_over:
            self._reach_if("pause while live", bool(self.device.guard.live))
            self.oracle.paused(self.now)
            self.device.tell(e.AskedEnd())

    def cancel_end(self) -> None:
        if self.oracle.paused_at is not None:
            self._reach("resume")
            self.oracle.resumed()
            self.device.tell(e.CancelledEnd())

    def confirm_end(self) -> None:
        if not self.device.is_over:
            self._reach("end by the person")
            self._over()
            self.device.tell(e.ConfirmedEnd())

    def crash_device(self) -> None:
        if not self.device.is_over:
            self._reach("device crashed")
            self._over()
            self.device.crash()
            self.network.break_road("control")
            self.services.lost(self.sid)

    def _over(self) -> None:
        self._keep_entries()
        self.oracle.over(self.sid, self.now)

    # --- technicians ------------------------------------------------------------------------------------

    def ask(self, technician_id: str, capability: Capability) -> None:
        self.services.ask(self.sid, technician_id, capability)

    def withdraw(self, request_id: str) -> None:
        self.services.withdraw(self.asked[request_id][0], request_id)

    def end_by_technician(self) -> None:
        self._reach("end by the technician")
        self.services.end(self.sid)

    def type(self, seat: Seat) -> None:
        self.relay.says(seat)

    # --- pictures and input -----------------------------------------------------------------------------

    def capture(self) -> None:
        """A picture under everything the device's gate lets pass."""
        for grant_id in self.gate.live_views():
            with self.gate.capturing(grant_id) as allowed:
                if allowed:
                    self._check_device(grant_id, Capability.VIEW)
                    self._publish_frame(grant_id)

    def publish_regardless(self, grant_id: str) -> None:
        """A device that does not stop: its gate is not asked."""
        self._publish_frame(grant_id)

    def inject(self) -> None:
        """What waits at the device reaches the desktop, if the gate lets it."""
        waited = len(self.device.waiting)
        injected = self.device.inject()
        for typed in injected:
            self._check_device(typed.grant_id, Capability.CONTROL)
            assert not self.device.guard.at(Stage.ASKED), "input while a question is open"
            self._reach("input at the desktop")
        self._reach_if("waiting input dropped", len(injected) < waited)

    def send_input(self, sent: Sent) -> None:
        """Input on its way to whatever device listens now, as it was or never should have been."""
        self.world.send("input", ("relay", "media"), partial(self._take_input, sent))

    def _posted_to_device(self, subject: str, payload: bytes) -> None:
        address = subjects.parse(subject)
        if address.family == "down":
            self.world.send(
                "credit", ("relay", "control"), partial(self._down, address.sid, address.leaf, payload)
            )
            return
        if payload == KEY:
            self.kept_input.append(Sent(address.sid, address.leaf, payload, self.now))
        self.send_input(Sent(address.sid, address.leaf, payload, self.now))

    def _take_input(self, sent: Sent) -> None:
        if not self.device.is_over and sent.payload == KEY:
            let_in = self.device.input(sent.grant_id, sent.payload, sent_at=sent.sent_at)
            self._reach_if("input refused at the device", not let_in)

    def _publish_frame(self, grant_id: str) -> None:
        self.seq += 1
        chunk = picture(grant_id, seq=self.seq, now=self.now)
        sid = self.sid
        self.world.send("frame", ("media", "relay"), lambda: self.relay.frame(sid, grant_id, chunk))

    # --- the invariants ---------------------------------------------------------------------------------

    def _shown(self, seat: Seat, chunk: bytes) -> None:
        self._reach("frame at a viewer")
        grant_id = chunk[frames.HEADER.size :].decode()
        assert seat.viewer is not None
        assert grant_id == seat.viewer.grant.id, "a frame of another grant"
        self._check_relay(seat)

    def check(self) -> None:
        """Whatever would pass right now may pass."""
        for grant_id in self.asked:
            if self.gate.may_capture(grant_id):
                self._check_device(grant_id, Capability.VIEW)
            if self.gate.may_inject(grant_id):
                self._check_device(grant_id, Capability.CONTROL)
                assert not self.device.guard.at(Stage.ASKED), "input while a question is open"
        for seat in self.relay.watching():
            self._check_seat(seat)
        views = {yes.technician_id for id_, yes in self.oracle.yeses.items() if self.gate.may_capture(id_)}
        self._reach_if("two technicians at once", len(views) > 1)

    def _check_seat(self, seat: Seat) -> None:
        room = self.relay.rooms[seat.sid]
        if seat.viewer is not None and room.gate.may_show(seat.viewer.grant.id, now=self.now):
            self._check_relay(seat)

    def _check_device(self, grant_id: str, capability: Capability) -> None:
        """Zero tolerance: the person allows it at this very moment, and it is recorded."""
        sid, technician_id, _ = self.asked[grant_id]
        assert sid == self.sid, "a grant of another session"
        assert self._last(grant_id, technician_id, capability) == self.now, (
            f"{capability} passes at the device"
        )
        assert grant_id in self.services.ledger.recorded, "access before its record"
        if capability is Capability.CONTROL:
            views = [
                request_id
                for request_id, asked in self.asked.items()
                if asked == (sid, technician_id, Capability.VIEW)
                and self._last(request_id, technician_id, Capability.VIEW) == self.now
            ]
            assert views, "control without a view"

    def _check_relay(self, seat: Seat) -> None:
        """The person allows it, or stopped it so lately that a relay nobody could tell may not know."""
        assert seat.viewer is not None
        grant_id, told = seat.viewer.grant.id, self.relay.told
        last = self._last(grant_id, seat.technician_id, Capability.VIEW, sid=seat.sid)
        assert last > NEVER, "a picture without a yes"
        assert grant_id in self.services.ledger.recorded, "access before its record"
        assert told.over.isdisjoint({grant_id, seat.sid}), "the relay was told that this is over"
        assert self.now - max(last, told.met.get(grant_id, NEVER)) < BOUND_S + EPSILON, "no lease ended it"
        if self.oracle.paused_at is not None and seat.sid == self.sid:
            knows = told.pause.get(self.relay.rooms[seat.sid]) == self.oracle.pauses
            assert not knows, "the relay was told of the pause"

    def _last(self, grant_id: str, technician_id: str, capability: Capability, *, sid: str = "") -> float:
        return self.oracle.last_moment(
            grant_id, sid=sid or self.sid, technician_id=technician_id, capability=capability, now=self.now
        )

    # --- the device's ways out (tests.support.whole.device.Ways) ----------------------------------------

    def request(self, verb: Up, message: SignedUp, answered: partial[None], *, second: bool) -> None:
        way, sid, raw = "https" if second else "control", self.sid, encode(message)
        if not second and self.services.is_over(sid) and self.device.is_over:
            return  # kicked: the broker hears nothing of this device any more
        service = SERVICE_OF.get(verb, "consent")

        def reply(answer: Answered) -> None:
            self.world.send("answer", (service, way), partial(answered, answer))

        def heard() -> None:
            self.services.hear(sid, verb, message, reply)

        self.world.send(verb, (way, service), heard)
        if verb in (Up.REVOKED, Up.PAUSE, Up.ENDED):
            pause = self.oracle.pauses if verb is Up.PAUSE and self.oracle.paused_at is not None else 0
            hear = partial(self.relay.hear, sid, verb, raw, pause=pause, posted=second)
            self.world.send(f"{verb} to the relay", (way, "relay"), hear)

    def lease(self, lease: Lease) -> None:
        sid = self.sid
        pause = self.oracle.pauses if lease.paused else 0
        raw = encode(lease)
        self.world.send(
            "lease", ("control", "relay"), lambda: self.relay.hear(sid, Up.LEASE, raw, pause=pause)
        )
        self.world.send(
            "lease", ("control", "session"), lambda: self.services.heard_at.update({sid: self.now})
        )

    # --- what the services cause ------------------------------------------------------------------------

    def _down(self, sid: str, verb: str, data: bytes) -> None:
        if sid != self.sid or self.device.is_over:
            return
        before = set(self.device.guard.requests)
        self.device.down(verb, data)
        for request_id in set(self.device.guard.requests) - before:
            self.arrived_at[request_id] = self.now

    def _stored(self, value: GrantEntry | SessionEntry) -> None:
        if isinstance(value, GrantEntry):
            self.asked[value.request_id] = (value.sid, value.technician_id, value.capability)
            self._reach(f"request {value.state}")
            if value.state is RequestState.LIVE:
                assert value.request_id in self.oracle.yeses, "a grant nobody gave"
                assert self.world.wall() <= value.answer_until + SLACK, "a grant after its time"
                assert value.request_id in self.services.ledger.recorded, "a grant before its record"
            if value.state is RequestState.REVOKED and value.decision_jws is None:
                self._reach("revoke before grant at the consent service")
        self.world.send("stored", ("relay",), lambda: self.relay.store_says(value))

    def _kick(self, sid: str) -> None:
        def gone() -> None:
            if sid == self.sid:
                self.device.end_elsewhere_unknown()

        if sid == self.sid and not self.device.is_over:
            self.world.send("kick", ("control",), gone)

    def _keep_entries(self) -> None:
        for stored in self.services.grants.below(f"{ORG}.{self.sid}"):
            if stored.value.state is RequestState.LIVE:
                self.kept_entries.append(stored.value)

    # --- lies -------------------------------------------------------------------------------------------

    def forge_input(self, request_id: str) -> None:
        """A relay that sends input under whatever grant it likes."""
        self.send_input(Sent(self.sid, request_id, KEY, self.now))

    def lie(self, which: int, how: str) -> None:
        """The store says of this session what no device ever signed so."""
        entries = [stored.value for stored in self.services.grants.below(f"{ORG}.{self.sid}")]
        signed = [entry for entry in entries if entry.decision_jws is not None]
        if how == "old session":
            signed = [entry.model_copy(update={"sid": self.sid}) for entry in self.kept_entries]
        if not signed:
            return
        entry = signed[which % len(signed)]
        other = TECHNICIANS[entry.technician_id == TECHNICIANS[0]]
        changes = {
            "other technician": {"technician_id": other},
            "more": {"capability": Capability.VIEW, "request_id": an_id("more")},
            "forged": {"decision_jws": self._forged(entry), "request_id": entry.request_id},
        }
        lie = entry.model_copy(update={"state": RequestState.LIVE, **changes.get(how, {})})
        self._reach(f"the store lied: {how}")
        self.relay.lies = [lie]
        self.relay.store_says(lie)

    def _forged(self, entry: GrantEntry) -> str:
        """The same decision, signed by somebody else."""
        decision = signing.verify(entry.decision_jws or "", signing.public_key_of_agent(AGENT_KEY), Decision)
        return signing.sign(decision, STRANGER)

    def stranger_resumes(self) -> None:
        """Over HTTPS anybody may speak: a resume that this device never signed."""
        content = {"org": ORG, "sid": self.sid, "seq": 999, "prev": GENESIS, "device_time": self.world.wall()}
        jws = signing.sign(Pause(paused=False, **content), STRANGER)
        raw = encode(SignedUp(type="pause", jws=jws))
        self._reach_if("a stranger resumed a pause", self.oracle.paused_at is not None)
        self.relay.hear(self.sid, Up.PAUSE, raw, pause=0, posted=True)

    # --- roads and crashes ------------------------------------------------------------------------------

    def cut(self, road: str) -> None:
        if road in self.network.cut:
            return
        self._reach(f"cut: {road}")
        self.network.break_road(road)
        self._frozen_since.pop(road, None)
        if road == "control":
            self._lose_line()

    def _lose_line(self) -> None:
        self._reach_if("line lost while live", bool(self.device.guard.live))
        self.oracle.gave_up(self.now)
        self.device.lost()
        self.services.lost(self.sid)

    def freeze(self, road: str) -> None:
        if road not in self.network.cut:
            self._reach(f"frozen: {road}")
            self.network.frozen.add(road)
            self._frozen_since.setdefault(road, self.now)

    def mend(self, road: str) -> None:
        was_cut = road in self.network.cut
        self.network.mend(road)
        self._frozen_since.pop(road, None)
        if was_cut and road == "control":
            self._reconnect()
        if was_cut and road == "relay":
            self._reach("relay came back")
            self._tell_relay_everything()

    def _reconnect(self) -> None:
        if not self.device.is_over:
            self._is_reconnecting = True
            self.services.reconnect(self.sid, AGENT_KEY, self._reconnected)

    def _reconnected(self, result: object) -> None:
        self._is_reconnecting = False
        if "control" in self.network.cut:
            return
        if isinstance(result, BeistandError):
            self._reach("reconnect refused")
            self.device.end_elsewhere_unknown()
            return
        self._reach("reconnect")
        self.device.back()

    def _tell_relay_everything(self) -> None:
        for room in tuple(self.relay.rooms.values()):
            room.restart()
            for bucket in (self.services.sessions, self.services.grants):
                for key, stored in bucket.values.items():
                    if room.sid in key:
                        self.world.send("stored", ("relay",), partial(self.relay.store_says, stored.value))

    def crash(self, name: str) -> None:
        self._reach(f"crash: {name}")
        if name == "relay":
            self._reach_if("relay crashed with viewers", bool(self.relay.watching()))
            self.relay.restart()
        else:
            self.services.crash(name)
            self._is_reconnecting = False

    def close(self) -> None:
        """No coroutine is left behind."""
        self.relay.work.crash()
        for work in self.services.work.values():
            work.crash()

    # --- time -------------------------------------------------------------------------------------------

    def jobs(self) -> list[tuple[Work, Job]]:
        return [*self.services.jobs(), *((self.relay.work, job) for job in self.relay.work.jobs)]

    def settle(self) -> None:
        """Everything that can happen at once happens, in the order of its beginning."""
        for _ in range(2000):
            ready, jobs = self.network.ready(), self.jobs()
            if not ready and not jobs:
                return
            for parcel in ready:
                if parcel in self.network.under_way:
                    self.network.deliver(parcel)
            for work, job in jobs:
                if job in work.jobs:
                    work.step(job)
        raise AssertionError("the system does not come to rest")

    def wait(self, seconds: float) -> None:
        """Time passes; what is due happens at its own moment."""
        end, standing_still = self.now + seconds, 0
        while True:
            due = min((when for when in self._deadlines() if when is not None), default=end)
            if due > end:
                break
            standing_still = 0 if due > self.now else standing_still + 1
            assert standing_still < 100, "something is due for ever"
            self.now = max(self.now, due)
            self._pass()
        self.now = end

    def _deadlines(self) -> list[float | None]:
        device = None if self.device.is_over else self.device.guard.next_deadline
        return [self._next_second, self.network.next_due(), self.relay.next_alarm(), device]

    def _pass(self) -> None:
        self.network.age(self.now)
        self.relay.ring()
        if self.now >= self._next_second:
            self._next_second += 1
            self._second()
        deadline = None if self.device.is_over else self.device.guard.next_deadline
        if deadline is not None and deadline <= self.now:
            self.device.tell(e.Tick())
        self.check()

    def _second(self) -> None:
        """Once a second: proof, lease, sweeps, second tries; services do not take seconds over their work."""
        self._break_frozen_roads()
        if not self.device.is_over:
            self.device.tell(e.Tick())
            self.look()
            self.device.publish_lease()
            self.capture()
            self.inject()
            self.device.outbox.again()
            if (
                not self.device.outbox.is_welcome
                and "control" not in self.network.cut
                and not self._is_reconnecting
            ):
                self._reconnect()
        elif self.device.guard.standing is Standing.OVER and self.device.is_alive:
            self.device.outbox.again()
        for seat in self.relay.watching():
            self.type(seat)
        self.services.tick()
        if self.is_slow:
            self._finish_work()
        else:
            self.settle()

    def _break_frozen_roads(self) -> None:
        """A road that was frozen for too long counts as broken, and its ends are told."""
        for road, since in list(self._frozen_since.items()):
            if self.now - since >= FROZEN_UNTIL_LOST_S:
                self._frozen_since.pop(road)
                self.network.break_road(road)
                if road == "control":
                    self._lose_line()

    def _finish_work(self) -> None:
        for work, job in self.jobs():
            for _ in range(100):
                if job in work.jobs:
                    work.step(job)

    # --- what was reached -------------------------------------------------------------------------------

    def _reach(self, what: str) -> None:
        self.reached[what] += 1

    def _reach_if(self, what: str, condition: bool) -> None:
        if condition:
            self._reach(what)
