"""Handing over what the device signed about its permission, until every record is acknowledged.

By the bus while there is a line, else at the gateway's public door. Needs no key: also after a withdrawal.
"""

import asyncio
import binascii
import logging
from collections.abc import Callable
from contextlib import suppress
from random import random

from agent.engine import proof
from agent.unattended.backoff import REFUSED_OFTEN, pause_s
from agent.unattended.line import Line
from agent.unattended.post import Post
from agent.unattended.store import Store, Waiting
from beistand.protocol import signing
from beistand.protocol.errors import BadSignature, BeistandError, Ended, Unavailable
from beistand.protocol.messages import Recorded

log = logging.getLogger(__name__)


class Delivery:
    """One folder's records, in the order of signing."""

    def __init__(
        self,
        store: Store,
        *,
        post: Post,
        line: Callable[[str], Line | None],
        ended: Callable[[str], None] = lambda _: None,
        chance: Callable[[], float] = random,
    ) -> None:
        """`line` of a device, if there is one open; `ended`: the services hold its enrolment for over."""
        self._ended = ended
        self._chance = chance
        self._store = store
        self._post = post
        self._line = line
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """There is something new to hand over, or a line to hand it over by."""
        self._wanted.set()

    async def run(self) -> None:
        """Until cancelled; asleep while nothing waits."""
        failures = 0
        while True:
            self._wanted.clear()
            if await self.hand_over():
                failures = 0
                await self._wanted.wait()
                continue
            failures += 1
            pause = pause_s(failures, refusals=max(0, failures - REFUSED_OFTEN), chance=self._chance())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), pause)

    async def hand_over(self) -> bool:
        """One try; whether nothing waits any more. A device's records wait for its earlier ones only."""
        stuck: set[str] = set()
        for path, waiting in self._store.waiting():
            device_id = waiting.record.device_id
            if device_id in stuck:
                continue
            if not await self._is_taken(waiting):
                stuck.add(device_id)
                continue
            self._store.settled(path)
            log.info("record of the permission acknowledged", extra={"type": waiting.record.type})
        return not stuck

    async def _is_taken(self, waiting: Waiting) -> bool:
        line = self._line(waiting.record.device_id)
        try:
            if line is not None:
                with suppress(Unavailable, BadSignature):
                    _prove(waiting, await line.send(waiting.record))
                    return True
            _prove(waiting, await self._post(waiting.gateway, waiting.record))
        except Ended:
            self._ended(waiting.record.device_id)
            return True
        except BeistandError:
            return False
        return True


def _prove(waiting: Waiting, answer: Recorded) -> None:
    """BadSignature unless the consent service's entry shows the record stored."""
    record = waiting.record
    try:
        key = signing.raw_key(waiting.consent_key)
    except (binascii.Error, ValueError):
        raise BadSignature from None
    proof.entry_of(answer.entry_jws, key, org=record.org, sid=record.device_id, record_jws=record.jws)
