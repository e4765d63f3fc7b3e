"""The gate, event by event: what passes, what stops, and that over is over."""

import itertools
from datetime import UTC, datetime

import pytest

from beistand.protocol.capabilities import NEEDED, Capability
from beistand.protocol.errors import Ended, NoGrant
from beistand.protocol.messages import Party
from beistand.protocol.records import Cause
from services.relay.domain import (
    EXPIRED,
    FLOW,
    LEASE_LOST,
    LEASE_S,
    LIFE,
    MAX_UNSEEN_STOPS,
    REFUSED_FOR_S,
    ControlChanged,
    Effect,
    Flow,
    FlowChanged,
    Gatekeeper,
    Life,
    Reason,
    Step,
    Tombstones,
    Turn,
    ViewStopped,
)
from services.relay.proof import Grant
from tests.support.consented import new_id

pytestmark = pytest.mark.unit

SID = new_id("session")
TINA, TOM = new_id("tina"), new_id("tom")
STOPPED = Reason(NoGrant, Party.CUSTOMER, Cause.STOP_SHARING)
INPUTS = [kind for kind, needed in NEEDED.items() if needed is Capability.CONTROL]


def grant(
    name: str, capability: Capability = Capability.VIEW, technician: str = TINA, remaining_s: float = 60.0
) -> Grant:
    return Grant(new_id(name), technician, capability, datetime(2026, 3, 1, tzinfo=UTC), remaining_s)


VIEW = grant("view")
CONTROL = grant("control", Capability.CONTROL)


@pytest.fixture
def tombstones() -> Tombstones:
    return Tombstones()


@pytest.fixture
def gate(tombstones: Tombstones) -> Gatekeeper:
    return Gatekeeper(SID, tombstones=tombstones)


def lease(gate: Gatekeeper, *grants: Grant, now: float, paused: bool = False) -> list[Effect]:
    return gate.lease([held.id for held in grants], paused=paused, now=now)


# --- tables -----------------------------------------------------------------------------------


def test_the_tables_are_complete_and_over_is_never_left() -> None:
    assert set(FLOW) == set(itertools.product(Flow, Turn))
    assert set(LIFE) == set(itertools.product(Life, Step))
    assert all(after is Flow.OVER for (before, _), after in FLOW.items() if before is Flow.OVER)
    assert all(after is Life.OVER for (before, _), after in LIFE.items() if before is Life.OVER)
    assert all(after is Life.OVER for (_, step), after in LIFE.items() if step is Step.STOPPED)


@pytest.mark.parametrize(("before", "step"), LIFE)
def test_a_grant_moves_as_the_table_says(gate: Gatekeeper, before: Life, step: Step) -> None:
    if before is not Life.UNSEEN:
        gate.prove(VIEW, now=0)
    if before is Life.OVER:
        gate.stop([VIEW.id], STOPPED, now=0)
    assert gate.life(VIEW.id) is before
    if step is Step.PROVEN:
        gate.prove(VIEW, now=0)
    else:
        gate.stop([VIEW.id], STOPPED, now=0)
    assert gate.life(VIEW.id) is LIFE[before, step]


@pytest.mark.parametrize(("before", "turn"), FLOW)
def test_the_flow_moves_as_the_table_says(gate: Gatekeeper, before: Flow, turn: Turn) -> None:
    if before is Flow.PAUSED:
        gate.pause(seq=1, now=0)
    if before is Flow.OVER:
        gate.end(Party.CUSTOMER, None, now=0)
    assert gate.flow is before
    effects = {
        Turn.PAUSE: lambda: gate.pause(seq=2, now=0),
        Turn.RESUME: lambda: gate.resume(seq=2, now=0),
        Turn.END: lambda: gate.end(Party.CUSTOMER, None, now=0),
    }[turn]()
    after = FLOW[before, turn]
    assert gate.flow is after
    assert effects == ([] if after is before else [FlowChanged(after)])


# --- what passes ------------------------------------------------------------------------------


def test_nothing_passes_without_a_grant(gate: Gatekeeper) -> None:
    assert not gate.may_show(VIEW.id, now=0)
    assert gate.input_grant(TINA, "input.key", now=0) is None
    assert gate.live(TINA, Capability.VIEW, now=0) is None


def test_a_view_grant_shows_and_does_not_steer(gate: Gatekeeper) -> None:
    assert gate.prove(VIEW, now=0) == []
    assert gate.may_show(VIEW.id, now=0)
    assert all(gate.input_grant(TINA, kind, now=0) is None for kind in INPUTS)


