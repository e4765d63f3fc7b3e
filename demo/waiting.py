"""Waiting for something to become true, with a deadline and a sentence about what did not happen."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.02


class NeverHappenedError(Exception):
    """What was waited for did not happen in time."""


async def until(what: str, probe: Callable[[], T | None], *, timeout: float = 15.0) -> T:
    """The first true answer of `probe`; NeverHappenedError naming `what` after `timeout` seconds."""

    async def asked() -> T | None:
        return probe()

    return await until_told(what, asked, timeout=timeout)


async def until_told(what: str, probe: Callable[[], Awaitable[T | None]], *, timeout: float = 15.0) -> T:
    """The same, of something that has to be asked for."""
    try:
        async with asyncio.timeout(timeout):
            while True:
                found = await probe()
                if found:
                    return found
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise NeverHappenedError(f"waited {timeout:.0f} s for: {what}") from None
