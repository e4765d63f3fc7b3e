"""How much input passes."""

import pytest

from services.relay.budget import LOSSY, RATE, RESERVE, SIZE, InputBudget, Spend

pytestmark = pytest.mark.unit


def spend(budget: InputBudget, kind: str, times: int, *, now: float = 0) -> list[Spend]:
    return [budget.spend(kind, now=now) for _ in range(times)]


def test_a_person_never_meets_the_limit() -> None:
    budget = InputBudget(now=0)
    for tenth in range(100):
        for kind in ("input.move", "input.key", "input.button", "input.wheel", "input.text"):
            assert set(spend(budget, kind, 8, now=tenth / 10)) == {Spend.PASS}


def test_too_many_moves_are_dropped_and_keys_still_pass() -> None:
    budget = InputBudget(now=0)
    moves = spend(budget, "input.move", int(SIZE))
    assert moves.count(Spend.PASS) == SIZE - RESERVE
    assert moves[-1] is Spend.DROP
    assert set(spend(budget, "input.key", int(RESERVE))) == {Spend.PASS}


def test_a_flood_of_keys_is_no_person() -> None:
    budget = InputBudget(now=0)
    assert set(spend(budget, "input.key", int(SIZE))) == {Spend.PASS}
    assert spend(budget, "input.key", 1) == [Spend.FLOOD]


def test_time_fills_the_bucket_up_to_its_size() -> None:
    budget = InputBudget(now=0)
    spend(budget, "input.key", int(SIZE))
    assert spend(budget, "input.key", 6, now=5 / RATE).count(Spend.PASS) == 5
    assert spend(budget, "input.key", int(SIZE) + 1, now=1000).count(Spend.PASS) == SIZE


def test_only_moves_may_get_lost() -> None:
    assert {"input.move"} == LOSSY


def test_a_text_costs_one_act_per_character() -> None:
    budget = InputBudget(now=0)
    assert budget.spend("input.text", now=0, cost=1000) is Spend.PASS
    assert budget.spend("input.text", now=0, cost=1000) is Spend.PASS
    assert budget.spend("input.text", now=0, cost=1000) is Spend.FLOOD
    assert budget.spend("input.text", now=1000 / RATE, cost=1000) is Spend.PASS
