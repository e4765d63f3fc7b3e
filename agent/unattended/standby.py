"""Being there: one connection after the other, a beat every minute, and rest in between.

Knows neither rules nor disk: what it may connect with, and what is heard, is its host's. While idle nothing
here wakes up more often than every half minute.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from random import random
from typing import Protocol

from agent.unattended.backoff import LONGEST_S, REFUSED_OFTEN, pause_s
from agent.unattended.line import Address, Dial, Line
from beistand.protocol.errors import TicketRefused, Unavailable
from beistand.protocol.messages import Beat, Call, DeviceState
from beistand.protocol.subjects import DeviceUp

log = logging.getLogger(__name__)

BEAT_EVERY_S = 60.0
LOOK_EVERY_S = 30.0
"""How often a rest looks whether the machine slept meanwhile."""
SLEPT_S = 20.0
"""More than that between two clocks, and the machine did."""


class Host(Protocol):
    """Whose device it is."""

    def next_address(self) -> Address:
        """Where to connect, under a number that is on disk already; or Unavailable."""

    def connected(self, line: Line) -> None:
        """A line is open."""

    def disconnected(self, line: Line) -> None:
        """That line is none any more."""

    def refused_often(self) -> None:
        """The sign-in was refused again and again: ask another way whether the enrolment is over."""

    def looked(self) -> None:
        """A minute went by."""

    def called(self, call: Call) -> None:
        """A technician wants to come in."""

    def gone(self, state: DeviceState) -> None:
        """The enrolment is over on the server's side."""


class Standby:
    """Runs until it is cancelled. `chance` is random, between 0 and 1."""

    def __init__(
        self,
        host: Host,
        dial: Dial,
        *,
        chance: Callable[[], float] = random,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = host
        self._dial = dial
        self._chance = chance
        self._wall, self._monotonic = wall, monotonic
        self._lost = asyncio.Event()
        self._failures = self._refusals = 0

    async def run(self) -> None:
        """Connect, stay, and connect again."""
        while True:
            try:
                await self._once()
            except TicketRefused:
                self._refusals += 1
                self._failures += 1
                log.info("device not let in", extra={"refusals": self._refusals})
                if self._refusals == REFUSED_OFTEN:
                    self._host.refused_often()
            except Unavailable:
                self._failures += 1
            pause = pause_s(self._failures, refusals=self._refusals, chance=self._chance())
            if await self._rest(pause):
                self._failures = 0  # awake again: what failed before says nothing about now

    async def _once(self) -> None:
        """One connection, from its beginning to its end."""
        self._lost.clear()
        line = await self._dial(self._host.next_address(), self)
        since = self._monotonic()
        self._refusals = 0
        try:
            self._host.connected(line)
            await self._stay(line)
        finally:
            # A server that lets in and cuts off at once is asked no faster than one that is not there.
            if self._monotonic() - since >= LONGEST_S:
                self._failures = -1
            self._host.disconnected(line)
            await line.close()
        self._failures += 1

    async def _stay(self, line: Line) -> None:
        while not self._lost.is_set():
            await line.say(DeviceUp.BEAT, Beat())
            self._host.looked()
            if await self._rest(BEAT_EVERY_S, until=self._lost):
                await line.check()

    async def _rest(self, seconds: float, *, until: asyncio.Event | None = None) -> bool:
        """Wait, at most until `until`; at once over, and True, when the machine was asleep meanwhile."""
        until = until or asyncio.Event()
        end = self._monotonic() + seconds
        while (left := end - self._monotonic()) > 0 and not until.is_set():
            before = self._wall() - self._monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), min(left, LOOK_EVERY_S))
            if self._wall() - self._monotonic() - before > SLEPT_S:
                log.info("awake again")
                return True
        return False

    # --- agent.unattended.line.Ears ----------------------------------------------------------------------

    def called(self, call: Call) -> None:
        """See `Ears`."""
        self._host.called(call)

    def gone(self, state: DeviceState) -> None:
        """See `Ears`."""
        self._host.gone(state)

    def lost(self) -> None:
        """See `Ears`."""
        self._lost.set()
