"""Whatever happens in whatever order: nothing passes the gate without a yes that holds in this very moment.

The model knows only what a person would say must be true; it shares no code with guard and gate.
"""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.engine import event as e
from agent.engine.desk import Desk
from agent.engine.gate import Gate
from agent.engine.grant import Stage
from agent.engine.guard import Guard
from agent.port import Answer
from beistand.protocol.capabilities import Capability
from beistand.protocol.records import Outcome
from tests.support.questions import ORG, SID, an_id, answered, asked, recorded

pytestmark = pytest.mark.unit

NAMES = ("tina's view", "tina's control", "bob's view", "bob's control")
names = st.sampled_from(NAMES)
DURATION_S = 60


@dataclass
class Story:
    """What the person knows of one question."""

    allowed: bool = False
    signed: bool = False
    recorded: bool = False
    allowed_at: float = 0.0
    over: bool = False


@dataclass
class World:
    """What the person knows of the session."""

    stories: dict[str, Story] = field(default_factory=dict)
    bar_is_visible: bool = False
    is_paused: bool = False
    is_ended: bool = False
    now: float = 0.0

    def may(self, name: str) -> bool:
        """Whether this access may be in use right now."""
        story = self.stories.get(name)
        if story is None or story.over or not (story.allowed and story.signed and story.recorded):
            return False
        if self.is_paused or self.is_ended or not self.bar_is_visible:
            return False
        return self.now < story.allowed_at + DURATION_S


