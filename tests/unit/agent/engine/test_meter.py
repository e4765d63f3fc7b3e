"""What passes is counted by kind, timed without pauses, and never kept."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.engine.gate import Gate, OpenGrant
from agent.engine.meter import COUNTS, Meter, Usage, added
from beistand.protocol import messages
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import (
    Input,
    InputButton,
    InputKey,
    InputMove,
    InputRelease,
    InputText,
    InputWheel,
)
from beistand.protocol.records import InputCounts

pytestmark = pytest.mark.unit

KINDS = frozenset(get_args(get_args(messages.Input)[0]))
NONE = InputCounts()
DOWN_AND_UP = [
    (InputButton(x=1, y=1, button=button, action=action), {"clicks": int(action == "down")})
    for button in ("left", "middle", "right", "back", "forward")
    for action in ("down", "up")
]
WHEEL = [
    (InputWheel(x=1, y=1, dx=dx, dy=dy), {"wheel_steps": abs(dx) + abs(dy)})
    for dx in (-20, -1, 0, 3)
    for dy in (-20, 0, 1)
]
EVENTS: list[tuple[Input, dict[str, int]]] = [
    (InputMove(x=1, y=1), {"moves": 1}),
    *DOWN_AND_UP,
    *WHEEL,
    (InputKey(key="a", code="KeyA", action="down"), {"keys": 1}),
    (InputKey(key="a", code="KeyA", action="up"), {}),
    (InputKey(key="Shift", code="ShiftLeft", action="down"), {"keys": 1}),
    (InputText(text="x"), {"characters": 1}),
    (InputText(text="Grüße 🙂"), {"characters": 7}),
    (InputRelease(), {}),
]


def test_every_kind_of_input_is_counted_and_tested() -> None:
    assert set(COUNTS) == KINDS == {type(event) for event, _ in EVENTS}


@pytest.mark.parametrize(("event", "more"), EVENTS, ids=str)
def test_one_event_adds_to_its_own_count_only(event: Input, more: dict[str, int]) -> None:
    before = InputCounts(moves=1, clicks=2, wheel_steps=3, keys=4, characters=5)
    expected = {name: count + more.get(name, 0) for name, count in before.model_dump().items()}
    assert added(before, event).model_dump() == expected


@given(st.lists(st.sampled_from(EVENTS)))
def test_counts_are_the_sum_of_their_events_in_whatever_order(events: list[tuple[Input, Any]]) -> None:
    meter = Meter()
    meter.opened("g", until=9, now=0)
    for event, _ in events:
        meter.count("g", event)
    expected = {name: sum(more.get(name, 0) for _, more in events) for name in InputCounts.model_fields}
    assert meter.usage("g", now=0).input.model_dump() == expected


def test_nothing_of_what_was_typed_is_anywhere_in_the_meter() -> None:
    meter = Meter()
    meter.opened("000", until=9, now=0)
    for character in "geheim":
        meter.count("000", InputKey(key=character, code="KeyG", action="down"))
        meter.count("000", InputText(text=character))
    assert all(type(value) is int for value in meter.usage("000", now=1).input.model_dump().values())
    [account] = meter._accounts.values()
    assert {type(value) for value in vars(account).values()} <= {int, float, type(None), InputCounts}


def test_what_never_lived_was_used_for_nothing() -> None:
    meter = Meter()
    meter.count("never", InputMove(x=1, y=1))
    assert meter.take("never", now=5) == Usage()


UNTIL = 20
Step = tuple[int, bool]
steps = st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=12)


@given(steps, st.integers(0, 9))
def test_time_counts_second_by_second_while_it_passes(story: list[Step], rest: int) -> None:
    meter, now, passes, expected = Meter(), 0, False, 0
    meter.opened("g", until=UNTIL, now=0)
    for seconds, passes_next in story:
        expected += sum(passes and second < UNTIL for second in range(now, now + seconds))
        now, passes = now + seconds, passes_next
        meter.passing({"g"} if passes else set(), now=now)
    expected += sum(passes and second < UNTIL for second in range(now, now + rest))
    assert meter.usage("g", now=now + rest).passed_s == expected
    meter.closed(["g"], now=now + rest)
    meter.passing({"g"}, now=now + rest)
    final = meter.take("g", now=now + rest + 100)
    assert final.used_s == expected <= final.opened_ago - final.closed_ago
    assert meter.usage("g", now=now + rest) == Usage()


@pytest.mark.parametrize(("passed", "used"), [(0.0, 0), (0.01, 1), (1.0, 1), (1.2, 2)])
def test_whole_seconds_are_never_too_few(passed: float, used: int) -> None:
    assert Usage(passed).used_s == used


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> Gate:
    gate = Gate(clock=clock)
    gate.open(OpenGrant("view", Capability.VIEW, "tina", 100))
    gate.open(OpenGrant("control", Capability.CONTROL, "tina", 100))
    return gate


def passed(gate: Gate) -> tuple[float, float]:
    return gate.usage("view").passed_s, gate.usage("control").passed_s


def test_the_gate_times_what_passes_it(gate: Gate, clock: Clock) -> None:
    clock.now = 10
    gate.hold("question")
    clock.now = 13
    gate.release("question")
    gate.pause()
    clock.now = 20
    assert passed(gate) == (13, 10)
    gate.resume()
    clock.now = 22
    gate.close(["view"])
    clock.now = 30
    assert passed(gate) == (15, 12)
    gate.close(["control"])
    assert gate.take_usage("view") == Usage(15, opened_ago=30, closed_ago=8)
    assert gate.take_usage("view") == Usage()


def test_a_grant_that_ran_out_is_timed_to_its_own_end(gate: Gate, clock: Clock) -> None:
    clock.now = 130
    gate.close_all()
    assert gate.take_usage("view") == Usage(100, opened_ago=130, closed_ago=30)
