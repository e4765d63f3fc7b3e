"""Two ways to get a record answered: the second when the first fails or stays silent. Knows neither."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from beistand.protocol.errors import BeistandError, RateLimited, Unavailable
from beistand.protocol.messages import Recorded

Attempt = Callable[[], Awaitable[Recorded]]


async def either(attempts: Sequence[Attempt], *, after: float) -> Recorded | None:
    """The first answer that settles it, refusals raised; None if no way gave one.

    The next attempt starts when those before it have failed, or been silent for `after` seconds; all go on
    until one settles it. A record that arrives by both ways is taken in once.
    """
    running: list[asyncio.Future[Recorded]] = []
    try:
        for attempt in attempts:
            running.append(asyncio.ensure_future(attempt()))
            await _settled(running, timeout=after)
        await _settled(running, timeout=None)
        settled = next(filter(_settles, running), None)
        return settled.result() if settled else None
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _settled(running: Sequence[asyncio.Future[Recorded]], *, timeout: float | None) -> None:
    """Return once one of them settles it, none can any more, or `timeout` seconds have passed."""
    try:
        async with asyncio.timeout(timeout):
            pending = set(running)
            while pending and not any(map(_settles, running)):
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    except TimeoutError:
        return


def _settles(attempt: asyncio.Future[Recorded]) -> bool:
    """Whether it has an answer or a refusal, not merely failed to get one."""
    if not attempt.done():
        return False
    error = attempt.exception()
    if isinstance(error, BeistandError):
        return not isinstance(error, (Unavailable, RateLimited)) and error.code != BeistandError.code
    return True
