"""The ledger of what is down: nothing is forgotten, nothing goes up twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.engine.held import Held

pytestmark = pytest.mark.unit


def test_what_goes_up_is_down_no_longer():
    held: Held[str] = Held()
    held.press("a", "KeyX", "x")
    assert held.holds("a", "KeyX")
    assert held.release("a", "KeyX") == "x"
    assert held.release("a", "KeyX") is None
    assert len(held) == 0


def test_a_grant_lets_go_only_what_it_holds():
    held: Held[str] = Held()
    held.press("a", "ShiftLeft", "shift")
    held.press("b", "KeyX", "x")
    assert held.release("b", "ShiftLeft") is None
    assert held.drain({"b"}) == ["x"]
    assert held.everything() == held.things("a") == ["shift"]
    assert held.of("a") == [("ShiftLeft", "shift")]


def test_the_newest_goes_up_first():
    held: Held[str] = Held()
    for name in ("control", "shift", "t"):
        held.press("a", name, name)
    assert held.drain() == ["t", "shift", "control"]
    assert held.drain() == []


acts = st.lists(st.tuples(st.sampled_from("du"), st.sampled_from("ab"), st.integers(0, 3)), max_size=50)


@given(acts)
def test_everything_pressed_goes_up_exactly_once(acts):
    held: Held[int] = Held()
    ups: list[int] = []
    pressed = 0
    for number, (act, grant, identity) in enumerate(acts):
        went_up = held.release(grant, str(identity))
        if went_up is not None:
            ups.append(went_up)
        if act == "d":
            pressed += 1
            held.press(grant, str(identity), number)
    ups += held.drain()
    assert len(ups) == len(set(ups)) == pressed
