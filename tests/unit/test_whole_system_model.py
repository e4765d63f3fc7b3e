"""Whatever happens in whatever order, to all parts together: nothing passes without a yes that holds now.

Device, services and relay are the real ones without sockets and threads (tests/support/whole); an oracle that
knows only what the person did judges every picture and every key. Run by itself, with what was reached:
python -m pytest tests/unit/test_whole_system_model.py -q --log-cli-level=INFO
"""

import logging
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agent.port import Answer
from beistand.protocol.capabilities import Capability
from tests.support.whole.services import GRANT_LASTS_S, LIMITS, TECHNICIANS
from tests.support.whole.system import System

pytestmark = pytest.mark.unit
log = logging.getLogger(__name__)

STEPS = 10_000
LENGTH = 60
RUNS = STEPS // LENGTH + 80
"""Some are cut short; how many depends on what else was imported, whose constants Hypothesis draws from."""
technicians = st.sampled_from(TECHNICIANS)
capabilities = st.sampled_from([Capability.VIEW, Capability.CONTROL])
ROADS = ("control", "media", "relay", "consent", "session")
roads = st.sampled_from(ROADS)
anything = st.integers(0, 10**6)
answers = st.sampled_from([Answer.ALLOW] * 7 + [Answer.DENY] * 2 + [Answer.BLOCK])

acts = st.sampled_from(["stop", "stop", "stop control", "pause", "resume and pause", "end", "lose bar"])

MUST_BE_REACHED = (
    "frame at a viewer",
    "frame refused at the relay",
    "input at the desktop",
    "input refused at the device",
    "revoke before grant",
    "revoke before grant at the consent service",
    "two technicians at once",
    "line lost while live",
    "bar lost while live",
    "pause while live",
    "reconnect",
    "answer too late",
    "request expired",
    "end by the person",
    "crash: relay",
    "crash: consent",
    "device crashed",
    "the store lied: old session",
)

reached: Counter[str] = Counter()


