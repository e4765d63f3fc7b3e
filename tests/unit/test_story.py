"""The story of a receipt: what the vectors say, in both languages, whoever wrote the texts in it."""

import json
import string
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beistand import story
from beistand.protocol.capabilities import Capability
from beistand.protocol.receipt import Problem, verify
from beistand.protocol.records import Cause, Language
from beistand.story_texts import TEXTS
from tools import make_receipt_vectors as made

pytestmark = pytest.mark.unit

VECTORS: dict[str, Any] = json.loads(made.TARGET.read_text(encoding="utf-8"))
CASES = [(case, language) for case in VECTORS["good"] for language in TEXTS]


@pytest.mark.parametrize(("case", "language"), CASES)
def test_the_story_is_the_one_that_was_read_and_found_good(case: dict[str, Any], language: Language) -> None:
    texts, expected = TEXTS[language], case["story"][language]
    verdict = verify(json.dumps(case["bundle"]))
    lines = story.tell(verdict, texts, UTC)
    told = [[line.number, line.day, line.time, line.text, list(line.details)] for line in lines]
    assert told == expected["lines"]
    assert list(story.heading(verdict, texts)) == expected["heading"]
    assert story.judge(verdict, texts).sentence == expected["judgement"]["sentence"]


def test_both_languages_say_everything_with_the_same_fields() -> None:
    fields = {
        language: {key: _fields(text) for key, text in texts.items()} for language, texts in TEXTS.items()
    }
    assert fields["de"] == fields["en"]
    needed = {f"wrong.{problem}" for problem in Problem} | {f"revoked.{cause}" for cause in Cause}
    answers = ("ask", "granted", "denied", "policy", "timed_out", "used", "used_paused")
    needed |= {f"{capability}.{answer}" for capability in Capability for answer in answers}
    assert needed <= set(fields["en"])


def test_times_are_those_of_the_place_with_its_date() -> None:
    verdict = verify(json.dumps(VECTORS["good"][0]["bundle"]))
    lines = story.tell(verdict, TEXTS["de"], timezone(timedelta(hours=1)))
    assert (lines[0].day, lines[0].time) == ("Samstag, 28. März 2026 (UTC+01:00)", "23:50:00")
    assert [line.day for line in lines if line.day][1:] == ["Sonntag, 29. März 2026 (UTC+01:00)"]


def test_a_receipt_that_breaks_off_tells_only_what_was_checked() -> None:
    bundle = VECTORS["good"][0]["bundle"]
    verdict = verify(json.dumps({**bundle, "records": bundle["records"][:5]}))
    assert [line.number for line in story.tell(verdict, TEXTS["en"], UTC)] == [1, 2, 3, 4, 5]
    assert "From record 6 on" in story.judge(verdict, TEXTS["en"]).note


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (8, "8 s"),
        (60, "1 min"),
        (410, "6 min 50 s"),
        (3600, "1 h"),
        (3901, "1 h 5 min 1 s"),
    ],
)
def test_lengths_of_time(seconds: int, said: str) -> None:
    assert story.span(seconds) == said


@given(st.text())
def test_text_from_others_stays_on_its_line(text: str) -> None:
    plain = story.plain(text)
    assert plain.isprintable()
    assert plain == plain.strip()


def test_a_device_may_say_any_time() -> None:
    writer = made.Writer()
    writer.hello(device_time=datetime.min.replace(tzinfo=timezone(timedelta(hours=14))))
    verdict = verify(json.dumps(writer.bundle()))
    assert verdict.ok
    details = story.tell(verdict, TEXTS["en"], timezone(timedelta(hours=-12)))[0].details
    assert details[0].startswith("The customer's device says:")


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
