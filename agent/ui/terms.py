"""The terms of unattended access in plain words, for the question as for what reminds of the answer."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from PySide6.QtCore import QDate, QLocale

from agent.ui.plaintext import one_line
from agent.ui.texts import LOCALES, names, time_of_day
from agent.ui.wording import Texts
from beistand.protocol.terms import MINUTES_OF_A_DAY, Terms

_WEEK = 7


def rules(texts: Texts, terms: Terms, *, organisation: str) -> tuple[str, ...]:
    """Who; until when; on which days and at which hours: a line each."""
    said = texts.standing
    days = said.every_day if len(terms.days) == _WEEK else said.days.format(days=_days(texts, terms.days))
    is_any_hour = (terms.from_minute, terms.to_minute) == (0, MINUTES_OF_A_DAY)
    begin, end = _clock(terms.from_minute), _clock(terms.to_minute)
    hours = said.any_hour if is_any_hour else said.hours.format(begin=begin, end=end)
    people = names(texts, (technician.name for technician in terms.technicians))
    who = said.only if terms.technicians else said.everybody
    return (
        who.format(technicians=people, organisation=one_line(organisation)),
        said.until.format(until=day_and_time(texts, terms.until)),
        f"{days} · {hours}",
    )


def day_and_time(texts: Texts, at: datetime) -> str:
    """On the person's clock, the way the language writes it."""
    local = at.astimezone()
    day = QLocale(LOCALES[texts.language]).toString(
        QDate(local.year, local.month, local.day), QLocale.FormatType.LongFormat
    )
    return texts.standing.day_and_time.format(day=day, time=time_of_day(texts, at))


def _days(texts: Texts, days: Sequence[int]) -> str:
    """Monday to Friday as such, all else one by one."""
    named = [texts.standing.weekdays[day] for day in days]
    follow = all(later - day == 1 for day, later in pairwise(days))
    if len(days) > 2 and follow:
        return texts.standing.days_through.format(first=named[0], last=named[-1])
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} {texts.and_word} {named[-1]}"


def _clock(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"
