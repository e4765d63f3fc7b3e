"""Whether a technician may come in now, as this device sees it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.unattended import backoff
from agent.unattended.rules import Clock, is_expired, refusal
from agent.unattended.standing import Standing
from agent.unattended.zone import name_of_this_machine, of_this_machine, zone_of
from beistand.protocol.terms import Rule
from tests.support.questions import an_id
from tests.support.standing import TINA, ADevice, some_terms

pytestmark = pytest.mark.unit
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
MONDAY = datetime(2026, 10, 19, tzinfo=UTC)
"""A week before Berlin's clocks go back, on Sunday the 25th at 3:00."""


def _standing(**terms: object) -> Standing:
    wanted = some_terms(**{"until": MONDAY + timedelta(days=20), **terms})
    return ADevice(wanted, enrolled_at=MONDAY).standing()


def _says(standing: Standing | None, at: datetime, *, who: str = TINA.id, **more: bool) -> Rule | None:
    return refusal(standing, technician_id=who, now=at, zones=(BERLIN,), **more)


def test_each_rule() -> None:
    office = _standing(days=(0, 1, 2, 3, 4), from_minute=9 * 60, to_minute=17 * 60)
    at_ten = MONDAY.replace(hour=8)  # in Berlin
    paused, _ = office.switched(paused=True, key=ADevice().key, device_time=MONDAY)
    assert _says(office, at_ten) is None
    assert _says(None, at_ten) is Rule.NOT_ENROLLED
    assert _says(paused, at_ten) is Rule.PAUSED
    assert _says(office, at_ten, is_busy=True) is Rule.BUSY
    assert _says(office, at_ten, who=an_id("Bob")) is Rule.WRONG_TECHNICIAN
    assert _says(office, at_ten + timedelta(days=5)) is Rule.WRONG_DAY
    assert _says(office, at_ten - timedelta(hours=2)) is Rule.WRONG_HOUR
    assert _says(office, at_ten + timedelta(days=30), is_busy=True) is Rule.EXPIRED


def test_nobody_named_is_everybody_of_the_organisation() -> None:
    assert _says(_standing(technicians=()), MONDAY, who=an_id("Bob")) is None


@pytest.mark.parametrize(
    ("utc", "refused"),
    [
        ("2026-10-25T00:29", Rule.WRONG_HOUR),  # 2:29 summer time
        ("2026-10-25T00:30", None),
        ("2026-10-25T00:59", None),  # 2:59 summer time
        ("2026-10-25T01:00", Rule.WRONG_HOUR),  # 2:00 again
        ("2026-10-25T01:30", None),
        ("2026-10-25T02:00", Rule.WRONG_HOUR),  # 3:00
    ],
)
def test_an_hour_that_comes_twice(utc: str, refused: Rule | None) -> None:
    half_past_two = _standing(from_minute=2 * 60 + 30, to_minute=3 * 60)
    assert _says(half_past_two, datetime.fromisoformat(utc).replace(tzinfo=UTC)) is refused


def test_another_zone_gains_nothing() -> None:
    office = _standing(from_minute=9 * 60, to_minute=17 * 60)
    at_twenty = MONDAY.replace(hour=18)  # in Berlin; 14:00 in New York
    for zones in ((BERLIN, NEW_YORK), (NEW_YORK, BERLIN)):
        refused = refusal(office, technician_id=TINA.id, now=at_twenty, zones=zones)
        assert refused is Rule.WRONG_HOUR


times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


@given(st.lists(st.tuples(times, st.floats(0, 1e6)), min_size=1), times)
def test_time_never_goes_back(steps: list[tuple[datetime, float]], start: datetime) -> None:
    clock, before, monotonic = Clock(start, 0.0), start, 0.0
    for wall, passed in steps:
        monotonic += passed
        now = clock.now(wall=wall, monotonic=monotonic)
        assert now >= max(wall, before)
        clock, before = clock.heard(wall, wall=wall, monotonic=monotonic), now


def test_a_clock_turned_back_extends_nothing() -> None:
    standing = _standing(until=MONDAY + timedelta(days=1))
    clock = Clock(MONDAY, 0.0).heard(MONDAY + timedelta(hours=23), wall=MONDAY, monotonic=5.0)
    turned_back = clock.now(wall=MONDAY - timedelta(days=300), monotonic=5.0 + 3599)
    assert not is_expired(standing, now=turned_back)
    later = clock.now(wall=MONDAY - timedelta(days=300), monotonic=5.0 + 3600)
    assert is_expired(standing, now=later)
    assert _says(standing, later) is Rule.EXPIRED


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 1))
def test_attempts_come_neither_too_fast_nor_never(failures: int, refusals: int, chance: float) -> None:
    pause = backoff.pause_s(failures, refusals=refusals, chance=chance)
    seldom = refusals >= backoff.REFUSED_OFTEN
    assert backoff.SHORTEST_S <= pause <= (backoff.SELDOM_S if seldom else backoff.LONGEST_S)
    assert not seldom or pause >= backoff.SELDOM_S / 2


def test_the_longest_pause_doubles_up_to_a_minute() -> None:
    longest = [backoff.pause_s(each, refusals=0, chance=1.0) for each in range(8)]
    assert longest == [4, 8, 16, 32, 60, 60, 60, 60]


def test_this_machine_has_a_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert zone_of(name_of_this_machine()) is not None
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert name_of_this_machine() == "Europe/Berlin"
    assert of_this_machine() == BERLIN
    monkeypatch.setenv("TZ", "../../etc/passwd")
    assert zone_of(name_of_this_machine()) is not None
