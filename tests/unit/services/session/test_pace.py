"""Chat is limited per session and side, and only for a while."""

from datetime import UTC, datetime, timedelta

import pytest

from beistand.protocol.errors import RateLimited
from services.session.pace import LINES, WITHIN, Pace

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_a_flood_is_refused_until_it_has_passed() -> None:
    pace = Pace()
    for number in range(LINES):
        pace.take("a", "technician", now=NOW + timedelta(milliseconds=number))
    with pytest.raises(RateLimited):
        pace.take("a", "technician", now=NOW + WITHIN / 2)
    pace.take("a", "technician", now=NOW + WITHIN + timedelta(seconds=1))


def test_sides_and_sessions_do_not_count_for_each_other() -> None:
    pace = Pace()
    for _ in range(LINES):
        pace.take("a", "technician", now=NOW)
    pace.take("a", "customer", now=NOW)
    pace.take("b", "technician", now=NOW)


def test_what_is_past_is_forgotten() -> None:
    pace = Pace()
    pace.take("a", "technician", now=NOW)
    pace.take("b", "technician", now=NOW + 2 * WITHIN)
    assert [key for key, _ in pace._said] == ["b"]
