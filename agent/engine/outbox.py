"""Signed records on their way to the services, until each is answered: nothing that was signed gets lost.

The first try of each is at once, so that no stop waits behind another record; repetitions keep the order of
signing. Knows no NATS: what sends is an argument.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.engine.tasks import Tasks
from beistand.protocol.errors import BeistandError, RateLimited, Unavailable
from beistand.protocol.messages import Recorded, SignedUp
from beistand.protocol.subjects import Up

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0

Answer = Recorded | BeistandError


@dataclass(frozen=True)
class Outgoing:
    """One signed record; `answered` is called once, with the service's word on it."""

    verb: Up
    message: SignedUp
    answered: Callable[[Answer], None]


Send = Callable[[Up, SignedUp], Awaitable[Recorded]]


class Outbox:
    """Records not answered yet, oldest first. To be used on the event loop only."""

    def __init__(self, send: Send, tasks: Tasks, *, delayed: Callable[[Up], None]) -> None:
        self._send = send
        self._tasks = tasks
        self._delayed = delayed
        self._waiting: list[Outgoing] = []
        self._changed = asyncio.Event()

    def post(self, outgoing: Outgoing) -> None:
        """Send it now, and again until it is answered; `delayed` is called if the first try fails."""
        self._waiting.append(outgoing)
        self._tasks.start(f"deliver-{outgoing.verb}", self._deliver(outgoing))

    def wake(self) -> None:
        """Try again now: the connection is back."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def settled(self) -> None:
        """Return once everything is answered."""
        while self._waiting:
            await self._changed.wait()

    async def _deliver(self, outgoing: Outgoing) -> None:
        pause = FIRST_PAUSE_S
        answer = await self._try(outgoing)
        if answer is None:
            self._delayed(outgoing.verb)
        while answer is None:
            await self._rest(pause)
            if self._is_next(outgoing):
                answer = await self._try(outgoing)
                pause = min(2 * pause, LONGEST_PAUSE_S)
        self._waiting.remove(outgoing)
        self.wake()
        outgoing.answered(answer)

    def _is_next(self, outgoing: Outgoing) -> bool:
        """The end of the session makes everything before it moot, so it waits for nothing."""
        return outgoing.verb is Up.ENDED or self._waiting[0] is outgoing

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    async def _try(self, outgoing: Outgoing) -> Answer | None:
        """The answer, or None if there was none that settles it."""
        try:
            return await self._send(outgoing.verb, outgoing.message)
        except (Unavailable, RateLimited):
            return None
        except BeistandError as refusal:
            return None if refusal.code == BeistandError.code else refusal
