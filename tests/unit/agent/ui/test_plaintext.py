"""Text from others can neither reorder, hide nor stretch what is shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ui.plaintext import breakable, code_in, grouped, lines, one_line, shortened, unbroken

pytestmark = pytest.mark.unit


@given(st.text(max_size=300))
def test_nothing_invisible_is_left(text: str) -> None:
    shown = one_line(text)
    assert all(unicodedata.category(each)[0] != "C" or each in "\u200c\u200d" for each in shown)
    assert shown == " ".join(shown.split())


@pytest.mark.parametrize("trick", ["\u202e", "\u2066", "\u200b", "\u0000", "\x1b", "\ufeff", "\u2028"])
def test_tricks_become_blanks(trick: str) -> None:
    assert one_line(f"Anna{trick}Weber") == "Anna Weber"


def test_names_in_any_script_stay_as_they_are() -> None:
    for name in ("Jürgen Müller", "Şebnem Öz", "Zażółć", "Дмитрий", "محمد", "王小明", "👩🏽‍💻 Ana"):
        assert one_line(name) == name


def test_line_breaks_stay_where_they_may() -> None:
    assert lines(" one\n\n two\u202e \n") == "one\n\ntwo"


@given(st.text(alphabet="aB3/-. ", max_size=200))
def test_breaking_long_words_changes_no_letter(text: str) -> None:
    assert unbroken(breakable(text)) == text


def test_a_very_long_word_can_be_broken() -> None:
    assert max(map(len, breakable("x" * 300).split("\u200b"))) <= 12


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123456789", "123456789"),
        ("123 456 789", "123456789"),
        ("123-456-789", "123456789"),
        ("Ihr Code: 123 456 789.", "123456789"),
        ("https://help.example:8080/join#123456789", "123456789"),
        ("12a3", "123"),
        ("1234567890123", "123456789"),
        ("١٢٣٤٥٦٧٨٩", ""),
        ("", ""),
    ],
)
def test_the_code_is_found_in_what_was_pasted(typed: str, code: str) -> None:
    assert code_in(typed) == code


@pytest.mark.parametrize(("code", "shown"), [("", ""), ("1234", "123 4"), ("123456789", "123 456 789")])
def test_digits_stand_in_groups_of_three(code: str, shown: str) -> None:
    assert grouped(code) == shown


def test_a_shortened_text_says_so() -> None:
    assert shortened("Anna", most=4) == "Anna"
    assert shortened("Annabelle", most=5) == "Anna…"
