"""The terms of unattended access as people read them."""

from datetime import datetime, timedelta, timezone

import pytest

from agent.ui.terms import rules
from agent.ui.texts import TEXTS
from beistand.protocol.records import Language
from beistand.protocol.terms import Technician, Terms

pytestmark = pytest.mark.unit

UNTIL = datetime(2026, 12, 8, 23, 59).astimezone()


def said(language: Language, **changes: object) -> str:
    terms = Terms.model_validate({"until": UNTIL, **changes})
    return "\n".join(rules(TEXTS[language], terms, organisation="Acme"))


def test_everybody_always() -> None:
    assert said("de") == (
        "Wer: alle, die bei Acme helfen\n"
        "Bis: Dienstag, 8. Dezember 2026, 23:59 Uhr\n"
        "Tage: jeden Tag · Uhrzeit: rund um die Uhr"
    )
    assert said("en").splitlines()[0] == "Who: everybody who helps at Acme"


def test_named_people_on_working_days() -> None:
    technicians = (
        Technician(id="technician-00000000001", name="Anna"),
        Technician(id="technician-00000000002", name="Bob"),
    )
    text = said("en", technicians=technicians, days=(0, 1, 2, 3, 4), from_minute=485, to_minute=1050)
    assert "Who: only Anna and Bob (Acme)" in text
    assert "Days: Monday to Friday · Hours: 8:05 to 17:30" in text


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ((2,), "Tage: Mittwoch ·"),
        ((5, 6), "Tage: Samstag und Sonntag ·"),
        ((0, 2, 4), "Tage: Montag, Mittwoch und Freitag ·"),
    ],
)
def test_other_days_one_by_one(days: tuple[int, ...], words: str) -> None:
    assert words in said("de", days=days)


def test_a_name_cannot_pass_for_a_rule() -> None:
    liar = Technician(id="technician-00000000001", name="Anna\nBis: nie")
    assert len(said("de", technicians=(liar,)).splitlines()) == 3


def test_the_end_is_told_by_the_persons_own_clock() -> None:
    abroad = UNTIL.astimezone(timezone(timedelta(hours=9)))
    assert said("de", until=abroad) == said("de")
