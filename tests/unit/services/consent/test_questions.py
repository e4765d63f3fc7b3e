"""What may be asked, and which decision answers which question."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from beistand.protocol import signing
from beistand.protocol.capabilities import OFFERED, Capability
from beistand.protocol.errors import (
    AlreadyAsked,
    AskingBlocked,
    BadSignature,
    BeistandError,
    Ended,
    NotFound,
    RateLimited,
    WrongState,
)
from beistand.protocol.messages import Actor, GrantEntry, Party, RequestState, SessionState
from beistand.protocol.records import AS_ASKED, Ask, Cause, DecidedBy, Decision, Outcome
from services.consent import questions
from services.consent.domain import Denied, Granted, Limits, TimedOut
from tests.support.consented import Consented, new_id
from tests.unit.services.consent.test_domain import NOW, asked, in_state

pytestmark = pytest.mark.unit

TINA, OTHER = "t" * 22, "o" * 22
LIVE = RequestState.LIVE
SESSION = Consented(now=NOW)


def _check(
    *entries: GrantEntry,
    capability: Capability = Capability.VIEW,
    technician: str = TINA,
    now: datetime = NOW + timedelta(minutes=5),
) -> None:
    questions.check_ask(entries, technician_id=technician, capability=capability, now=now, limits=Limits())


def test_the_first_question_may_be_asked() -> None:
    _check()


@pytest.mark.parametrize("state", [RequestState.ASKED, LIVE])
def test_the_same_is_not_asked_twice(state: RequestState) -> None:
    with pytest.raises(AlreadyAsked):
        _check(in_state(state))
    _check(in_state(state), technician=OTHER)


@pytest.mark.parametrize("state", sorted(set(RequestState) - {RequestState.ASKED, LIVE}))
def test_what_is_over_may_be_asked_again_in_time(state: RequestState) -> None:
    _check(in_state(state))


def test_two_open_questions_are_enough() -> None:
    with pytest.raises(RateLimited):
        _check(asked(technician_id="a" * 22), asked(technician_id="b" * 22))
    _check(asked(technician_id="a" * 22), in_state(LIVE, technician_id="b" * 22))


@pytest.mark.parametrize("state", [RequestState.DENIED, RequestState.TIMED_OUT])
def test_after_a_no_there_is_a_pause_for_everybody(state: RequestState) -> None:
    entry = in_state(state)
    for technician in (TINA, OTHER):
        with pytest.raises(AskingBlocked, match="Wait 20 seconds"):
            _check(entry, now=NOW, technician=technician)
        with pytest.raises(AskingBlocked, match="Wait 1 seconds"):
            _check(entry, now=NOW + timedelta(seconds=19, milliseconds=1), technician=technician)
        _check(entry, now=NOW + timedelta(seconds=20), technician=technician)


def test_a_no_to_one_thing_is_no_pause_for_another() -> None:
    control = in_state(RequestState.DENIED, capability=Capability.CONTROL)
    _check(control, now=NOW)


def test_a_no_for_good_has_no_end() -> None:
    blocked = in_state(RequestState.DENIED).model_copy(update={"blocked": True})
    with pytest.raises(AskingBlocked):
        _check(blocked, technician=OTHER, now=NOW + timedelta(hours=7))


def test_asking_and_taking_back_over_and_over_is_bounded() -> None:
    taken_back = [in_state(RequestState.WITHDRAWN)] * questions.MAX_RECENT
    with pytest.raises(RateLimited):
        _check(*taken_back, now=NOW + timedelta(seconds=59))
    _check(*taken_back[1:], now=NOW + timedelta(seconds=59))
    _check(*taken_back, now=NOW + timedelta(seconds=60))


def test_control_needs_a_live_view_of_the_same_technician() -> None:
    for others in ((), (asked(),), (in_state(LIVE, technician_id=OTHER),), (in_state(RequestState.REVOKED),)):
        with pytest.raises(WrongState):
            _check(*others, capability=Capability.CONTROL)
    _check(in_state(LIVE), capability=Capability.CONTROL)


def test_everything_there_is_can_be_asked_for() -> None:
    _check(capability=Capability.UNATTENDED)
    assert set(Capability) == OFFERED


def test_what_rests_on_a_view_is_the_same_technicians_open_control() -> None:
    view = in_state(RequestState.REVOKED)
    mine = [
        in_state(LIVE, capability=Capability.CONTROL),
        asked(capability=Capability.CONTROL, request_id="q" * 22),
    ]
    others = [
        in_state(LIVE, capability=Capability.CONTROL, technician_id=OTHER),
        in_state(RequestState.REVOKED, capability=Capability.CONTROL),
        in_state(LIVE),
    ]
    assert questions.resting_on([*others, *mine], view) == mine
    assert questions.resting_on([view, *others], mine[0]) == []


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (SessionState.WAITING, WrongState),
        (SessionState.SUSPENDED, WrongState),
        (SessionState.ENDED, Ended),
        (SessionState.EXPIRED, Ended),
    ],
)
def test_only_in_an_active_session_is_asked(state: SessionState, error: type[BeistandError]) -> None:
    assert questions.require_active(SESSION.session())
    with pytest.raises(error):
        questions.require_active(SESSION.session(state=state))


def test_others_sessions_do_not_exist() -> None:
    own = Actor(technician_id=SESSION.technician_id, name="Tina", org="acme")
    lead = Actor(technician_id=OTHER, name="Lea", org="acme", sees_all=True)
    for actor in (own, lead):
        assert questions.reachable(actor, SESSION.session())
    strangers = [
        own.model_copy(update={"technician_id": OTHER}),
        own.model_copy(update={"org": "other"}),
        lead.model_copy(update={"org": "other"}),
    ]
    for actor in strangers:
        with pytest.raises(NotFound):
            questions.reachable(actor, SESSION.session())
    with pytest.raises(NotFound):
        questions.reachable(lead, None)


# --- answers ------------------------------------------------------------------------------------------


def _asked() -> tuple[Ask, str]:
    ask = SESSION.ask()
    return ask, signing.sign(ask, SESSION.consent_seed)


def _decision(ask: Ask, ask_jws: str, **changes: Any) -> Decision:
    return SESSION.decision(ask, ask_jws, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"outcome": Outcome.DENIED},
        {"outcome": Outcome.DENIED, "block": True},
        {"outcome": Outcome.DENIED, "decided_by": DecidedBy.POLICY},
        {"outcome": Outcome.TIMED_OUT, "decided_by": DecidedBy.TIMEOUT},
    ],
)
def test_an_honest_answer_is_one(changes: dict[str, Any]) -> None:
    ask, ask_jws = _asked()
    questions.check_answer(_decision(ask, ask_jws, **changes), ask, ask_jws)


@pytest.mark.parametrize(
    "changes",
    [
        {"org": "other"},
        {"sid": new_id()},
        {"request_id": new_id()},
        {"technician_id": new_id()},
        {"technician_name": "Somebody"},
        {"capability": Capability.CONTROL},
        {"reason": "harmless"},
        {"nonce": new_id()},
        {"duration_s": 7200},
        {"ask_hash": "x" * 43},
        {"decided_by": DecidedBy.POLICY},
        {"decided_by": DecidedBy.TIMEOUT},
        {"block": True},
        {"outcome": Outcome.TIMED_OUT, "block": True},
    ],
)
def test_any_other_is_none(changes: dict[str, Any]) -> None:
    ask, ask_jws = _asked()
    with pytest.raises(BadSignature):
        questions.check_answer(_decision(ask, ask_jws, **changes), ask, ask_jws)


def test_every_field_of_the_question_is_compared_or_has_its_reason() -> None:
    """A field added to questions must be bound by answers, too: the hash binds what is not named."""
    unnamed = set(Ask.model_fields) - set(AS_ASKED)
    assert unnamed == {"organisation_name", "asked_at", "answer_within_s"}


def test_what_an_answer_does() -> None:
    ask, ask_jws = _asked()
    yes = _decision(ask, ask_jws)
    active = SESSION.session()
    assert questions.lasts_s(yes, active, now=NOW) == ask.duration_s
    for state in set(SessionState) - {SessionState.ACTIVE}:
        assert questions.lasts_s(yes, active.model_copy(update={"state": state}), now=NOW) is None
    until = NOW + timedelta(seconds=ask.duration_s)
    assert questions.answered(yes, decision_jws="d", entry_jws="e", expires_at=until) == Granted(
        "d", "e", NOW + timedelta(hours=1)
    )
    for changes, event in (
        ({"outcome": Outcome.DENIED, "block": True}, Denied("d", "e", block=True)),
        ({"outcome": Outcome.TIMED_OUT}, TimedOut("d", "e")),
    ):
        no = _decision(ask, ask_jws, **changes)
        assert questions.lasts_s(no, active, now=NOW) is None
        assert questions.answered(no, decision_jws="d", entry_jws="e", expires_at=None) == event


@pytest.mark.parametrize("cause", Cause)
def test_who_stopped(cause: Cause) -> None:
    wishes = {Cause.STOP_SHARING, Cause.STOP_CONTROL, Cause.END_SESSION, Cause.AGENT_CLOSED}
    assert questions.who_stopped(cause) is (Party.CUSTOMER if cause in wishes else Party.SYSTEM)


def test_a_view_holds_no_record() -> None:
    entry = in_state(LIVE, ask_jws="a-signed-record", sid=new_id())
    shown = questions.view(entry)
    assert (shown.id, shown.session_id) == (entry.request_id, entry.sid)
    assert "jws" not in shown.model_dump_json()
