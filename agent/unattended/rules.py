"""Whether a technician may come in now, by this device's own rules, whatever anybody else says. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from agent.unattended.standing import Standing
from beistand.protocol import terms
from beistand.protocol.terms import Rule


@dataclass(frozen=True)
class Clock:
    """The latest time known, and when that was by a clock nobody sets (seconds, monotonic).

    A wall clock that was turned back is not believed: what has passed stays passed.
    """

    latest: datetime
    at: float

    def now(self, *, wall: datetime, monotonic: float) -> datetime:
        """The latest of the wall clock and of all that was ever known."""
        return max(wall, self.latest + timedelta(seconds=max(0.0, monotonic - self.at)))

    def heard(self, time: datetime, *, wall: datetime, monotonic: float) -> "Clock":
        """With one more time that was proven, or read off the wall clock."""
        now = max(time, self.now(wall=wall, monotonic=monotonic))
        return replace(self, latest=now, at=monotonic)


def refusal(
    standing: Standing | None,
    *,
    technician_id: str,
    now: datetime,
    zones: Iterable[tzinfo],
    is_busy: bool = False,
) -> Rule | None:
    """The rule that says no, or None.

    `zones`: of the device's clock, now and when it enrolled. Each must say yes, so that whoever sets another
    zone gains nothing by it.
    """
    if standing is None:
        return Rule.NOT_ENROLLED
    if standing.is_paused:
        return Rule.PAUSED
    for zone in zones:
        refused = terms.refusal(standing.terms, technician_id=technician_id, now=now, zone=zone)
        if refused is not None:
            return refused
    return Rule.BUSY if is_busy else None


def is_expired(standing: Standing, *, now: datetime) -> bool:
    """Whether its time is over for good."""
    return now >= standing.terms.until
