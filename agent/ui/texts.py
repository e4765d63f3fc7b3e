"""The two complete tables of texts, which one to use, and the few phrases that are put together.

Pure but for asking Qt for the system's language and its way to write a time of day.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QLocale, QTime

from agent.ui.english import ENGLISH
from agent.ui.german import GERMAN
from agent.ui.plaintext import one_line
from agent.ui.wording import Problem, Texts
from beistand.protocol.records import Language

TEXTS: Final[Mapping[Language, Texts]] = MappingProxyType({"de": GERMAN, "en": ENGLISH})
_LOCALES: Final[Mapping[Language, QLocale.Language]] = MappingProxyType(
    {"de": QLocale.Language.German, "en": QLocale.Language.English}
)


def language_of(wish: str | None) -> Language:
    """The language wished for, else the system's, else English."""
    name = wish or QLocale.system().name()
    return "de" if name.lower().startswith("de") else "en"


def problem_of(texts: Texts, code: str) -> Problem:
    """The plain words for an error code; an unknown code is an internal error."""
    return texts.problems.get(code, texts.problems["internal"])


def duration(texts: Texts, seconds: int) -> str:
    """A length of time as people say it: seconds below a minute, else whole minutes rounded up."""
    if seconds < 60:
        return _counted(texts.second, texts.seconds, max(0, seconds))
    hours, minutes = divmod(-(-seconds // 60), 60)
    parts = []
    if hours:
        parts.append(_counted(texts.hour, texts.hours, hours))
    if minutes:
        parts.append(_counted(texts.minute, texts.minutes, minutes))
    return f" {texts.and_word} ".join(parts)


def clock(seconds: float) -> str:
    """A running clock: 3:07, 1:03:07."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def time_of_day(texts: Texts, at: datetime) -> str:
    """Hours and minutes on the person's clock, the way the language writes them."""
    local = at.astimezone()
    system = QLocale.system()
    wanted = _LOCALES[texts.language]
    locale = system if system.language() == wanted else QLocale(wanted)
    return locale.toString(QTime(local.hour, local.minute), QLocale.FormatType.ShortFormat)


def names(texts: Texts, people: Iterable[str]) -> str:
    """Several people as one phrase, each once."""
    unique = list(dict.fromkeys(one_line(person) or texts.someone for person in people))
    if len(unique) < 2:
        return "".join(unique)
    return f"{', '.join(unique[:-1])} {texts.and_word} {unique[-1]}"


def _counted(one: str, many: str, count: int) -> str:
    return (one if count == 1 else many).format(count=count)
