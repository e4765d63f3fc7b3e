"""The table of grants: every state with every event; nothing but a decision makes a grant."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import WrongState
from beistand.protocol.messages import GrantEntry, Party, RequestState
from beistand.protocol.records import Cause
from services.consent import domain
from services.consent.domain import (
    OPEN,
    SLACK,
    TABLE,
    Denied,
    Event,
    Granted,
    RanOut,
    Revoked,
    SessionEnded,
    TakenBack,
    TimedOut,
    ViewEnded,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, tzinfo=UTC)
EXPIRES = NOW + timedelta(hours=1)
JWS = "x" * 20
EVENTS: dict[type[Event], Event] = {
    Granted: Granted(JWS, JWS, EXPIRES),
    Denied: Denied(JWS, JWS, block=False),
    TimedOut: TimedOut(JWS, JWS),
    TakenBack: TakenBack(),
    Revoked: Revoked(Party.CUSTOMER, Cause.STOP_SHARING),
    ViewEnded: ViewEnded(Party.CUSTOMER),
    SessionEnded: SessionEnded(Party.CUSTOMER, Cause.END_SESSION),
    RanOut: RanOut(),
}
PATHS: dict[RequestState, tuple[type[Event], ...]] = {
    RequestState.ASKED: (),
    RequestState.LIVE: (Granted,),
    RequestState.DENIED: (Denied,),
    RequestState.TIMED_OUT: (TimedOut,),
    RequestState.WITHDRAWN: (TakenBack,),
    RequestState.REVOKED: (Granted, Revoked),
    RequestState.EXPIRED: (Granted, RanOut),
}


def asked(**changes: object) -> GrantEntry:
    entry = GrantEntry(
        org="acme",
        sid="s" * 22,
        request_id="r" * 22,
        technician_id="t" * 22,
        technician_name="Tina",
        capability=Capability.VIEW,
        reason="printer",
        state=RequestState.ASKED,
        asked_at=NOW,
        answer_until=NOW + timedelta(seconds=60),
        ask_jws=JWS,
    )
    return entry.model_copy(update=changes)


def in_state(state: RequestState, **changes: object) -> GrantEntry:
    """A request that got into this state by events, never by hand."""
    entry = asked(**changes)
    for kind in PATHS[state]:
        entry = domain.apply(entry, EVENTS[kind], now=EXPIRES if kind is RanOut else NOW)
    return entry


def test_the_walk_knows_every_event() -> None:
    assert set(EVENTS) == set(get_args(Event))
    assert set(TABLE) == set(RequestState) == set(PATHS)
    assert {kind for row in TABLE.values() for kind in row} == set(EVENTS)


@pytest.mark.parametrize(("state", "kind"), list(product(RequestState, EVENTS)))
def test_every_state_with_every_event(state: RequestState, kind: type[Event]) -> None:
    before = in_state(state)
    copy = before.model_copy(deep=True)
    now = EXPIRES if kind is RanOut else NOW
    if kind not in TABLE[state]:
        with pytest.raises(WrongState):
            domain.apply(before, EVENTS[kind], now=now)
    else:
        after = domain.apply(before, EVENTS[kind], now=now)
        assert after.state is (TABLE[state][kind] or state)
        assert (after.closed_at is None) is (after.state in OPEN)
    assert before == copy


def test_only_a_decision_makes_a_grant() -> None:
    ways = [
        (state, kind)
        for state, row in TABLE.items()
        for kind, target in row.items()
        if target is RequestState.LIVE
    ]
    assert ways == [(RequestState.ASKED, Granted)]


@pytest.mark.parametrize("state", sorted(set(RequestState) - OPEN))
@pytest.mark.parametrize("kind", [Denied, TimedOut, Revoked, ViewEnded, SessionEnded])
def test_a_no_to_what_is_over_changes_nothing(state: RequestState, kind: type[Event]) -> None:
    entry = in_state(state)
    assert domain.apply(entry, EVENTS[kind], now=EXPIRES) == entry


def test_revoked_before_the_yes_stays_revoked() -> None:
    revoked = domain.apply(asked(), EVENTS[Revoked], now=NOW)
    assert revoked.state is RequestState.REVOKED
    with pytest.raises(WrongState):
        domain.apply(revoked, EVENTS[Granted], now=NOW)


def test_a_yes_may_arrive_a_little_late_and_no_later() -> None:
    deadline = asked().answer_until + SLACK
    assert domain.apply(asked(), EVENTS[Granted], now=deadline).state is RequestState.LIVE
    with pytest.raises(WrongState):
        domain.apply(asked(), EVENTS[Granted], now=deadline + timedelta(microseconds=1))


def test_the_server_gives_up_only_after_the_last_moment_for_a_yes() -> None:
    deadline = asked().answer_until + SLACK
    with pytest.raises(WrongState):
        domain.apply(asked(), TimedOut(), now=deadline)
    late = domain.apply(asked(), TimedOut(), now=deadline + timedelta(microseconds=1))
    assert (late.state, late.closed_by) == (RequestState.TIMED_OUT, Party.SYSTEM)


def test_a_grant_ends_when_it_says_and_not_before() -> None:
    live = in_state(RequestState.LIVE)
    assert domain.deadline(live) == (EXPIRES, RanOut())
    with pytest.raises(WrongState):
        domain.apply(live, RanOut(), now=EXPIRES - timedelta(microseconds=1))
    over = domain.apply(live, RanOut(), now=EXPIRES)
    assert (over.state, over.cause, over.closed_by) == (RequestState.EXPIRED, Cause.EXPIRED, Party.SYSTEM)


@pytest.mark.parametrize("state", RequestState)
def test_time_is_waited_for_only_while_something_is_open(state: RequestState) -> None:
    assert (domain.deadline(in_state(state)) is not None) is (state in OPEN)


def test_no_more_questions_counts_whenever_it_arrives() -> None:
    never = Denied(JWS, JWS, block=True)
    for state in set(RequestState) - {RequestState.LIVE}:
        assert domain.apply(in_state(state), never, now=NOW).blocked
    with pytest.raises(WrongState):
        domain.apply(in_state(RequestState.LIVE), never, now=NOW)


def test_a_yes_sent_again_is_known() -> None:
    live = in_state(RequestState.LIVE)
    assert domain.is_done(live, EVENTS[Granted])
    assert not domain.is_done(live, Granted("y" * 20, JWS, EXPIRES))
    assert not domain.is_done(asked(), EVENTS[Granted])
    assert not domain.is_done(in_state(RequestState.REVOKED), EVENTS[Granted])


@given(st.lists(st.tuples(st.sampled_from(sorted(EVENTS.values(), key=repr)), st.integers(0, 3600))))
def test_no_order_of_events_revives_anything(story: list[tuple[Event, int]]) -> None:
    entry, now = asked(), NOW
    for event, seconds in story:
        now += timedelta(seconds=seconds)
        before = entry
        try:
            entry = domain.apply(entry, event, now=now)
        except WrongState:
            assert entry is before
        if entry.state is RequestState.LIVE and before.state is not RequestState.LIVE:
            assert isinstance(event, Granted)
            assert before.state is RequestState.ASKED
        if before.state not in OPEN:
            assert (entry.state, entry.closed_by, entry.cause) == (
                before.state,
                before.closed_by,
                before.cause,
            )
