"""`beistand verify FILE`: whether a receipt is genuine (exit code 0, else 1), and what it tells. Offline."""

import argparse
import io
import locale
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from beistand import story
from beistand.cli.main import fail
from beistand.protocol import receipt
from beistand.protocol.errors import InvalidMessage
from beistand.protocol.records import Language
from beistand.protocol.signing import public_key_of_agent
from beistand.story_texts import TEXTS

MOST_COLUMNS = 100
_CONSENT_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def run(arguments: Sequence[str]) -> None:
    """Print the story and the verdict; exit with 0, 1 (not genuine) or 2 (no such file, wrong usage)."""
    options = _parser().parse_args(arguments)
    try:
        text = options.file.read_bytes()
    except OSError as error:
        fail(f"{options.file}: {error.strerror}", code=2)
    verdict = receipt.verify(text, agent_key=options.agent_key, consent_key=options.consent_key)
    language: Language = options.language or _system_language()
    _print(verdict, language)
    sys.exit(0 if verdict.ok else 1)


def _print(verdict: receipt.Verdict, language: Language) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a name must not be unprintable on a narrow terminal
    colourful = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    columns = min(MOST_COLUMNS, shutil.get_terminal_size((MOST_COLUMNS, 24)).columns)
    for line in _lines(verdict, language, columns=columns, paint=_painted if colourful else _plain):
        print(line)


def _lines(verdict: receipt.Verdict, language: Language, *, columns: int, paint: "_Paint") -> Iterator[str]:
    """Everything that is printed, line by line."""
    texts = TEXTS[language]
    title, session = story.heading(verdict, texts)
    yield paint(title, _BOLD)
    if session:
        yield session
    for line in story.tell(verdict, texts):
        if line.day:
            yield from ("", paint(line.day, _BOLD))
        number = "" if line.number is None else str(line.number)
        yield from _wrapped(f"{number:>4}  {line.time}  ", line.text, columns)
        for detail in line.details:
            yield from _wrapped(" " * 16, detail, columns)
    yield ""
    yield from _judged(story.judge(verdict, texts), columns, paint)


def _judged(judgement: story.Judgement, columns: int, paint: "_Paint") -> Iterator[str]:
    for line in _wrapped("", judgement.sentence, columns):
        yield paint(line, _GREEN if judgement.ok else _RED)
    yield from _wrapped("", judgement.note, columns)
    width = max((len(name) for name, _ in judgement.keys), default=0)
    for name, key in judgement.keys:
        yield f"  {name:{width}}  {key}"


def _wrapped(start: str, text: str, columns: int) -> list[str]:
    hanging = " " * len(start)
    return textwrap.wrap(text, max(columns, len(start) + 30), initial_indent=start, subsequent_indent=hanging)


class _Paint:
    """Gives a text a look."""

    def __init__(self, *, colourful: bool) -> None:
        self._colourful = colourful

    def __call__(self, text: str, look: str) -> str:
        return f"\x1b[{look}m{text}\x1b[0m" if self._colourful else text


_BOLD, _GREEN, _RED = "1", "1;32", "1;31"
_painted, _plain = _Paint(colourful=True), _Paint(colourful=False)


def _system_language() -> Language:
    wished = next((os.environ[name] for name in _VARIABLES if os.environ.get(name)), None)
    name = wished or locale.getlocale()[0] or ""
    return "de" if name.lower().startswith(("de", "german")) else "en"


def _agent_key(text: str) -> str:
    try:
        public_key_of_agent(text)
    except InvalidMessage as error:
        raise argparse.ArgumentTypeError("not a device's key (U and 55 characters)") from error
    return text


def _consent_key(text: str) -> str:
    if not _CONSENT_KEY.fullmatch(text):
        raise argparse.ArgumentTypeError("not a consent service's key (43 characters, as in consent.pub)")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="beistand verify",
        description="Check the receipt of a session, offline, and tell what happened in it. "
        "Exit code 0: genuine; 1: not genuine; 2: no such file, or wrong usage.",
        epilog="Without the two keys this proves that nobody without the receipt's own keys changed it, "
        "not whose it is.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the receipt")
    parser.add_argument("--language", choices=("de", "en"), help="of the story (default: the system's)")
    parser.add_argument(
        "--agent-key", type=_agent_key, metavar="U...", help="the device that must have signed"
    )
    parser.add_argument(
        "--consent-key", type=_consent_key, metavar="KEY", help="the consent service that must have signed"
    )
    return parser
