"""The customer's chat lines on their way: one after the other, each until it is answered."""

import asyncio
from collections.abc import Awaitable, Callable

from beistand.protocol.errors import BeistandError, RateLimited, Unavailable
from beistand.protocol.messages import ChatUp

PAUSE_S = 2.0
WAITING = 100
"""Lines that may wait; more are refused."""

Send = Callable[[ChatUp], Awaitable[None]]


class ChatOut:
    """Lines not delivered yet, in the order in which they were said."""

    def __init__(
        self, send: Send, *, delivered: Callable[[str], None], failed: Callable[[BeistandError], None]
    ) -> None:
        self._send = send
        self._delivered = delivered
        self._failed = failed
        self._waiting: asyncio.Queue[ChatUp] = asyncio.Queue(WAITING)

    def say(self, line: ChatUp) -> None:
        """Send the line when its turn comes; RateLimited if too many wait."""
        if self._waiting.full():
            raise RateLimited
        self._waiting.put_nowait(line)

    async def run(self) -> None:
        """Deliver until cancelled; the same id on every try, so a line is stored once."""
        while True:
            await self._deliver(await self._waiting.get())

    async def _deliver(self, line: ChatUp) -> None:
        while True:
            try:
                await self._send(line)
            except (Unavailable, RateLimited):
                await asyncio.sleep(PAUSE_S)
            except BeistandError as error:
                return self._failed(error)
            else:
                return self._delivered(line.id)
