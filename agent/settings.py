"""What the agent is told at its start, by environment and command line, and what it keeps between starts."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from agent.engine.address import is_this_machine
from agent.engine.encode import Kind
from beistand.protocol.records import Language


def _gateway(value: str) -> str:
    """An address without a slash at its end; the code crosses no network in the clear."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address like https://support.example.org")
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise ValueError("must begin with https:// unless it is on this machine")
    return value.rstrip("/")


Gateway = Annotated[str, AfterValidator(_gateway)]


def _names(value: object) -> object:
    """A comma list, as environment variables carry it."""
    return tuple(name.strip() for name in value.split(",")) if isinstance(value, str) else value


Encoders = Annotated[tuple[Kind, ...], NoDecode, BeforeValidator(_names), Field(min_length=1)]


class AgentSettings(BaseSettings):
    """`BEISTAND_PUBLIC_URL`: the gateway this agent belongs to, unless the command line names one.

    `BEISTAND_AGENT_ENCODERS`: the encoders it may use, best first; `vp9,jpeg` leaves GPL code unused.
    """

    model_config = SettingsConfigDict(env_prefix="BEISTAND_", frozen=True)

    public_url: Gateway = "http://localhost:8080"
    agent_encoders: Encoders = tuple(Kind)


@dataclass(frozen=True)
class Options:
    """The command line. Nothing in it answers a question or joins by itself."""

    gateway: str | None
    code: str | None
    language: Language | None
    geometry_file: Path | None
    state: Path
    background: bool = False
    """Started at sign-in: no window until something needs the person."""


def parse_options(arguments: Sequence[str]) -> Options:
    """The options of `beistand agent`; exits with a one-line error on wrong ones."""
    parser = argparse.ArgumentParser(prog="beistand agent", description="The customer's side of Beistand.")
    parser.add_argument("link", nargs="?", help="join link (beistand://join/...) or code, to be looked up")
    parser.add_argument("--code", help="join code or link, to be looked up")
    parser.add_argument("--gateway", metavar="URL", help="the support service's address")
    parser.add_argument("--language", choices=get_args(Language), help="instead of the system's language")
    parser.add_argument("--geometry-file", type=Path, metavar="PATH", help="keep the buttons' places there")
    parser.add_argument("--state", type=Path, metavar="DIR", default=default_state(), help="what is kept")
    parser.add_argument("--background", action="store_true", help="no window until there is a reason")
    given = parser.parse_args(arguments)
    return Options(
        gateway=given.gateway,
        code=given.code or given.link,
        language=given.language,
        geometry_file=given.geometry_file,
        state=given.state,
        background=given.background,
    )


def gateway_of(options: Options) -> str:
    """The gateway in use; ValueError with one sentence that names the setting."""
    name = "--gateway" if options.gateway else "BEISTAND_PUBLIC_URL"
    try:
        if options.gateway:
            return TypeAdapter(Gateway).validate_python(options.gateway)
        return AgentSettings().public_url
    except ValidationError as error:
        raise ValueError(f"{name}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def encoders() -> tuple[Kind, ...]:
    """The encoders that may be used, best first; ValueError with one sentence that names the setting."""
    try:
        return AgentSettings().agent_encoders
    except ValidationError as error:
        wrong = next((each for each in error.errors() if each["loc"][0] == "agent_encoders"), None)
        if wrong is None:
            return tuple(Kind)
        raise ValueError(f"BEISTAND_AGENT_ENCODERS: {wrong['msg']}") from None


def default_state() -> Path:
    """Where this person's programs keep what they keep."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local" / "state"))
    return base / "beistand-agent"


class Preferences:
    """What the person chose, kept in a file; without the file, or with a broken one, there is no choice."""

    def __init__(self, state: Path) -> None:
        self._file = state / "preferences.json"
        self._language: Language | None = None

    def language(self) -> Language | None:
        """The language chosen in an earlier run."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(self._file.read_text(encoding="utf-8"))["language"]
            return TypeAdapter[Language](Language).validate_python(found)
        return None

    def remember_language(self, language: Language) -> None:
        """Keep a choice; the first language told is what the windows start with, and no choice."""
        before, self._language = self._language, language
        if before in (None, language):
            return
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps({"language": language}), encoding="utf-8")
