"""docs/api.md says what the code says."""

from pathlib import Path

import pytest

from services.gateway import reference

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[4] / "docs" / "api.md"


def test_the_page_is_fresh() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == reference.text(), "run: python -m services.gateway.reference > docs/api.md"


def test_no_operation_is_open_to_everybody_but_five() -> None:
    open_ones = [line for line in reference.text().splitlines() if "everybody, limited" in line]
    assert [line.split("`")[1] for line in open_ones] == [
        "POST /v1/auth/token",
        "POST /v1/join",
        "POST /v1/receipts",
        "POST /v1/agent/records",
        "POST /v1/agent/device-records",
    ]