class WholeSystem(RuleBasedStateMachine):
    """Every rule is something a person, a technician, the network or bad luck does."""

    def __init__(self) -> None:
        super().__init__()
        self.system = System()
        self.length = 0

    def teardown(self) -> None:
        reached.update(self.system.reached)
        self.system.close()

    @initialize(views=st.integers(0, 2), is_controlled=st.booleans())
    def begin(self, views: int, is_controlled: bool) -> None:
        """Most stories begin where somebody watches already."""
        for technician in TECHNICIANS[:views]:
            self.go_live(technician, Capability.CONTROL if is_controlled else Capability.VIEW)

    # --- technicians ------------------------------------------------------------------------------------

    @rule(technician=technicians, capability=capabilities)
    def ask(self, technician: str, capability: Capability) -> None:
        self.system.ask(technician, capability)

    @rule(technician=technicians)
    def knock(self, technician: str) -> None:
        """A ticket is shown at the relay's door; it takes its time."""
        if len(self.system.relay.seats) < 4:
            self.system.relay.knock(self.system.sid, technician)

    @rule(technician=technicians)
    def enter(self, technician: str) -> None:
        self.knock(technician)
        self.system.settle()

    @rule(which=anything)
    def leave(self, which: int) -> None:
        if seats := self.system.relay.watching():
            seats[which % len(seats)].is_open = False
            self.system.relay.tidy()

    @rule(which=anything)
    def withdraw(self, which: int) -> None:
        if (request_id := self._some_request(which)) is not None:
            self.system.withdraw(request_id)

    # --- the person -------------------------------------------------------------------------------------

    @rule(answer=answers)
    def answer(self, answer: Answer) -> None:
        self.system.answer(answer)

    @rule(which=anything)
    def answer_what_is_gone(self, which: int) -> None:
        if (request_id := self._some_request(which)) is not None:
            self.system.click_what_is_gone(request_id)

    @rule()
    def stop_sharing(self) -> None:
        self.system.stop()

    @rule()
    def stop_control(self) -> None:
        self.system.stop(Capability.CONTROL)

    @rule()
    def pause_or_resume(self) -> None:
        if self.system.oracle.paused_at is None:
            self.system.ask_end()
        else:
            self.system.cancel_end()

    @precondition(lambda self: self.length > LENGTH // 4)
    @rule(how=st.sampled_from(["person", "technician", "crash"]))
    def end(self, how: str) -> None:
        self.length = 0  # counts from the end on, too
        ends = {
            "person": self.system.confirm_end,
            "technician": self.system.end_by_technician,
            "crash": self.system.crash_device,
        }
        ends[how]()

    @precondition(lambda self: self.system.is_over)
    @rule()
    def next_session(self) -> None:
        self.length = 0
        self.system.open_session()

    @rule(technician=technicians, is_restarted=st.booleans())
    def old_yes_in_a_new_session(self, technician: str, is_restarted: bool) -> None:
        """What was allowed a moment ago is brought again, where the same device is in another session."""
        self.system.confirm_end()
        self.next_session()
        if is_restarted:
            self.system.crash("relay")
        for which in range(len(self.system.kept_entries)):
            self.system.lie(-1 - which, "old session")
            self.enter(technician)
        self.go_live(technician, Capability.VIEW)

    @rule(what=st.sampled_from(["seen", "lost", "windows hang"]))
    def bar(self, what: str) -> None:
        self.system.has_windows = what != "windows hang"
        if what == "seen":
            self.system.look()
        if what == "lost":
            self.system.lose_bar()

    # --- often enough to be found: chance alone rarely gets this far ------------------------------------

    @rule(technician=technicians, capability=capabilities)
    def go_live(self, technician: str, capability: Capability) -> None:
        """All quiet: asked, allowed, watched."""
        system = self.system
        self.quieten()
        needed = [Capability.VIEW, Capability.CONTROL][: 1 + (capability is Capability.CONTROL)]
        for each in needed:
            system.ask(technician, each)
            system.settle()
            system.answer(Answer.ALLOW)
            system.settle()
        self.enter(technician)
        system.wait(1.0)

    def quieten(self) -> None:
        """Somebody sits there, all roads are good, and nothing is asked."""
        system = self.system
        if system.is_over:
            self.next_session()
        system.cancel_end()
        self.mend_all()
        system.is_slow, system.has_windows = False, True
        system.look()
        system.settle()
        for _ in range(5):
            system.answer(Answer.DENY)

    @rule(technician=technicians)
    def allow_and_stop(self, technician: str) -> None:
        """The yes and the stop race each other through the network and the services."""
        self.knock(technician)
        self.system.ask(technician, Capability.VIEW)
        self.system.settle()
        self.system.answer(Answer.ALLOW)
        self.system.stop()

    @rule(technician=technicians, steps=st.integers(1, 6), act=acts)
    def act_while_entering(self, technician: str, steps: int, act: str) -> None:
        """Somebody comes in just then; the relay hears of it in the middle of letting them in."""
        self.knock(technician)
        for _ in range(steps):
            self._step_relay()
        self._act(act)
        self._tell_relay()
        for _ in range(8):
            self._step_relay()

    @precondition(lambda self: self.length > LENGTH // 4)
    @rule(technician=technicians, steps=st.integers(1, 6), is_overtaken=st.booleans())
    def end_before_its_grant(self, technician: str, steps: int, is_overtaken: bool) -> None:
        """A relay hears of the end while it first looks at a grant; older words may come last."""
        self.go_live(technician, Capability.VIEW)
        self.crash("relay")
        self.knock(technician)
        for _ in range(steps):
            self._step_relay()
        self._pause_anew()
        self.system.cancel_end()
        self.system.confirm_end()
        self._tell_relay(is_overtaken=is_overtaken)
        for _ in range(8):
            self._step_relay()

    @precondition(lambda self: self.length > LENGTH // 4)
    @rule(is_first=st.booleans())
    def end_only_the_relay_heard_of(self, is_first: bool) -> None:
        """The room in which it was heard is closed again, and the store knows nothing of it yet."""
        technician, other = TECHNICIANS if is_first else reversed(TECHNICIANS)
        self.go_live(technician, Capability.VIEW)
        self.crash("relay")
        self.system.freeze("session")
        self.knock(other)
        for _ in range(4):
            self._step_relay()
        self.system.confirm_end()
        self._tell_relay()
        self.system.settle()
        self.enter(technician)

    @rule(technician=technicians, seconds=st.sampled_from([4.0, 6.0]))
    def yes_held_up(self, technician: str, seconds: float) -> None:
        """Said in the last second, and heard by the consent service when its time is over."""
        system = self.system
        self.quieten()
        system.stop()
        system.wait(1.5)
        system.ask(technician, Capability.VIEW)
        system.settle()
        system.wait(LIMITS.answer_s - 1.0)
        system.freeze("consent")
        system.answer(Answer.ALLOW)
        system.wait(seconds)
        system.mend("consent")
        system.wait(2.0)

    @rule(road=st.sampled_from(["control", "relay"]), what=st.sampled_from(["cut", "freeze"]), act=acts)
    def act_in_silence(self, road: str, what: str, act: str) -> None:
        """The relay cannot be told in time, or at all."""
        if (road, what) == ("control", "cut"):
            self.go_live(TECHNICIANS[0], Capability.VIEW)
        self.road(road, what)
        self._act(act)
        self.system.wait(6.0)

    @rule(act=acts, seconds=st.sampled_from([0.5, 1.5, 2.5]))
    def act_on_slow_roads(self, act: str, seconds: float) -> None:
        """What was sent before arrives after it."""
        self.system.is_slow = True
        self.system.wait(1.0)
        self._act(act)
        for _ in range(2):
            self.system.wait(seconds)
            self.system.is_slow = False

    def _act(self, act: str) -> None:
        acts = {
            "stop": self.system.stop,
            "stop control": lambda: self.system.stop(Capability.CONTROL),
            "pause": self.system.ask_end,
            "resume and pause": self._pause_anew,
            "end": self.system.confirm_end if self.length > LENGTH // 6 else self.system.stop,
            "lose bar": self.system.lose_bar,
        }
        acts[act]()

    def _pause_anew(self) -> None:
        self.system.cancel_end()
        self.system.ask_end()

    def _tell_relay(self, *, is_overtaken: bool = False) -> None:
        """The device's records arrive there, before anything else does."""
        network = self.system.network
        told = [parcel for parcel in network.ready() if parcel.what.endswith("to the relay")]
        for parcel in reversed(told) if is_overtaken else told:
            network.deliver(parcel)

    def _step_relay(self) -> None:
        work = self.system.relay.work
        if work.jobs:
            work.step(work.jobs[-1])

    # --- pictures and input -----------------------------------------------------------------------------

    @rule(is_quick=st.booleans())
    def capture(self, is_quick: bool) -> None:
        self.system.capture()
        if is_quick:
            self.system.settle()

    @rule(which=anything, is_quick=st.booleans())
    def type(self, which: int, is_quick: bool) -> None:
        """A key in a browser; quick, it is at the desktop at once."""
        if seats := self.system.relay.watching():
            self.system.type(seats[which % len(seats)])
        if is_quick:
            self.system.settle()
            self.system.inject()

    @rule(which=anything)
    def publish_regardless(self, which: int) -> None:
        if (request_id := self._some_request(which)) is not None:
            self.system.publish_regardless(request_id)

    @rule()
    def inject(self) -> None:
        self.system.inject()

    @rule(which=anything)
    def send_again(self, which: int) -> None:
        if kept := self.system.kept_input:
            self.system.reached["old input sent again"] += 1
            self.system.send_input(kept[which % len(kept)])

    @rule(which=anything)
    def type_under_any_grant(self, which: int) -> None:
        if (request_id := self._some_request(which)) is not None:
            self.system.forge_input(request_id)

    # --- lies -------------------------------------------------------------------------------------------

    @rule(
        which=anything,
        how=st.sampled_from(["other technician", "more", "old session", "alive again", "forged"]),
    )
    def store_lies(self, which: int, how: str) -> None:
        self.system.lie(which, how)
        if which % 2:
            self.enter(TECHNICIANS[which // 2 % 2])

    @rule()
    def stranger_resumes(self) -> None:
        self.system.stranger_resumes()

    # --- the network and bad luck -----------------------------------------------------------------------

    @rule()
    def settle(self) -> None:
        self.system.settle()

    @rule(which=anything)
    def deliver(self, which: int) -> None:
        if ready := self.system.network.ready():
            self.system.network.deliver(ready[which % len(ready)])

    @rule(which=anything, is_lost=st.booleans())
    def lose_or_double(self, which: int, is_lost: bool) -> None:
        if under_way := self.system.network.under_way:
            happen = self.system.network.lose if is_lost else self.system.network.double
            happen(under_way[which % len(under_way)])

    @rule(which=anything, steps=st.integers(1, 8))
    def work(self, which: int, steps: int) -> None:
        jobs = self.system.jobs()
        if jobs:
            work, job = jobs[which % len(jobs)]
            for _ in range(steps):
                if job in work.jobs:
                    work.step(job)

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.5, 3.0, 3.5, 6.0]))
    def wait(self, seconds: float) -> None:
        self.system.wait(seconds)
        if self.system.is_over and self.length > 5:
            self.go_live(TECHNICIANS[0], Capability.CONTROL)

    @precondition(lambda self: self.length > LENGTH // 6)
    @rule(seconds=st.sampled_from([12.0, 35.0, 61.0]))
    def wait_long(self, seconds: float) -> None:
        if seconds > GRANT_LASTS_S:
            self.go_live(TECHNICIANS[0], Capability.VIEW)
        self.system.wait(seconds)

    @rule(is_slow=st.booleans())
    def pace(self, is_slow: bool) -> None:
        self.system.is_slow = is_slow

    @rule(road=roads, what=st.sampled_from(["cut", "freeze", "mend"]))
    def road(self, road: str, what: str) -> None:
        {"cut": self.system.cut, "freeze": self.system.freeze, "mend": self.system.mend}[what](road)

    @rule()
    def mend_all(self) -> None:
        for road in ROADS:
            self.system.mend(road)

    @rule(name=st.sampled_from(["relay", "consent", "session"]))
    def crash(self, name: str) -> None:
        self.system.crash(name)

    @rule(trouble=st.sampled_from(["not stored", "stored, not told"]))
    def ledger_fails(self, trouble: str) -> None:
        self.system.services.ledger.trouble = trouble

    # --- what must hold ---------------------------------------------------------------------------------

    @invariant()
    def nothing_passes_without_a_yes_that_holds(self) -> None:
        self.length += 1
        reached["steps"] += 1
        self.system.check()

    @invariant()
    def after_the_end_there_is_nothing(self) -> None:
        if self.system.is_over:
            assert not self.system.gate.live_views()
            assert not self.system.device.lease.grant_ids or self.system.device.is_over
            assert not self.system.device.guard.live or not self.system.device.is_alive

    def _some_request(self, which: int) -> str | None:
        asked = list(self.system.asked)
        return asked[-1 - which % len(asked)] if asked else None


def test_nothing_passes_without_a_yes_whatever_happens(
    record_property: Callable[[str, object], None],
) -> None:
    """At least 10,000 steps, the same ones every time, and all that matters was reached in them."""
    reached.clear()
    run_state_machine_as_test(
        WholeSystem,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=LENGTH,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    for what, count in sorted(reached.items()):
        log.info("%6d  %s", count, what)
    record_property("reached", dict(reached))
    assert reached["steps"] >= STEPS
    assert [what for what in MUST_BE_REACHED if not reached[what]] == []
