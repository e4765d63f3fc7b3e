"""The code in what a person types or clicks."""

import pytest

from agent.engine import join
from beistand.protocol.errors import CodeRefused

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "text",
    [
        "123456789",
        " 123 456 789 ",
        "123-456-789",
        "beistand://join/123456789",
        "beistand://join/#123456789",
        "beistand://join#123456789",
        "https://support.example.org/join#123456789",
    ],
)
def test_the_code_in_what_a_person_has(text: str) -> None:
    assert join.code_of(text) == "123456789"


@pytest.mark.parametrize(
    "text",
    ["", "12345678", "1234567890", "12345678a", "１２３４５６７８９", "https://x/join", "beistand://join/"],
)
def test_no_code(text: str) -> None:
    with pytest.raises(CodeRefused):
        join.code_of(text)
