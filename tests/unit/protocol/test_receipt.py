"""Receipts: every test vector gets its verdict; nothing signed can be changed, dropped, swapped or added."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beistand import story
from beistand.protocol import receipt
from beistand.protocol.receipt import Problem, verify
from beistand.story_texts import TEXTS
from tools import make_receipt_vectors as made

pytestmark = pytest.mark.unit

VECTORS: dict[str, Any] = json.loads(made.TARGET.read_text(encoding="utf-8"))
GOOD = VECTORS["good"][0]["bundle"]
SIGNED = [(index, part) for index in range(len(GOOD["records"])) for part in ("jws", "entry_jws")]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


def text_of(case: dict[str, Any]) -> str:
    """The receipt of a tampering: the first genuine one, changed."""
    bundle = {**GOOD, **case["changes"]}
    places = bundle["records"]
    bundle["records"] = [GOOD["records"][place] if isinstance(place, int) else place for place in places]
    return json.dumps(bundle)


def test_the_vectors_are_fresh() -> None:
    again = "run: python -m tools.make_receipt_vectors"
    assert made.TARGET.read_text(encoding="utf-8") == made.render(), again
    assert made.TEXTS_TARGET.read_text(encoding="utf-8") == made.render_texts(), again


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["name"])
def test_a_genuine_receipt_is_genuine(case: dict[str, Any]) -> None:
    bundle = case["bundle"]
    verdict = verify(json.dumps(bundle).encode())
    assert verdict.ok
    assert (verdict.detail, verdict.index) == ("", None)
    assert [event.index for event in verdict.events] == list(range(len(bundle["records"])))
    assert verdict.closing is not None
    assert verdict.closing.count == len(bundle["records"])


def test_expected_keys_are_told_apart_from_brought_ones() -> None:
    text = json.dumps(GOOD)
    both = verify(text, agent_key=GOOD["agent_key"], consent_key=GOOD["consent_key"])
    assert (both.ok, both.expected_agent, both.expected_consent) == (True, True, True)
    neither = verify(text)
    assert (neither.ok, neither.expected_agent, neither.expected_consent) == (True, False, False)


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["name"])
def test_tampering_is_named_with_the_first_bad_record(case: dict[str, Any]) -> None:
    verdict = verify(text_of(case), **case["expect"])
    assert not verdict.ok
    assert (verdict.problem, verdict.index) == (case["problem"], case["index"])
    assert verdict.closing is None
    told = len(verdict.events)
    assert told <= (len(GOOD["records"]) if case["index"] is None else case["index"])
    judged = story.judge(verdict, TEXTS["en"])
    if case["index"] is not None:
        assert f"record {case['index'] + 1}: {verdict.detail}" in judged.sentence


def test_every_problem_has_a_vector_and_a_sentence() -> None:
    assert {case["problem"] for case in VECTORS["bad"]} == set(Problem)
    assert set(receipt.WRONG) == set(Problem)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", b"\xff\xfe", "[" * 100_000, '"' + "a" * 99])
def test_what_is_no_receipt_is_unreadable(text: str | bytes) -> None:
    assert verify(text).problem is Problem.UNREADABLE


def test_a_file_without_bounds_is_not_read() -> None:
    assert verify(b" " * (receipt.MAX_BYTES + 1)).problem is Problem.UNREADABLE


@given(st.sampled_from(SIGNED), st.data())
def test_no_character_of_a_signed_part_can_be_changed(place: tuple[int, str], data: st.DataObject) -> None:
    index, part = place
    before = GOOD["records"][index][part]
    at = data.draw(st.integers(0, len(before) - 1))
    letter = data.draw(st.sampled_from([other for other in LETTERS if other != before[at]]))
    records = [dict(record) for record in GOOD["records"]]
    records[index][part] = before[:at] + letter + before[at + 1 :]
    verdict = verify(json.dumps({**GOOD, "records": records}))
    assert (verdict.ok, verdict.index) == (False, index)


@given(st.data())
def test_no_character_of_the_closing_can_be_changed(data: st.DataObject) -> None:
    before = GOOD["closing_jws"]
    at = data.draw(st.integers(0, len(before) - 1))
    letter = data.draw(st.sampled_from([other for other in LETTERS if other != before[at]]))
    changed = {**GOOD, "closing_jws": before[:at] + letter + before[at + 1 :]}
    assert verify(json.dumps(changed)).problem is Problem.CLOSING


@given(st.lists(st.integers(0, len(GOOD["records"]) - 1), max_size=len(GOOD["records"]) + 2))
def test_no_other_choice_of_records_is_genuine(chosen: list[int]) -> None:
    every = list(range(len(GOOD["records"])))
    verdict = verify(json.dumps({**GOOD, "records": [GOOD["records"][index] for index in chosen]}))
    assert verdict.ok is (chosen == every)
    if not verdict.ok:
        first = next((place for place, index in enumerate(chosen) if place != index), len(chosen))
        assert verdict.index == first


@given(st.integers(0, len(GOOD["records"]) - 1), st.integers(0, len(GOOD["records"]) - 1))
def test_dropping_swapping_and_doubling_is_noticed(one: int, other: int) -> None:
    records = GOOD["records"]
    dropped = records[:one] + records[one + 1 :]
    doubled = [*records[:one], records[other], *records[one:]]
    swapped = list(records)
    swapped[one], swapped[other] = records[other], records[one]
    last = len(records) - 1
    assert verify(json.dumps({**GOOD, "records": dropped})).index == (one if one < last else last)
    assert not verify(json.dumps({**GOOD, "records": doubled})).ok
    verdict = verify(json.dumps({**GOOD, "records": swapped}))
    assert verdict.index == (None if one == other else min(one, other))


def test_the_names_that_nothing_vouches_for_are_not_told() -> None:
    changed = {**GOOD, "organisation_name": "Mallory Ltd", "technician_name": "Mallory"}
    verdict = verify(json.dumps(changed))
    told = str([story.tell(verdict, texts) for texts in TEXTS.values()])
    assert verdict.ok
    assert "Mallory" not in told