def test_a_control_grant_steers_beside_a_view_of_the_same_technician_only(gate: Gatekeeper) -> None:
    assert gate.prove(CONTROL, now=0) == [ControlChanged(TINA, CONTROL.id, live=True)]
    assert gate.input_grant(TINA, "input.key", now=0) is None
    gate.prove(grant("tom's view", technician=TOM), now=0)
    assert gate.input_grant(TINA, "input.key", now=0) is None
    assert gate.input_grant(TOM, "input.key", now=0) is None
    gate.prove(VIEW, now=0)
    assert all(gate.input_grant(TINA, kind, now=0) == CONTROL.id for kind in INPUTS)
    assert gate.input_grant(TOM, "input.key", now=0) is None


def test_a_control_grant_shows_nothing(gate: Gatekeeper) -> None:
    gate.prove(CONTROL, now=0)
    assert not gate.may_show(CONTROL.id, now=0)


@pytest.mark.parametrize("kind", ["", "input.teleport", "frame.x", "INPUT.KEY"])
def test_an_unknown_kind_of_input_passes_under_no_grant(gate: Gatekeeper, kind: str) -> None:
    gate.prove(VIEW, now=0)
    gate.prove(CONTROL, now=0)
    assert gate.input_grant(TINA, kind, now=0) is None


# --- stops ------------------------------------------------------------------------------------


def test_a_stop_is_an_effect_once_and_harmless_twice(gate: Gatekeeper) -> None:
    gate.prove(VIEW, now=0)
    assert gate.stop([VIEW.id], STOPPED, now=1) == [ViewStopped(VIEW.id, STOPPED)]
    assert gate.stop([VIEW.id], STOPPED, now=1) == []
    assert not gate.may_show(VIEW.id, now=1)


def test_a_stop_that_overtakes_its_grant_wins(gate: Gatekeeper) -> None:
    assert gate.stop([VIEW.id], STOPPED, now=0) == []
    gate.prove(VIEW, now=1)
    assert not gate.may_show(VIEW.id, now=1)


def test_only_the_named_grant_stops(gate: Gatekeeper) -> None:
    other = grant("tom's view", technician=TOM)
    gate.prove(VIEW, now=0)
    gate.prove(other, now=0)
    gate.stop([VIEW.id], STOPPED, now=0)
    assert gate.may_show(other.id, now=0)
    assert gate.stop_all(STOPPED, now=0) == [ViewStopped(other.id, STOPPED)]


def test_control_can_stop_while_view_goes_on(gate: Gatekeeper) -> None:
    gate.prove(VIEW, now=0)
    gate.prove(CONTROL, now=0)
    assert gate.stop([CONTROL.id], STOPPED, now=0) == [ControlChanged(TINA, CONTROL.id, live=False)]
    assert gate.input_grant(TINA, "input.key", now=0) is None
    assert gate.may_show(VIEW.id, now=0)


def test_input_ends_with_the_view_it_stands_beside(gate: Gatekeeper) -> None:
    gate.prove(VIEW, now=0)
    gate.prove(CONTROL, now=0)
    gate.stop([VIEW.id], STOPPED, now=0)
    assert gate.input_grant(TINA, "input.key", now=0) is None


def test_an_end_stops_everything_for_good(gate: Gatekeeper, tombstones: Tombstones) -> None:
    gate.prove(VIEW, now=0)
    ended = Reason(Ended, Party.CUSTOMER, Cause.END_SESSION)
    effects = gate.end(Party.CUSTOMER, Cause.END_SESSION, now=1)
    assert effects == [ViewStopped(VIEW.id, ended), FlowChanged(Flow.OVER)]
    gate.prove(grant("later"), now=2)
    assert gate.live(TINA, Capability.VIEW, now=2) is None
    assert Gatekeeper(SID, tombstones=tombstones).flow is Flow.OVER


def test_a_stopped_grant_stays_stopped_in_the_next_room(gate: Gatekeeper, tombstones: Tombstones) -> None:
    gate.prove(VIEW, now=0)
    gate.stop([VIEW.id], STOPPED, now=0)
    again = Gatekeeper(SID, tombstones=tombstones)
    again.prove(VIEW, now=1)
    assert not again.may_show(VIEW.id, now=1)


def test_a_stop_of_a_grant_not_seen_yet_holds_in_the_next_room(
    gate: Gatekeeper, tombstones: Tombstones
) -> None:
    gate.stop([VIEW.id], STOPPED, now=0)
    again = Gatekeeper(SID, tombstones=tombstones)
    again.prove(VIEW, now=1)
    assert not again.may_show(VIEW.id, now=1)


