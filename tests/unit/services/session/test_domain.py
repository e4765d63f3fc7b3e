"""The session's table: every state with every event is in it or refused, and refused means unchanged."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beistand.protocol.errors import BadSignature, Ended, NotFound, WrongState
from beistand.protocol.messages import Actor, ChainLink, Party, SessionEntry, SessionListQuery, SessionState
from beistand.protocol.records import GENESIS, Cause
from services.session import domain
from services.session.domain import (
    FINAL,
    TABLE,
    AgentBack,
    AgentLost,
    EndAsked,
    Event,
    HelloHeard,
    KeyBound,
    LimitReached,
    Limits,
    SuspensionOver,
    WaitingOver,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
LIMITS = Limits()
TINA = Actor(technician_id="t" * 22, name="Tina", org="acme")
KEY = "U" + "A" * 55
FIRST = ChainLink(seq=0, prev=GENESIS, record_hash="a" * 43)
EVENTS: dict[type[Event], Event] = {
    KeyBound: KeyBound(KEY),
    HelloHeard: HelloHeard("de", FIRST),
    AgentLost: AgentLost(NOW + LIMITS.suspended),
    AgentBack: AgentBack(),
    EndAsked: EndAsked(Party.CUSTOMER, Cause.END_SESSION),
    WaitingOver: WaitingOver(),
    SuspensionOver: SuspensionOver(),
    LimitReached: LimitReached(),
}


def waiting() -> SessionEntry:
    return domain.opened(TINA, sid="s" * 22, organisation_name="Acme", locator="1234", now=NOW, limits=LIMITS)


def in_state(state: SessionState) -> SessionEntry:
    """A session that got into this state by events, never by hand."""
    entry = waiting()
    if state is SessionState.EXPIRED:
        return domain.apply(entry, WaitingOver(), now=LATER)
    path = {
        SessionState.WAITING: (),
        SessionState.ACTIVE: (KeyBound, HelloHeard),
        SessionState.SUSPENDED: (KeyBound, HelloHeard, AgentLost),
        SessionState.ENDED: (KeyBound, HelloHeard, EndAsked),
    }
    for kind in path[state]:
        entry = domain.apply(entry, EVENTS[kind], now=NOW)
    return entry


def test_the_walk_knows_every_event() -> None:
    assert set(EVENTS) == set(get_args(Event))
    assert set(TABLE) == set(SessionState)
    assert {kind for row in TABLE.values() for kind in row} == set(EVENTS)


@pytest.mark.parametrize(("state", "kind"), list(product(SessionState, EVENTS)))
def test_every_state_with_every_event(state: SessionState, kind: type[Event]) -> None:
    before = in_state(state)
    if kind is HelloHeard and state is SessionState.WAITING:
        before = domain.apply(before, EVENTS[KeyBound], now=NOW)
    copy = before.model_copy(deep=True)
    target = TABLE[state].get(kind)
    if target is not None:
        assert domain.apply(before, EVENTS[kind], now=LATER).state is target
    else:
        with pytest.raises(Ended if state in FINAL else WrongState):
            domain.apply(before, EVENTS[kind], now=LATER)
    assert before == copy


@pytest.mark.parametrize("state", sorted(FINAL))
def test_over_is_over(state: SessionState) -> None:
    assert TABLE[state] == {}
    assert domain.deadline(in_state(state)) is None


def test_a_key_is_bound_once_and_takes_the_code_with_it() -> None:
    bound = domain.apply(waiting(), KeyBound(KEY), now=NOW)
    assert (bound.agent_key, bound.code_locator) == (KEY, "")
    with pytest.raises(WrongState):
        domain.apply(bound, KeyBound(KEY), now=NOW)


def test_nobody_is_greeted_who_has_not_joined() -> None:
    with pytest.raises(WrongState):
        domain.apply(waiting(), EVENTS[HelloHeard], now=NOW)


def test_joining_is_told_once() -> None:
    active = in_state(SessionState.ACTIVE)
    assert (active.joined_at, active.language) == (NOW, "de")
    assert domain.apply(active, EVENTS[HelloHeard], now=LATER).joined_at == NOW


@pytest.mark.parametrize(
    ("state", "kind", "due"),
    [
        (SessionState.WAITING, WaitingOver, NOW + LIMITS.waiting),
        (SessionState.ACTIVE, LimitReached, NOW + LIMITS.total),
        (SessionState.SUSPENDED, SuspensionOver, NOW + LIMITS.suspended),
    ],
)
def test_time_does_nothing_early_and_nothing_else(
    state: SessionState, kind: type[Event], due: datetime
) -> None:
    entry, early = in_state(state), due - timedelta(microseconds=1)
    assert domain.deadline(entry) == (due, EVENTS[kind])
    assert domain.overdue(entry, now=early) is None
    assert domain.settled(entry, now=early) is entry
    with pytest.raises(WrongState):
        domain.apply(entry, EVENTS[kind], now=early)
    assert domain.settled(entry, now=due).state in FINAL


def test_time_has_nothing_to_say_in_the_wrong_state() -> None:
    with pytest.raises(WrongState):
        domain.apply(in_state(SessionState.ACTIVE), SuspensionOver(), now=LATER)


def test_coming_back_forgets_the_deadline() -> None:
    suspended = in_state(SessionState.SUSPENDED)
    assert suspended.suspended_until == NOW + LIMITS.suspended
    for event in (AgentBack(), HelloHeard("en", FIRST)):
        back = domain.apply(suspended, event, now=NOW)
        assert (back.state, back.suspended_until) == (SessionState.ACTIVE, None)


def test_who_is_lost_at_the_limit_was_not_lost() -> None:
    """The credential ends at the limit, so that every agent is disconnected just then."""
    active = in_state(SessionState.ACTIVE)
    lost = domain.apply(active, AgentLost(LATER), now=active.limit_at - timedelta(seconds=1))
    assert lost.suspended_until == active.limit_at
    assert domain.settled(lost, now=active.limit_at).cause is Cause.EXPIRED


@pytest.mark.parametrize("party", Party)
@pytest.mark.parametrize("state", sorted(set(SessionState) - FINAL))
def test_everybody_can_end_any_session_once(state: SessionState, party: Party) -> None:
    ended = domain.apply(in_state(state), EndAsked(party, Cause.END_SESSION), now=NOW)
    assert (ended.state, ended.ended_by, ended.ended_at) == (SessionState.ENDED, party, NOW)
    with pytest.raises(Ended):
        domain.apply(ended, EndAsked(party, Cause.END_SESSION), now=NOW)


@given(st.lists(st.tuples(st.sampled_from(sorted(EVENTS.values(), key=repr)), st.integers(0, 60_000))))
def test_no_order_of_events_opens_what_is_over(story: list[tuple[Event, int]]) -> None:
    entry, now, over = waiting(), NOW, False
    for event, seconds in story:
        now += timedelta(seconds=seconds)
        before = entry
        try:
            entry = domain.apply(entry, event, now=now)
        except (WrongState, Ended):
            assert entry is before
        assert not over or entry == before
        over = entry.state in FINAL
        assert over is (entry.ended_at is not None)
        assert entry.state is not SessionState.ACTIVE or entry.agent_key == KEY
        assert (entry.suspended_until is not None) is (entry.state is SessionState.SUSPENDED)


# --- the chain of hellos ------------------------------------------------------------------------------


def _link(seq: int, prev: str, name: str) -> ChainLink:
    return ChainLink(seq=seq, prev=prev, record_hash=name * 43)


def test_the_first_hello_starts_the_chain() -> None:
    assert domain.continued((), FIRST) == (FIRST,)
    for link in (_link(1, GENESIS, "b"), _link(0, "x" * 43, "b")):
        with pytest.raises(BadSignature):
            domain.continued((), link)


def test_the_same_hello_again_changes_nothing() -> None:
    assert domain.continued((FIRST,), FIRST) == (FIRST,)


def test_a_later_hello_follows_directly_or_after_records_checked_elsewhere() -> None:
    for link in (_link(1, FIRST.record_hash, "b"), _link(7, "y" * 43, "b")):
        assert domain.continued((FIRST,), link) == (FIRST, link)


@pytest.mark.parametrize("link", [_link(0, GENESIS, "b"), _link(1, "x" * 43, "b")])
def test_a_hello_that_forks_the_chain_is_refused(link: ChainLink) -> None:
    with pytest.raises(BadSignature):
        domain.continued((FIRST,), link)


# --- who may see what ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reaches"),
    [
        ({}, True),
        ({"technician_id": "o" * 22}, False),
        ({"technician_id": "o" * 22, "sees_all": True}, True),
        ({"org": "other"}, False),
        ({"org": "other", "sees_all": True}, False),
    ],
)
def test_others_sessions_do_not_exist(change: dict[str, object], reaches: bool) -> None:
    actor = TINA.model_copy(update=change)
    assert domain.reaches(actor, waiting()) is reaches
    if not reaches:
        with pytest.raises(NotFound):
            domain.reachable(actor, waiting())


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (SessionState.WAITING, WrongState),
        (SessionState.SUSPENDED, WrongState),
        (SessionState.ENDED, Ended),
        (SessionState.EXPIRED, Ended),
    ],
)
def test_only_an_active_session_is_spoken_in(state: SessionState, error: type[Exception]) -> None:
    assert domain.require_active(in_state(SessionState.ACTIVE))
    with pytest.raises(error):
        domain.require_active(in_state(state))


def test_a_view_holds_no_key_no_connection_no_code() -> None:
    entry = in_state(SessionState.ACTIVE).model_copy(update={"connections": (("N" * 56, 7),)})
    shown = domain.view(entry).model_dump_json()
    for secret in (KEY, "N" * 56, "code"):
        assert secret not in shown


@given(st.integers(0, 12), st.integers(1, 5))
def test_pages_show_everything_once_newest_first(count: int, limit: int) -> None:
    entries = [
        waiting().model_copy(update={"sid": f"{number:022d}", "created_at": NOW + timedelta(seconds=number)})
        for number in range(count)
    ]
    shown: list[str] = []
    after = None
    while True:
        page = domain.page(entries, SessionListQuery(actor=TINA, limit=limit, after=after))
        shown += [item.id for item in page.items]
        after = page.next
        if after is None:
            break
    assert shown == [entry.sid for entry in reversed(entries)]


# --- cutting ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "left",
    [{"connections": (("N", 1),)}, {"agent_tickets": ("x",)}, {"code_locator": "1234"}],
)
def test_an_ended_session_is_looked_at_until_nothing_is_left(left: dict[str, object]) -> None:
    ended = in_state(SessionState.ENDED)
    assert domain.due_at(ended) is None
    uncut = ended.model_copy(update=left)
    assert domain.due_at(uncut) == NOW + domain.CUT_AGAIN_AFTER
    assert not domain.is_uncut(domain.cleared(uncut))


def test_a_living_session_is_never_uncut() -> None:
    alive: Callable[[SessionState], SessionEntry] = in_state
    for state in set(SessionState) - FINAL:
        entry = alive(state).model_copy(update={"connections": (("N", 1),)})
        assert not domain.is_uncut(entry)
        assert not domain.is_abandoned(entry, now=LATER)
