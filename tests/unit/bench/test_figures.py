"""Figures are worked out as they are told: nearest ranks, goals held or missed, a drawing of every stage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Goal, distribution, plot, table, verdicts

pytestmark = pytest.mark.unit

HUNDRED = [float(number) for number in range(1, 101)]


def test_points_are_nearest_ranks() -> None:
    expected = {"n": 100, "min": 1, "p50": 50, "p90": 90, "p95": 95, "p99": 99, "max": 100}
    assert distribution(list(reversed(HUNDRED))) == expected


def test_nothing_measured_has_no_points() -> None:
    assert distribution([]) == {"n": 0}
    assert "| x | 0 |  |" in table({"x": []})


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1))
def test_points_are_in_order(values: list[float]) -> None:
    found = distribution(values)
    assert found["min"] <= found["p50"] <= found["p90"] <= found["p99"] <= found["max"]


@pytest.mark.parametrize(
    ("goal", "word"),
    [
        (Goal("x", "p99", 99), "reached"),
        (Goal("x", "p99", 98.9), "MISSED"),
        (Goal("x", "min", 3300, 3000), "MISSED"),
        (Goal("y", "p99", 99), "not measured"),
    ],
)
def test_a_goal_is_reached_missed_or_not_measured(goal: Goal, word: str) -> None:
    assert word in verdicts([goal], {"x": HUNDRED})


def test_the_drawing_holds_every_stage_that_was_measured() -> None:
    drawn = plot({"a < b": HUNDRED, "none": []}, title="t")
    assert drawn.count("<polyline") == 1
    assert "a &lt; b" in drawn
    assert "none</text>" not in drawn
