"""Strangers are slowed down one by one, and remembering them costs bounded memory."""

from datetime import UTC, datetime, timedelta

import pytest

from beistand.protocol.errors import RateLimited
from services.gateway import pace
from services.gateway.domain import Limit
from services.gateway.pace import Pace

pytestmark = pytest.mark.unit

NOW = datetime(2030, 1, 1, tzinfo=UTC)
TWO = Limit(attempts=2, window_s=60)


def test_one_too_many_is_refused_until_the_window_is_over() -> None:
    counted = Pace()
    counted.take(TWO, "a", now=NOW)
    counted.take(TWO, "a", now=NOW)
    with pytest.raises(RateLimited):
        counted.take(TWO, "a", now=NOW)
    counted.take(TWO, "b", now=NOW)
    counted.take(TWO, "a", now=NOW + timedelta(seconds=60))


def test_only_so_many_callers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MAX_CALLERS", 2)
    counted = Pace()
    for caller in ("a", "a", "b", "c"):
        counted.take(TWO, caller, now=NOW)
    counted.take(TWO, "a", now=NOW)  # forgotten, so it begins anew
    assert len(counted._attempts) == 2
