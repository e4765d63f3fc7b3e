"""The two complete tables of texts, which one to use, and the few phrases that are put together.

Pure but for asking Qt for the system's language and its way to write a time of day.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QLocale, QTime

from agent.port import Access, Used
from agent.ui.english import ENGLISH
from agent.ui.german import GERMAN
from agent.ui.plaintext import one_line
from agent.ui.wording import Problem, Texts
from beistand.protocol.capabilities import Capability
from beistand.protocol.records import InputCounts, Language

TEXTS: Final[Mapping[Language, Texts]] = MappingProxyType({"de": GERMAN, "en": ENGLISH})
LOCALES: Final[Mapping[Language, QLocale.Language]] = MappingProxyType(
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
    wanted = LOCALES[texts.language]
    locale = system if system.language() == wanted else QLocale(wanted)
    return locale.toString(QTime(local.hour, local.minute), QLocale.FormatType.ShortFormat)


def names(texts: Texts, people: Iterable[str]) -> str:
    """Several people as one phrase, each once."""
    unique = list(dict.fromkeys(one_line(person) or texts.someone for person in people))
    if len(unique) < 2:
        return "".join(unique)
    return f"{', '.join(unique[:-1])} {texts.and_word} {unique[-1]}"


def minute_of(texts: Texts, accesses: Iterable[Access]) -> str:
    """Changes with the people, the language and the full minute: how often live figures are read aloud."""
    turns = (f"{access.grant_id}:{access.lasted_s // 60}" for access in accesses)
    return " ".join((texts.language, *turns))


def counts(texts: Texts, done: InputCounts) -> str:
    """What was clicked and typed, by number; movements of the pointer only if there was nothing else."""
    kinds = (
        (texts.click, texts.clicks, done.clicks),
        (texts.key, texts.keys, done.keys),
        (texts.character, texts.characters, done.characters),
    )
    said = ", ".join(_counted(one, many, count) for one, many, count in kinds if count)
    return said or (texts.counted_moves if done.moves or done.wheel_steps else texts.counted_nothing)


def summaries(texts: Texts, used: Iterable[Used]) -> tuple[str, ...]:
    """What became of every permission, in a sentence for each person and kind of access."""
    together: dict[tuple[Capability, str], tuple[int, InputCounts]] = {}
    for each in used:
        who = (each.capability, one_line(each.technician) or texts.someone)
        seconds, done = together.get(who, (0, InputCounts()))
        together[who] = seconds + each.used_s, _sum(done, each.input)
    return tuple(_summary(texts, *who, *what) for who, what in together.items())


def _summary(texts: Texts, capability: Capability, technician: str, seconds: int, done: InputCounts) -> str:
    sentence = (texts.ended_used if seconds else texts.ended_unused)[capability]
    return sentence.format(
        technician=technician, duration=duration(texts, seconds), counts=counts(texts, done)
    )


def _sum(one: InputCounts, other: InputCounts) -> InputCounts:
    more = other.model_dump()
    return InputCounts.model_validate({name: count + more[name] for name, count in one.model_dump().items()})


def _counted(one: str, many: str, count: int) -> str:
    return (one if count == 1 else many).format(count=count)
