"""Signed records on their way to the services, until each is answered: nothing that was signed gets lost.

The first try of each is at once, so that no stop waits behind another record; repetitions keep the order of
signing, but nothing waits for a summary of use. What stops something, and summaries, have a second way, for
when the first fails or stays silent. Knows no NATS and no HTTP: what sends is an argument.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from agent.engine.tasks import Tasks
from agent.engine.ways import either
from beistand.protocol.errors import BadSignature, BeistandError
from beistand.protocol.messages import Recorded, SignedUp
from beistand.protocol.subjects import POSTED, Up

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
SILENCE_S = 0.4
"""How long the connection may keep us waiting before the second way is tried, too."""

Answer = Recorded | BeistandError


@dataclass(frozen=True)
class Outgoing:
    """One signed record; `answered` is called once, with the service's word on it."""

    verb: Up
    message: SignedUp
    answered: Callable[[Answer], None]


Send = Callable[[Up, SignedUp], Awaitable[Recorded]]


class Copies(Protocol):
    """Copies of stops that outlive this process, until they are answered. Neither call waits."""

    def keep(self, message: SignedUp) -> None:
        """It is on its way."""

    def drop(self, message: SignedUp) -> None:
        """It was answered."""


class Outbox:
    """Records not answered yet, oldest first. To be used on the event loop only."""

    def __init__(
        self,
        send: Send,
        tasks: Tasks,
        *,
        delayed: Callable[[Up], None],
        second_way: Send | None = None,
        copies: Copies | None = None,
    ) -> None:
        self._send = send
        self._second_way = second_way
        self._copies = copies
        self._tasks = tasks
        self._delayed = delayed
        self._waiting: list[Outgoing] = []
        self._changed = asyncio.Event()
        self._is_welcome = True

    def post(self, outgoing: Outgoing) -> None:
        """Send it now, and again until it is answered; `delayed` is called if the first try fails."""
        self._waiting.append(outgoing)
        if self._copies is not None and outgoing.verb in POSTED:
            self._copies.keep(outgoing.message)
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
        if self._copies is not None:
            self._copies.drop(outgoing.message)
        self._wake()
        outgoing.answered(answer)

    def _may_go(self, outgoing: Outgoing, *, is_first: bool) -> bool:
        # A hello brings us back in, and the end makes everything before it moot: they wait for nothing.
        if outgoing.verb in (Up.HELLO, Up.ENDED):
            return True
        if not self._is_welcome:
            return is_first and outgoing.verb is not Up.DECISION
        return is_first or self._is_next(outgoing, self._waiting)

    @staticmethod
    def _is_next(outgoing: Outgoing, waiting: Sequence[Outgoing]) -> bool:
        """Whether its turn has come: a summary waits for all before it, all others only for each other."""
        is_summary = outgoing.verb is Up.ACTIVITY
        return outgoing is next(each for each in waiting if is_summary or each.verb is not Up.ACTIVITY)

    def _second_way_of(self, outgoing: Outgoing, *, is_first: bool) -> Send | None:
        """The way that is open without the connection: for some, repeated in the order of signing."""
        if outgoing.verb not in POSTED:
            return None
        posted = [waiting for waiting in self._waiting if waiting.verb in POSTED]
        may_go = is_first or outgoing.verb is Up.ENDED or self._is_next(outgoing, posted)
        return self._second_way if may_go else None

    async def _try(self, outgoing: Outgoing, *, is_first: bool) -> Answer | None:
        """The answer, or None if there was none that settles it."""
        may_go = self._may_go(outgoing, is_first=is_first)
        ways = (self._send if may_go else None, self._second_way_of(outgoing, is_first=is_first))
        attempts = [partial(way, outgoing.verb, outgoing.message) for way in ways if way is not None]
        try:
            return await either(attempts, after=SILENCE_S)
        except BadSignature as refusal:
            # It may have overtaken the record before it: then its turn comes again.
            return refusal if self._waiting[0] is outgoing else None
        except BeistandError as refusal:
            return refusal

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
