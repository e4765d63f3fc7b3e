"""Every case of the conformance suite against a stack as `beistand up` starts it."""

import pytest

from beistand.conformance.case import Case
from beistand.conformance.laws import CASES, LAWS
from beistand.conformance.runner import Outcome, run_one
from beistand.conformance.scene import Deployment

pytestmark = pytest.mark.conformance


def _parameter(case: Case) -> object:
    marks = [pytest.mark.soak, pytest.mark.timeout(720)] if case.slow else []
    return pytest.param(case, id=f"law-{case.law}-{case.name}", marks=marks)


@pytest.mark.parametrize("case", [_parameter(case) for case in CASES])
async def test_the_law_holds(deployment: Deployment, case: Case) -> None:
    result = await run_one(deployment, case)
    assert result.outcome is Outcome.KEPT, f"{case.proves}: {result.outcome}, {result.detail}"


def test_every_law_has_cases_with_a_sentence_and_a_name_of_their_own() -> None:
    assert [number for number, _, _ in LAWS] == list(range(1, 11))
    assert all(cases for _, _, cases in LAWS)
    assert all(case.law == number for number, _, cases in LAWS for case in cases)
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.proves for case in CASES)
