"""Signed records on their way to the services, until each is answered: nothing that was signed gets lost.

The first try of each is at once, so that no stop waits behind another record; repetitions keep the order of
signing. Knows no NATS: what sends is an argument.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.engine.tasks import Tasks
from beistand.protocol.errors import BadSignature, BeistandError, RateLimited, Unavailable
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
        self._is_welcome = True

    def post(self, outgoing: Outgoing) -> None:
        """Send it now, and again until it is answered; `delayed` is called if the first try fails."""
        self._waiting.append(outgoing)
        self._tasks.start(f"deliver-{outgoing.verb}", self._deliver(outgoing))

    def hold(self) -> None:
        """The connection is lost: nothing is repeated and no question answered before the next hello."""
        self._is_welcome = False

    def welcome(self) -> None:
        """The hello was taken: go on with what waits."""
        self._is_welcome = True
        self._wake()

    async def end_delivered(self) -> None:
        """Return once no end of the session waits for its answer; what else waits is moot then."""
        while any(outgoing.verb is Up.ENDED for outgoing in self._waiting):
            await self._changed.wait()

    async def _deliver(self, outgoing: Outgoing) -> None:
        pause, is_first = FIRST_PAUSE_S, True
        answer = await self._try(outgoing, is_first=True)
        while answer is None:
            if is_first:
                self._delayed(outgoing.verb)
                is_first = False
            await self._rest(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
            answer = await self._try(outgoing, is_first=False)
        self._waiting.remove(outgoing)
        self._wake()
        outgoing.answered(answer)

    def _may_go(self, outgoing: Outgoing, *, is_first: bool) -> bool:
        # A hello brings us back in, and the end makes everything before it moot: they wait for nothing.
        if outgoing.verb in (Up.HELLO, Up.ENDED):
            return True
        if not self._is_welcome:
            return is_first and outgoing.verb is not Up.DECISION
        return is_first or self._waiting[0] is outgoing

    async def _try(self, outgoing: Outgoing, *, is_first: bool) -> Answer | None:
        """The answer, or None if there was none that settles it."""
        if not self._may_go(outgoing, is_first=is_first):
            return None
        try:
            return await self._send(outgoing.verb, outgoing.message)
        except (Unavailable, RateLimited):
            return None
        except BadSignature as refusal:
            # It may have overtaken the record before it: then its turn comes again.
            return refusal if self._waiting[0] is outgoing else None
        except BeistandError as refusal:
            return None if refusal.code == BeistandError.code else refusal

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
