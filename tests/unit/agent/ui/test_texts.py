"""Both languages say everything, with the same blanks to fill; every code of the port has words."""

import string
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.port import Notice, Used
from agent.ui.texts import (
    TEXTS,
    clock,
    counts,
    duration,
    language_of,
    names,
    problem_of,
    summaries,
    time_of_day,
)
from agent.ui.wording import Texts
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import ERRORS
from beistand.protocol.messages import Party
from beistand.protocol.records import Cause, InputCounts

pytestmark = pytest.mark.unit

TABLES = list(TEXTS.values())


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, f"{path}[{key}]")
    elif is_dataclass(value):
        for each in fields(value):
            yield from leaves(getattr(value, each.name), f"{path}.{each.name}")


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_tables_have_the_same_texts() -> None:
    german, english = (dict(leaves(TEXTS[language])) for language in ("de", "en"))
    assert german.keys() == english.keys()


@pytest.mark.parametrize("texts", TABLES, ids=lambda texts: texts.language)
def test_no_text_is_empty_or_unfinished(texts: Texts) -> None:
    for path, text in leaves(texts):
        assert text.strip() == text != "", path
        assert "TODO" not in text, path


def test_blanks_are_the_same_in_both_languages() -> None:
    german, english = (dict(leaves(TEXTS[language])) for language in ("de", "en"))
    for path, text in german.items():
        assert blanks(text) == blanks(english[path]), path


def test_nothing_was_left_untranslated() -> None:
    german, english = (dict(leaves(TEXTS[language])) for language in ("de", "en"))
    same = {path for path, text in german.items() if text == english[path]}
    assert same == {".title_main", ".confirm_organisation"}


@pytest.mark.parametrize("texts", TABLES, ids=lambda texts: texts.language)
def test_every_code_of_the_port_has_words(texts: Texts) -> None:
    assert texts.problems.keys() == ERRORS.keys()
    assert texts.notices.keys() == set(Notice)
    assert texts.causes.keys() == set(Cause)
    assert texts.asked.keys() == set(Capability)
    assert texts.ended_by.keys() == set(Party)


def test_an_unknown_problem_is_an_internal_one() -> None:
    assert problem_of(TEXTS["en"], "never heard of") is TEXTS["en"].problems["internal"]


@pytest.mark.parametrize(
    ("wish", "language"), [("de", "de"), ("de_AT.UTF-8", "de"), ("en", "en"), ("fr", "en"), ("DE", "de")]
)
def test_a_language_we_do_not_speak_becomes_english(wish: str, language: str) -> None:
    assert language_of(wish) == language


@pytest.mark.parametrize(
    ("seconds", "german", "english"),
    [
        (0, "0 Sekunden", "0 seconds"),
        (1, "1 Sekunde", "1 second"),
        (59, "59 Sekunden", "59 seconds"),
        (60, "1 Minute", "1 minute"),
        (61, "2 Minuten", "2 minutes"),
        (3600, "1 Stunde", "1 hour"),
        (5400, "1 Stunde und 30 Minuten", "1 hour and 30 minutes"),
        (-5, "0 Sekunden", "0 seconds"),
    ],
)
def test_durations_as_people_say_them(seconds: int, german: str, english: str) -> None:
    assert duration(TEXTS["de"], seconds) == german
    assert duration(TEXTS["en"], seconds) == english


@pytest.mark.parametrize(
    ("done", "german", "english"),
    [
        (InputCounts(), "nichts geklickt oder getippt", "nothing clicked or typed"),
        (InputCounts(moves=9), "nur den Mauszeiger bewegt", "only the pointer moved"),
        (InputCounts(wheel_steps=1), "nur den Mauszeiger bewegt", "only the pointer moved"),
        (InputCounts(clicks=1, keys=120, moves=4), "1 Klick, 120 Tasten", "1 click, 120 keys"),
        (InputCounts(keys=1), "1 Taste", "1 key"),
        (InputCounts(characters=1), "1 eingefügtes Zeichen", "1 pasted character"),
        (InputCounts(characters=35), "35 eingefügte Zeichen", "35 pasted characters"),
    ],
)
def test_counts_as_people_say_them(done: InputCounts, german: str, english: str) -> None:
    assert (counts(TEXTS["de"], done), counts(TEXTS["en"], done)) == (german, english)


def test_what_was_used_is_told_once_per_person_and_kind() -> None:
    used = [
        Used(Capability.CONTROL, "Anna", 50, InputCounts(clicks=1)),
        Used(Capability.VIEW, "Anna", 61, InputCounts()),
        Used(Capability.CONTROL, "Anna", 70, InputCounts(clicks=2, keys=3)),
        Used(Capability.VIEW, "", 0, InputCounts()),
    ]
    assert summaries(TEXTS["en"], used) == (
        "Anna could use mouse and keyboard for 2 minutes: 3 clicks, 3 keys.",
        "Anna could see your screen for 2 minutes.",
        "Your helper saw nothing of your screen.",
    )
    assert summaries(TEXTS["de"], []) == ()


@pytest.mark.parametrize(("seconds", "shown"), [(-3, "0:00"), (187.9, "3:07"), (3787, "1:03:07")])
def test_a_running_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_the_time_of_day_is_the_persons_own() -> None:
    at = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
    assert f"{at.astimezone().minute:02}" in time_of_day(TEXTS["de"], at)


def test_people_are_named_once_each() -> None:
    texts = TEXTS["en"]
    assert names(texts, []) == ""
    assert names(texts, ["Anna", "Anna"]) == "Anna"
    assert names(texts, ["Anna", "Ben", "Cem"]) == "Anna, Ben and Cem"
    assert names(texts, [""]) == texts.someone
