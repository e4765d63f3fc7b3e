"""What a person allowed in advance, and the one function that says whether it holds now.

Pure: the time is an argument, and so is the zone of the device's clock. The device decides by it; the session
service asks it too, so that a technician is told at once which rule says no. See ADR 0012.
"""

from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from beistand.protocol.ids import Id

DEFAULT_TERM = timedelta(days=14)
MAX_TERM = timedelta(days=90)
"""Never longer, and never without an end."""
MINUTES_OF_A_DAY = 24 * 60

Weekday = Annotated[int, Field(ge=0, le=6)]
"""0 is Monday."""
Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{1,64}$")]
"""A time zone by its IANA name."""


class Rule(StrEnum):
    """Why unattended access is not possible now. Stable codes, shown to technicians and to the person."""

    NOT_ENROLLED = "not_enrolled"
    EXPIRED = "expired"
    WRONG_TECHNICIAN = "wrong_technician"
    WRONG_DAY = "wrong_day"
    WRONG_HOUR = "wrong_hour"
    PAUSED = "paused"
    WITHDRAWN = "withdrawn"
    GIVEN_UP = "given_up"
    CLONED = "cloned"
    BUSY = "busy"
    OFFLINE = "offline"


class Technician(BaseModel):
    """One technician, as the person was shown them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    name: Annotated[str, Field(min_length=1, max_length=120)]


class Terms(BaseModel):
    """Who may come in unattended, until when, on which days and at which hours of the device's own clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    technicians: tuple[Technician, ...] = Field(default=(), max_length=20)
    """Nobody named: every technician of the organisation."""
    until: AwareDatetime
    days: tuple[Weekday, ...] = Field(default=tuple(range(7)), min_length=1, max_length=7)
    from_minute: int = Field(default=0, ge=0, lt=MINUTES_OF_A_DAY)
    to_minute: int = Field(default=MINUTES_OF_A_DAY, gt=0, le=MINUTES_OF_A_DAY)
    """Minutes since midnight, the last one exclusive; hours do not cross midnight."""

    @model_validator(mode="after")
    def _is_a_time(self) -> "Terms":
        if self.from_minute >= self.to_minute:
            raise ValueError("The hours end before they begin.")
        if tuple(sorted(set(self.days))) != self.days:
            raise ValueError("Days are named once and in order.")
        return self


def refusal(terms: Terms, *, technician_id: str, now: datetime, zone: tzinfo) -> Rule | None:
    """The rule that says no to this technician at this moment, or None."""
    if now >= terms.until:
        return Rule.EXPIRED
    if terms.technicians and technician_id not in {technician.id for technician in terms.technicians}:
        return Rule.WRONG_TECHNICIAN
    local = now.astimezone(zone)
    if local.weekday() not in terms.days:
        return Rule.WRONG_DAY
    if not terms.from_minute <= local.hour * 60 + local.minute < terms.to_minute:
        return Rule.WRONG_HOUR
    return None


def is_too_long(terms: Terms, *, asked_at: datetime) -> bool:
    """Whether this lasts longer than anybody may allow, or is over before it begins."""
    return not asked_at < terms.until <= asked_at + MAX_TERM
