"""No separator, wildcard, space or look-alike ever becomes an identifier."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from beistand.protocol import ids
from beistand.protocol.errors import InvalidMessage

pytestmark = pytest.mark.unit

GOOD = "AAAAAAAAAAAAAAAAAAAAAA"
BAD = [
    "",
    "A" * 21,
    "A" * 23,
    "A" * 21 + ".",
    "A" * 21 + "*",
    "A" * 21 + ">",
    "A" * 21 + " ",
    "A" * 21 + "\n",
    GOOD + "\n",
    "\n" + GOOD,
    "A" * 21 + "А",
    "A" * 21 + "\x00",
    "A" * 1024 * 1024,
]


@given(st.binary(min_size=16, max_size=16))
def test_sixteen_bytes_make_an_identifier(randomness: bytes) -> None:
    assert ids.identifier(ids.id_from(randomness)) == ids.id_from(randomness)


@given(st.binary().filter(lambda raw: len(raw) != 16))
def test_other_lengths_make_none(randomness: bytes) -> None:
    with pytest.raises(InvalidMessage):
        ids.id_from(randomness)


@pytest.mark.parametrize("value", BAD)
def test_what_is_no_identifier_is_refused_everywhere(value: str) -> None:
    with pytest.raises(InvalidMessage):
        ids.identifier(value)
    with pytest.raises(ValidationError):
        TypeAdapter(ids.Id).validate_python(value)


@pytest.mark.parametrize("value", ["", "a" * 33, "a.b", "a*", ">", "a b", "acme\n", "ácme", "a\x00"])
def test_what_is_no_organisation_is_refused_everywhere(value: str) -> None:
    with pytest.raises(InvalidMessage):
        ids.org(value)
    with pytest.raises(ValidationError):
        TypeAdapter(ids.OrgId).validate_python(value)


@given(st.text())
def test_model_and_constructor_agree(value: str) -> None:
    assert _passes(ids.identifier, value) == _passes(TypeAdapter(ids.Id).validate_python, value)
    assert _passes(ids.org, value) == _passes(TypeAdapter(ids.OrgId).validate_python, value)


@given(st.text())
def test_what_passes_is_one_token(value: str) -> None:
    if _passes(ids.org, value):
        assert value.isascii()
        assert not set(value) & set(".*> \t\r\n")


@pytest.mark.parametrize(
    "code", ["12345678", "1234567890", "12345678x", "12345678٣", "123456789\n", " 12345678"]
)
def test_a_code_is_nine_ascii_digits(code: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ids.JoinCode).validate_python(code)


def _passes(check: object, value: str) -> bool:
    try:
        check(value)  # type: ignore[operator]
    except (InvalidMessage, ValidationError):
        return False
    return True