class DeskMachine(RuleBasedStateMachine):
    """Events in any order against a real desk with a real gate."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.gate = Gate(clock=lambda: self.world.now)
        guard = Guard(ORG, SID, "en")
        self.desk = Desk(guard, self.gate, clock=lambda: self.world.now, changed=lambda: None)
        self.round = 0
        self.names = dict.fromkeys(NAMES, "")

    def _tell(self, event: e.Event) -> None:
        self.desk.tell(event)
        for effect in self.desk.take():
            if isinstance(effect, e.SignDecision) and effect.outcome is Outcome.GRANTED:
                story = self.world.stories[self._name_of(effect.request.id)]
                assert story.allowed, "signed a yes that nobody gave"
                assert self.world.bar_is_visible, "signed a yes without the indicator"
                story.signed = True

    def _name_of(self, request_id: str) -> str:
        return next(name for name in self.world.stories if an_id(name) == request_id)

    @rule(name=names)
    def ask(self, name: str) -> None:
        self.round += 1
        self.names[name] = f"{name} {self.round}"
        who, what = name.split("'s ")
        self.world.stories.setdefault(self.names[name], Story())
        self._tell(
            asked(
                self.names[name],
                technician_id=an_id(who),
                capability=Capability(what),
                duration_s=DURATION_S,
            )
        )

    @rule(answer=st.sampled_from(Answer))
    def answer(self, answer: Answer) -> None:
        """The question on screen is answered."""
        questions = self.desk.guard.at(Stage.ASKED)
        if questions:
            name = self._name_of(questions[0].id)
            story = self.world.stories[name]
            if answer is Answer.ALLOW:
                story.allowed, story.allowed_at = True, self.world.now
            self._tell(answered(name, answer))

    @rule(name=names)
    def answer_what_is_not_on_screen(self, name: str) -> None:
        questions = self.desk.guard.at(Stage.ASKED)
        if not questions or questions[0].id != an_id(self.names[name]):
            self._tell(answered(self.names[name]))

    @rule(name=names)
    def entry(self, name: str) -> None:
        story = self.world.stories.get(self.names[name])
        if story is not None and story.signed:
            story.recorded = True
        self._tell(recorded(self.names[name]))

    @rule(name=names)
    def ask_and_allow(self, name: str) -> None:
        """Common enough to be found often: chance alone rarely gets this far."""
        self.end_question(is_open=False)
        while self.desk.guard.at(Stage.ASKED):
            self.answer(Answer.DENY)
        self.ask(name)
        self.answer(Answer.ALLOW)

    @rule(name=names)
    def go_all_the_way(self, name: str) -> None:
        self.ask_and_allow(name)
        self.bar_appears()
        self.entry(name)

    @rule(name=names, kind=st.sampled_from([e.Refused, e.Unproven, e.Withdrawn, e.OverElsewhere]))
    def taken_away(self, name: str, kind: type[e.Refused]) -> None:
        self._tell(kind(an_id(self.names[name])))
        story = self.world.stories.get(self.names[name])
        # The services' word on a yes that was not sent, or is recorded already, means nothing.
        counts = story and ((story.signed and not story.recorded) or kind in (e.Withdrawn, e.OverElsewhere))
        if story and counts and story.allowed:
            story.over = True

    @rule()
    def bar_appears(self) -> None:
        self.world.bar_is_visible = True
        self._tell(e.IndicatorShown())

    @rule()
    def bar_vanishes(self) -> None:
        self._lose_bar()
        self._tell(e.IndicatorLost())

    @rule(seconds=st.sampled_from([0.5, 3.0, 20.0]))
    def time_goes_by_under_the_bar(self, seconds: float) -> None:
        """Proven every half second, as the windows do."""
        for _ in range(round(seconds / 0.5) if self.world.bar_is_visible else 0):
            self.world.now += 0.5
            self._tell(e.IndicatorShown())

    def _lose_bar(self) -> None:
        self.world.bar_is_visible = False
        for story in self.world.stories.values():
            story.over |= story.signed

    @rule(what=st.sampled_from(["everything", "control", "connection"]))
    def stop(self, what: str) -> None:
        event = {
            "everything": e.StoppedSharing(),
            "control": e.StoppedControl(),
            "connection": e.Disconnected(),
        }
        self._tell(event[what])
        for name, story in self.world.stories.items():
            is_meant = what != "control" or "control" in name
            story.over |= is_meant and (story.signed if what == "connection" else story.allowed)

    @rule(is_open=st.booleans())
    def end_question(self, is_open: bool) -> None:
        self.world.is_paused = is_open
        self._tell(e.AskedEnd() if is_open else e.CancelledEnd())

    @precondition(lambda self: self.round > 12)
    @rule(event=st.sampled_from([e.ConfirmedEnd(), e.EndedElsewhere()]))
    def end(self, event: e.Event) -> None:
        self.world.is_ended = True
        self._tell(event)

    @rule(seconds=st.sampled_from([3.0, 20.0, 61.0]))
    def time_goes_by_without_a_proof(self, seconds: float) -> None:
        """The windows hang longer than a proof lasts."""
        self.world.now += seconds
        self._lose_bar()
        self._tell(e.Tick())

    @invariant()
    def nothing_passes_without_a_yes_that_holds_now(self) -> None:
        for name in self.world.stories:
            view, control = self.gate.may_capture(an_id(name)), self.gate.may_inject(an_id(name))
            assert not (view or control) or self.world.may(name)
            assert not view or "view" in name
            assert not control or "control" in name
            if control:
                who = name.split("'s ")[0]
                assert any(
                    self.world.may(other) for other in self.world.stories if other.startswith(f"{who}'s view")
                )

    @invariant()
    def the_lease_names_only_what_holds(self) -> None:
        by_id = {an_id(name): name for name in self.world.stories}
        for grant_id in self.desk.guard.live:
            story = self.world.stories[by_id[grant_id]]
            assert story.recorded
            assert not story.over

    @invariant()
    def no_input_while_a_question_is_open(self) -> None:
        if self.desk.guard.at(Stage.ASKED):
            assert not any(self.gate.may_inject(an_id(name)) for name in self.world.stories)

    @invariant()
    def the_bar_is_wanted_before_and_while_anything_is_live(self) -> None:
        passing = any(self.gate.is_open(an_id(name)) for name in self.world.stories)
        assert not passing or self.desk.guard.is_indicator_wanted


TestDesk = DeskMachine.TestCase
TestDesk.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)


def test_the_model_can_reach_access() -> None:
    """The machine above would be empty if nothing ever passed."""
    machine = DeskMachine()
    machine.go_all_the_way("tina's view")
    machine.go_all_the_way("tina's control")
    assert machine.gate.live_views() == (an_id(machine.names["tina's view"]),)
    assert machine.gate.may_inject(an_id(machine.names["tina's control"]))