def test_a_device_that_makes_up_stops_without_end_only_ends_its_own_session(gate: Gatekeeper) -> None:
    gate.prove(VIEW, now=0)
    for _ in range(MAX_UNSEEN_STOPS):
        assert gate.stop([new_id()], STOPPED, now=0) == []
    assert FlowChanged(Flow.OVER) in gate.stop([new_id()], STOPPED, now=0)
    assert not gate.may_show(VIEW.id, now=0)


def test_tombstones_outlast_every_grant_and_not_much_more() -> None:
    tombstones = Tombstones()
    tombstones.add("old", now=0)
    tombstones.add("new", now=REFUSED_FOR_S)
    assert "old" in tombstones
    tombstones.add("newer", now=REFUSED_FOR_S + 1)
    assert "old" not in tombstones
    assert "new" in tombstones


# --- time -------------------------------------------------------------------------------------


def test_a_grant_expires_by_the_monotonic_clock_even_if_nothing_ticks(gate: Gatekeeper) -> None:
    gate.prove(grant("short", remaining_s=2.0), now=10)
    short = new_id("short")
    assert gate.may_show(short, now=11.9)
    assert not gate.may_show(short, now=12.0)
    assert gate.deadline() == 12.0
    assert gate.tick(now=12.0) == [ViewStopped(short, EXPIRED)]


def test_proving_a_grant_again_prolongs_nothing(gate: Gatekeeper) -> None:
    gate.prove(grant("short", remaining_s=2.0), now=0)
    assert gate.prove(grant("short", remaining_s=60.0), now=1) == []
    assert not gate.may_show(new_id("short"), now=2)


def test_silence_about_a_grant_stops_it_though_nothing_ticks(gate: Gatekeeper) -> None:
    gate.prove(VIEW, now=0)
    assert gate.may_show(VIEW.id, now=LEASE_S - 0.1)
    assert not gate.may_show(VIEW.id, now=LEASE_S)
    assert gate.tick(now=LEASE_S) == [ViewStopped(VIEW.id, LEASE_LOST)]


def test_a_lease_keeps_the_grants_it_names_and_no_others(gate: Gatekeeper) -> None:
    gate.prove(VIEW, now=0)
    gate.prove(CONTROL, now=0)
    for second in range(1, 5):
        lease(gate, VIEW, now=second)
    assert gate.may_show(VIEW.id, now=4)
    assert gate.input_grant(TINA, "input.key", now=4) is None
    assert gate.tick(now=4) == [ControlChanged(TINA, CONTROL.id, live=False)]


def test_a_late_lease_revives_nothing(gate: Gatekeeper) -> None:
    gate.prove(VIEW, now=0)
    lease(gate, VIEW, now=LEASE_S)
    assert not gate.may_show(VIEW.id, now=LEASE_S)
    assert gate.tick(now=LEASE_S) == [ViewStopped(VIEW.id, LEASE_LOST)]


# --- pause ------------------------------------------------------------------------------------


def test_a_pause_holds_picture_and_input_and_a_resume_lets_them_go_on(gate: Gatekeeper) -> None:
    gate.prove(VIEW, now=0)
    gate.prove(CONTROL, now=0)
    assert gate.pause(seq=4, now=0) == [FlowChanged(Flow.PAUSED)]
    assert not gate.may_show(VIEW.id, now=0)
    assert gate.input_grant(TINA, "input.key", now=0) is None
    assert gate.live(TINA, Capability.VIEW, now=0) == VIEW
    assert gate.resume(seq=5, now=1) == [FlowChanged(Flow.RUNNING)]
    assert gate.may_show(VIEW.id, now=1)


def test_an_old_resume_played_again_changes_nothing(gate: Gatekeeper) -> None:
    gate.pause(seq=4, now=0)
    gate.resume(seq=5, now=0)
    gate.pause(seq=6, now=0)
    assert gate.resume(seq=5, now=0) == []
    assert gate.flow is Flow.PAUSED


def test_a_lease_can_pause(gate: Gatekeeper) -> None:
    assert lease(gate, now=0, paused=True) == [FlowChanged(Flow.PAUSED)]


def test_a_lease_from_before_the_pause_does_not_end_it_and_a_later_one_does(gate: Gatekeeper) -> None:
    gate.pause(seq=1, now=0)
    assert lease(gate, now=0.5) == []
    assert lease(gate, now=LEASE_S) == [FlowChanged(Flow.RUNNING)]
