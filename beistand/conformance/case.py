"""What a case is, and how it says that a law does not hold."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from beistand.protocol.errors import BeistandError

if TYPE_CHECKING:
    from beistand.conformance.scene import Scene

PATIENCE_S = 10.0
"""How long anything that must happen may take; how fast it is, the benchmarks say."""

T = TypeVar("T")
Act = Callable[["Scene"], Awaitable[None]]


class Broken(Exception):
    """A law does not hold here; the text says what happened instead."""


class NotRun(Exception):
    """The case needs something that was not given; the text says what."""


@dataclass(frozen=True)
class Case:
    """One law, one way to break it. `slow`: waits for minutes, so only run when asked for."""

    law: int
    act: Act
    slow: bool = False

    @property
    def name(self) -> str:
        """How it is called on the command line."""
        return str(getattr(self.act, "__name__", "case")).replace("_", "-")

    @property
    def proves(self) -> str:
        """What holds if it passes, in one sentence."""
        return (inspect.getdoc(self.act) or "").partition("\n")[0].removesuffix(".")


def of_law(law: int, *acts: Act) -> tuple[Case, ...]:
    """The cases of one law; the first line of each docstring is what it proves."""
    return tuple(Case(law, act) for act in acts)


def require(holds: object, otherwise: str) -> None:
    """Broken, saying `otherwise`, unless `holds`."""
    if not holds:
        raise Broken(otherwise)


def given(value: T | None, otherwise: str) -> T:
    """The value, or Broken, saying `otherwise`, if there is none."""
    if value is None:
        raise Broken(otherwise)
    return value


async def within(what: str, awaited: Awaitable[T]) -> T:
    """What was awaited, or Broken if it does not come in time."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await awaited
    except TimeoutError:
        raise Broken(f"{what}: not within {PATIENCE_S:.0f} s") from None


async def refused(what: str, attempt: Awaitable[object], *expected: type[BeistandError]) -> None:
    """The attempt must be refused, and with one of these errors (subclasses count)."""
    try:
        await attempt
    except expected:
        return
    except BeistandError as error:
        raise Broken(f"{what} was refused with {error.code}, not {_codes(expected)}") from error
    raise Broken(f"{what} was not refused")


def _codes(expected: tuple[type[BeistandError], ...]) -> str:
    return " or ".join(error.code for error in expected)
