"""What every event does to the session on the device, told as conversations."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.engine import event as e
from agent.engine.grant import Stage
from agent.engine.guard import PROOF_LASTS_S, Guard, Mandate, Standing
from agent.engine.ruling import ENTRY_WITHIN_S, INDICATOR_WITHIN_S, MAX_OPEN, NO_TEXT, STANDINGS, apply
from agent.port import Answer, Notice
from beistand.protocol.capabilities import OFFERED, Capability
from beistand.protocol.records import Cause, DecidedBy, Outcome
from beistand.protocol.terms import Terms
from tests.support.questions import HASH, NOW, ORG, SID, an_id, answered, asked, recorded

pytestmark = pytest.mark.unit


class Talk:
    """A guard and everything it wanted done, so that a test reads like a protocol trace.

    Summaries of use come last and are noted apart, by the request's name.
    """

    def __init__(self) -> None:
        self.guard = Guard(ORG, SID, "en")
        self.now = 0.0
        self.windows_answer = True
        self.summed_up: list[str] = []

    def __call__(self, *events: e.Event, after: float = 0.0) -> list[e.Effect]:
        effects = self._pass(after)
        for event in events:
            self.guard, more = apply(self.guard, event, now=self.now)
            effects += more
        return self._note_summaries(effects)

    def _note_summaries(self, effects: list[e.Effect]) -> list[e.Effect]:
        summaries = [effect for effect in effects if isinstance(effect, e.SignActivity)]
        self.summed_up += [effect.request.id for effect in summaries]
        assert effects[len(effects) - len(summaries) :] == summaries, "a summary before something else"
        return effects[: len(effects) - len(summaries)]

    def _pass(self, seconds: float) -> list[e.Effect]:
        """Time passes, in which the windows go on proving the bar as long as they answer."""
        until, effects = self.now + seconds, list[e.Effect]()
        while self.windows_answer and self.guard.is_indicator_visible and self.now + 1 < until:
            self.now += 1
            self.guard, more = apply(self.guard, e.IndicatorShown(), now=self.now)
            effects += more
        self.now = until
        return effects

    def stage(self, name: str) -> Stage:
        return self.guard.requests[an_id(name)].stage

    def goes_live(self, name: str = "view", **changes: Any) -> None:
        self(asked(name, **changes), answered(name), e.IndicatorShown(), recorded(name))
        assert self.stage(name) is Stage.LIVE

    def goes_live_with_control(self) -> None:
        self.goes_live()
        self.goes_live("control", capability=Capability.CONTROL)


@pytest.fixture
def talk() -> Talk:
    return Talk()


def _decisions(effects: list[e.Effect]) -> list[tuple[Outcome, DecidedBy, bool]]:
    signed = [effect for effect in effects if isinstance(effect, e.SignDecision)]
    return [(effect.outcome, effect.decided_by, effect.blocks) for effect in signed]


YES = (Outcome.GRANTED, DecidedBy.PERSON, False)
NO = (Outcome.DENIED, DecidedBy.PERSON, False)
NO_BY_POLICY = (Outcome.DENIED, DecidedBy.POLICY, False)


def test_a_yes_goes_live_after_indicator_and_entry(talk: Talk) -> None:
    assert talk(asked()) == [e.HoldInput(an_id("view"))]
    assert talk(answered()) == [e.ReleaseInput(an_id("view"))]
    assert talk.guard.is_indicator_wanted
    assert _decisions(talk(e.IndicatorShown())) == [YES]
    assert talk.guard.live == ()
    [opened] = talk(recorded())
    assert isinstance(opened, e.OpenGrant)
    assert talk.guard.live == (an_id("view"),)


def test_with_the_indicator_there_already_the_yes_is_signed_at_once(talk: Talk) -> None:
    talk.goes_live()
    talk(asked("control", capability=Capability.CONTROL))
    assert _decisions(talk(answered("control"))) == [YES]


def test_no_indicator_is_a_no_by_policy(talk: Talk) -> None:
    talk(asked(), answered())
    assert talk(e.Tick(), after=INDICATOR_WITHIN_S - 0.1) == []
    effects = talk(e.Tick(), after=0.1)
    assert _decisions(effects) == [NO_BY_POLICY]
    assert e.Tell(Notice.INDICATOR_LOST) in effects
    assert talk(e.IndicatorShown(), recorded()) == []


def test_no_answer_is_a_no_by_timeout(talk: Talk) -> None:
    talk(asked(answer_within_s=5))
    [release, decision] = talk(e.Tick(), after=5)
    assert release == e.ReleaseInput(an_id("view"))
    assert isinstance(decision, e.SignDecision)
    assert (decision.outcome, decision.decided_by) == (Outcome.TIMED_OUT, DecidedBy.TIMEOUT)
    assert decision.request.text_hash == NO_TEXT


def test_a_yes_after_the_deadline_is_no_yes(talk: Talk) -> None:
    talk(asked(answer_within_s=5), e.IndicatorShown())
    effects = talk(answered(), after=5)
    assert _decisions(effects) == [(Outcome.TIMED_OUT, DecidedBy.TIMEOUT, False)]


def test_no_entry_takes_the_yes_back(talk: Talk) -> None:
    talk(asked(), answered(), e.IndicatorShown())
    effects = talk(e.Tick(), after=ENTRY_WITHIN_S)
    assert effects == [e.SignRevocation((an_id("view"),), Cause.LEASE_LOST)]
    assert talk(recorded()) == []


def test_an_entry_that_proves_nothing_takes_the_yes_back(talk: Talk) -> None:
    talk(asked(), answered(), e.IndicatorShown())
    assert talk(e.Unproven(an_id("view"))) == [e.SignRevocation((an_id("view"),), Cause.LEASE_LOST)]
    assert talk(recorded()) == []


def test_windows_that_hang_lose_the_grant(talk: Talk) -> None:
    talk.goes_live()
    talk.windows_answer = False
    assert talk(e.Tick(), after=PROOF_LASTS_S - 0.1) == []
    assert talk.guard.next_deadline == PROOF_LASTS_S
    effects = talk(e.Tick(), after=0.1)
    assert e.SignRevocation((an_id("view"),), Cause.INDICATOR_LOST) in effects
    assert talk.stage("view") is Stage.OVER


def test_a_yes_needs_a_fresh_proof(talk: Talk) -> None:
    talk(e.IndicatorShown())
    talk.windows_answer = False
    effects = talk(asked("view"), answered("view"), after=PROOF_LASTS_S)
    assert _decisions(effects) == []


@pytest.mark.parametrize("event", [e.StoppedSharing(), e.IndicatorLost(), e.Disconnected()])
def test_a_stop_between_yes_and_entry_wins(talk: Talk, event: e.Event) -> None:
    talk(asked(), answered(), e.IndicatorShown())
    effects = talk(event)
    assert [type(effect) for effect in effects if not isinstance(effect, e.Tell)] == [e.SignRevocation]
    assert talk(recorded()) == []
    assert talk.guard.live == ()


def test_a_refused_yes_goes_nowhere(talk: Talk) -> None:
    talk(asked(), answered(), e.IndicatorShown())
    assert talk(e.Refused(an_id("view"))) == [e.Tell(Notice.REQUEST_WITHDRAWN)]
    assert talk(recorded()) == []


def test_deny_and_block(talk: Talk) -> None:
    talk(asked("first"))
    assert _decisions(talk(answered("first", Answer.DENY))) == [NO]
    talk(asked("second"))
    assert _decisions(talk(answered("second", Answer.BLOCK))) == [(Outcome.DENIED, DecidedBy.PERSON, True)]
    assert _decisions(talk(asked("third"))) == [(Outcome.DENIED, DecidedBy.POLICY, True)]
    assert talk.stage("third") is Stage.OVER


def test_only_the_question_on_screen_can_be_allowed(talk: Talk) -> None:
    talk(asked("first"), asked("second", technician_id=an_id("Bob")), e.IndicatorShown())
    assert talk(answered("second")) == []
    assert _decisions(talk(answered("second", Answer.DENY))) == [NO]


@pytest.mark.parametrize(
    "changes",
    [{"sid": an_id("another session")}, {"org": "other"}],
)
def test_a_question_for_another_session_is_not_even_shown(talk: Talk, changes: dict[str, Any]) -> None:
    assert talk(asked(**changes)) == []
    assert talk.guard.requests == {}


def test_a_question_told_again_changes_nothing(talk: Talk) -> None:
    talk(asked())
    assert talk(asked()) == []
    talk(answered(answer=Answer.DENY))
    assert talk(asked()) == []
    assert talk.stage("view") is Stage.OVER


def test_unknown_questions_have_no_answer(talk: Talk) -> None:
    for event in (answered("never"), recorded("never"), e.Refused(an_id("x")), e.Withdrawn(an_id("x"))):
        assert talk(e.IndicatorShown(), event) == []


@pytest.mark.parametrize(
    ("before", "question"),
    [
        ([], asked("more", capability=Capability.UNATTENDED)),
        ([], asked("more", capability=Capability.CONTROL)),
        ([asked("first")], asked("more")),
        ([asked(str(i), technician_id=an_id(str(i))) for i in range(MAX_OPEN)], asked("more")),
    ],
    ids=["unattended without terms", "control without view", "the same again", "too many"],
)
def test_what_the_person_is_not_bothered_with(talk: Talk, before: list[e.Event], question: e.Asked) -> None:
    talk(*before)
    assert _decisions(talk(question)) == [NO_BY_POLICY]


def test_stop_sharing_ends_view_and_control_in_one_revocation(talk: Talk) -> None:
    talk.goes_live_with_control()
    [closing, revocation, notice] = talk(e.StoppedSharing())
    assert isinstance(closing, e.CloseGrants)
    assert set(closing.grant_ids) == {an_id("view"), an_id("control")}
    assert revocation == e.SignRevocation(closing.grant_ids, Cause.STOP_SHARING)
    assert notice == e.Tell(Notice.SHARING_STOPPED)
    assert talk(e.StoppedSharing()) == []


def test_stop_control_leaves_the_view(talk: Talk) -> None:
    talk.goes_live_with_control()
    effects = talk(e.StoppedControl())
    assert effects[0] == e.CloseGrants((an_id("control"),))
    assert talk.guard.live == (an_id("view"),)


def test_control_ends_with_its_view_and_only_its(talk: Talk) -> None:
    talk.goes_live_with_control()
    talk.goes_live("bobs", technician_id=an_id("Bob"))
    effects = talk(e.Withdrawn(an_id("view")))
    assert effects[0] == e.CloseGrants((an_id("view"), an_id("control")))
    assert e.SignRevocation((an_id("view"),), Cause.TECHNICIAN) in effects
    assert e.SignRevocation((an_id("control"),), Cause.VIEW_ENDED) in effects
    assert talk.guard.live == (an_id("bobs"),)


def test_an_open_question_for_control_ends_with_the_view(talk: Talk) -> None:
    talk.goes_live()
    talk(asked("control", capability=Capability.CONTROL))
    effects = talk(e.StoppedSharing())
    assert _decisions(effects) == [NO_BY_POLICY]
    assert e.ReleaseInput(an_id("control")) in effects


def test_a_grant_ends_by_itself(talk: Talk) -> None:
    talk.goes_live(duration_s=60)
    assert talk.guard.requests[an_id("view")].deadline == 60
    effects = talk(e.Tick(), after=60)
    assert effects[:2] == [
        e.CloseGrants((an_id("view"),)),
        e.SignRevocation((an_id("view"),), Cause.EXPIRED),
    ]


@pytest.mark.parametrize(("server_s", "lasts"), [(30, 30), (999_999, 3600)])
def test_the_service_can_shorten_a_grant_but_never_prolong_it(
    talk: Talk, server_s: int, lasts: float
) -> None:
    talk(asked(), answered(), e.IndicatorShown(), recorded(lasts_s=server_s))
    assert talk.guard.requests[an_id("view")].deadline == lasts


def test_the_end_question_pauses_everything(talk: Talk) -> None:
    talk.goes_live()
    assert talk(e.AskedEnd()) == [e.PausePassage(), e.SignPause(paused=True)]
    assert talk.guard.spendable(an_id("view")) == frozenset()
    assert talk(e.AskedEnd()) == []
    assert talk(e.CancelledEnd()) == [e.ResumePassage(), e.SignPause(paused=False)]
    assert talk.guard.spendable(an_id("view")) == {Capability.VIEW}


def test_a_confirmed_end_closes_everything_first_and_is_signed(talk: Talk) -> None:
    talk.goes_live_with_control()
    talk(asked("more", technician_id=an_id("Bob")), e.AskedEnd())
    effects = talk(e.ConfirmedEnd())
    assert effects == [
        e.CloseGrants((an_id("view"), an_id("control"))),
        e.ReleaseInput(an_id("more")),
        e.CloseEverything(),
        e.SignEnd(Cause.END_SESSION),
    ]


def test_ended_elsewhere_signs_nothing(talk: Talk) -> None:
    talk.goes_live()
    assert talk(e.EndedElsewhere()) == [e.CloseGrants((an_id("view"),)), e.CloseEverything()]


ENDINGS = [
    e.StoppedSharing(),
    e.IndicatorLost(),
    e.Disconnected(),
    e.Withdrawn(an_id("view")),
    e.OverElsewhere(an_id("view")),
    e.ConfirmedEnd(),
    e.EndedElsewhere(),
]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda event: type(event).__name__)
def test_however_a_grant_ends_its_use_is_summed_up_once_and_last(talk: Talk, ending: e.Event) -> None:
    talk.goes_live_with_control()
    assert talk.summed_up == []
    talk(ending)
    assert sorted(talk.summed_up) == sorted([an_id("view"), an_id("control")])
    talk(ending, *ENDINGS, e.Tick(), after=9999)
    assert len(talk.summed_up) == 2


@pytest.mark.parametrize(
    "ending",
    [*ENDINGS, e.Unproven(an_id("view")), e.Refused(an_id("view"))],
    ids=lambda event: str(event)[:12],
)
def test_a_yes_that_never_went_live_is_summed_up_too(talk: Talk, ending: e.Event) -> None:
    talk(asked(), answered(), e.IndicatorShown(), ending)
    expected = [] if talk.stage("view") is Stage.RECORDING else [an_id("view")]
    assert talk.summed_up == expected


def test_what_was_never_allowed_has_no_use(talk: Talk) -> None:
    talk(asked(), answered(answer=Answer.DENY))
    talk(asked("more"), e.ConfirmedEnd())
    assert talk.summed_up == []


def test_after_the_end_nothing_happens_any_more(talk: Talk) -> None:
    talk(asked("open"), e.ConfirmedEnd())
    over = talk.guard
    everything = [
        *(asked("late"), answered("open"), recorded("open"), e.IndicatorShown(), e.IndicatorLost()),
        *(e.StoppedSharing(), e.AskedEnd(), e.CancelledEnd(), e.ConfirmedEnd(), e.EndedElsewhere()),
        *(e.Disconnected(), e.Tick(), e.LanguageSet("de")),
    ]
    assert talk(*everything, after=9999) == []
    assert talk.guard == over


def test_nothing_leads_out_of_over() -> None:
    assert not [standing for standing, _ in STANDINGS if standing is Standing.OVER]


def test_a_lost_connection_ends_what_is_live_and_keeps_the_question(talk: Talk) -> None:
    talk.goes_live()
    talk(asked("more", technician_id=an_id("Bob")))
    effects = talk(e.Disconnected())
    assert effects == [
        e.CloseGrants((an_id("view"),)),
        e.SignRevocation((an_id("view"),), Cause.LEASE_LOST),
    ]
    assert talk.stage("more") is Stage.ASKED


def test_what_the_services_hold_for_over_is_over(talk: Talk) -> None:
    talk.goes_live()
    talk(asked("more", technician_id=an_id("Bob")))
    assert e.CloseGrants((an_id("view"),)) in talk(e.OverElsewhere(an_id("view")))
    assert _decisions(talk(e.OverElsewhere(an_id("more"))))[0][0] is Outcome.TIMED_OUT


def test_what_input_may_spend(talk: Talk) -> None:
    talk.goes_live_with_control()
    both = {Capability.VIEW, Capability.CONTROL}
    assert talk.guard.spendable(an_id("control")) == both
    assert talk.guard.spendable(an_id("view")) == {Capability.VIEW}
    assert talk.guard.spendable(an_id("unknown")) == frozenset()
    talk(e.StoppedControl())
    assert talk.guard.spendable(an_id("control")) == frozenset()


def test_a_new_language_holds_for_the_next_question(talk: Talk) -> None:
    talk(e.LanguageSet("de"), asked(answer_within_s=5))
    [_, decision] = talk(e.Tick(), after=5)
    assert isinstance(decision, e.SignDecision)
    assert decision.request.language == "de"


def test_the_answer_names_its_own_words(talk: Talk) -> None:
    talk(asked())
    [_, decision] = talk(answered(answer=Answer.DENY))
    assert isinstance(decision, e.SignDecision)
    assert (decision.request.text_hash, decision.request.ask_hash) == (HASH, HASH)


def _unattended(name: str = "standing", **changes: Any) -> e.Asked:
    terms = Terms(until=NOW + timedelta(days=14))
    return asked(name, **{"capability": Capability.UNATTENDED, "terms": terms, **changes})


def test_a_yes_to_unattended_access_enrols_and_opens_nothing(talk: Talk) -> None:
    assert talk(_unattended()) == [e.HoldInput(an_id("standing"))]
    effects = talk(answered("standing"))
    assert effects[0] == e.ReleaseInput(an_id("standing"))
    assert _decisions(effects) == [YES]
    assert not talk.guard.is_indicator_wanted
    [enrolment] = talk(recorded("standing"))
    assert isinstance(enrolment, e.SignEnrolment)
    assert talk.guard.live == ()
    assert talk.summed_up == []
    assert talk(recorded("standing"), e.StoppedSharing()) == []


@pytest.mark.parametrize(
    ("happening", "effects"),
    [
        (e.IndicatorLost(), None),
        (e.StoppedSharing(), None),
        (e.Disconnected(), [e.SignRevocation((an_id("standing"),), Cause.LEASE_LOST)]),
        (e.Unproven(an_id("standing")), [e.SignRevocation((an_id("standing"),), Cause.LEASE_LOST)]),
        (e.Refused(an_id("standing")), [e.Tell(Notice.REQUEST_WITHDRAWN)]),
        (e.EndedElsewhere(), [e.CloseEverything()]),
    ],
)
def test_a_yes_to_unattended_access_that_is_not_recorded(
    talk: Talk, happening: e.Event, effects: list[e.Effect] | None
) -> None:
    talk(_unattended(), answered("standing"))
    assert talk(happening) == (effects or [])
    enrolled = [each for each in talk(recorded("standing")) if isinstance(each, e.SignEnrolment)]
    assert bool(enrolled) == (effects is None)


@pytest.mark.parametrize(
    "question",
    [
        _unattended("more", terms=None),
        _unattended("more", terms=Terms(until=NOW + timedelta(days=91))),
        _unattended("more", terms=Terms(until=NOW)),
        asked("more", terms=Terms(until=NOW + timedelta(days=1))),
    ],
    ids=["no terms", "too long", "over already", "terms for a view"],
)
def test_terms_nobody_may_allow_come_before_nobody(talk: Talk, question: e.Asked) -> None:
    assert _decisions(talk(question)) == [NO_BY_POLICY]


def test_where_nothing_can_be_kept_unattended_access_is_not_offered(talk: Talk) -> None:
    talk.guard = replace(talk.guard, offered=OFFERED - {Capability.UNATTENDED})
    assert _decisions(talk(_unattended())) == [NO_BY_POLICY]


@pytest.fixture
def unattended(talk: Talk) -> Talk:
    talk.guard = replace(talk.guard, mandate=Mandate(an_id("Tina"), HASH))
    return talk


YES_BY_POLICY = (Outcome.GRANTED, DecidedBy.POLICY, False)


def test_the_mandate_answers_once_the_indicator_is_there(unattended: Talk) -> None:
    assert _decisions(unattended(asked())) == []
    assert unattended.guard.is_indicator_wanted
    assert unattended.guard.at(Stage.ASKED) == ()
    effects = unattended(e.IndicatorShown())
    assert _decisions(effects) == [YES_BY_POLICY]
    assert [effect.enrolment_hash for effect in effects if isinstance(effect, e.SignDecision)] == [HASH]
    assert unattended.guard.live == ()
    [opened] = unattended(recorded())
    assert isinstance(opened, e.OpenGrant)
    assert _decisions(unattended(asked("control", capability=Capability.CONTROL))) == [YES_BY_POLICY]


def test_the_mandate_without_an_indicator_says_no(unattended: Talk) -> None:
    unattended(asked())
    effects = unattended(e.Tick(), after=INDICATOR_WITHIN_S)
    assert _decisions(effects) == [NO_BY_POLICY]
    assert [effect.enrolment_hash for effect in effects if isinstance(effect, e.SignDecision)] == [None]
    assert unattended(e.IndicatorShown(), recorded()) == []


@pytest.mark.parametrize(
    "question",
    [
        asked("x", technician_id=an_id("Bob")),
        _unattended("x"),
        asked("x", capability=Capability.CONTROL),
        asked("x", terms=Terms(until=NOW + timedelta(days=1))),
    ],
    ids=["another technician", "more unattended access", "control without view", "terms for a view"],
)
def test_the_mandate_covers_nothing_else(unattended: Talk, question: e.Asked) -> None:
    assert _decisions(unattended(e.IndicatorShown(), question)) == [NO_BY_POLICY]


def test_nobody_has_a_mandate_in_an_attended_session(talk: Talk) -> None:
    effects = talk(e.IndicatorShown(), asked(), answered(), recorded())
    assert [effect.enrolment_hash for effect in effects if isinstance(effect, e.SignDecision)] == [None]
    assert _decisions(effects) == [YES]


def test_the_person_stops_what_the_mandate_allowed(unattended: Talk) -> None:
    unattended(e.IndicatorShown(), asked(), recorded())
    effects = unattended(e.StoppedSharing())
    assert effects[:2] == [
        e.CloseGrants((an_id("view"),)),
        e.SignRevocation((an_id("view"),), Cause.STOP_SHARING),
    ]


def test_the_mandate_does_not_allow_again_what_the_person_stopped(unattended: Talk) -> None:
    unattended(e.IndicatorShown(), asked(), recorded())
    unattended(asked("control", capability=Capability.CONTROL), recorded("control"))
    unattended(e.StoppedControl())
    blocked = (Outcome.DENIED, DecidedBy.POLICY, True)
    assert _decisions(unattended(asked("control again", capability=Capability.CONTROL))) == [blocked]
    assert unattended.guard.live == (an_id("view"),)
    unattended(e.StoppedSharing())
    assert _decisions(unattended(e.IndicatorShown(), asked("view again"))) == [blocked]


def test_in_an_attended_session_a_stop_blocks_no_question(talk: Talk) -> None:
    talk.goes_live()
    talk(e.StoppedSharing())
    assert talk(asked("again")) == [e.HoldInput(an_id("again"))]
