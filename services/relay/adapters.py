"""The relay's side of the bus: tickets, the way to agents, and what is heard about one session.

Knows NATS and nothing of viewers; hands over bytes and entries, decides nothing.
"""

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from pydantic import BaseModel

from beistand.bus.connection import MEDIA_BYTES, MEDIA_MESSAGES, UNREACHABLE, cancelled
from beistand.bus.store import Conflict, Store
from beistand.protocol import subjects
from beistand.protocol.errors import TicketRefused, Unavailable
from beistand.protocol.messages import GrantEntry, SessionEntry, TicketEntry
from beistand.protocol.subjects import Up

log = logging.getLogger(__name__)

MAX_POSTED = 1024
RETRY_S = 1.0

M = TypeVar("M", bound=BaseModel)
Spawn = Callable[[Awaitable[None]], asyncio.Task[None]]


@dataclass(frozen=True)
class Bus:
    """The relay's two connections and what it reads. Frames never share a connection with a stop."""

    control: Client
    media: Client
    sessions: Store[SessionEntry]
    grants: Store[GrantEntry]
    tickets: Store[TicketEntry]

    @property
    def reconnects(self) -> int:
        """Grows whenever something may have been missed."""
        return int(self.control.stats["reconnects"]) + int(self.media.stats["reconnects"])


async def redeem(tickets: Store[TicketEntry], ticket: str, *, now: datetime) -> TicketEntry:
    """What a viewer's ticket was issued for; it is used up by this. TicketRefused: wrong, used, expired.

    Of any number of parallel attempts one wins, because the deletion names the revision that was read.
    """
    key = hashlib.sha256(ticket.encode()).hexdigest()
    stored = await tickets.get(key)
    if stored is None or stored.value.audience != "relay" or stored.value.technician_id is None:
        raise TicketRefused
    try:
        await tickets.delete(key, revision=stored.revision)
    except Conflict:
        raise TicketRefused from None
    if stored.value.expires_at <= now:
        raise TicketRefused
    return stored.value


class Outbox:
    """The way to agents: small messages in order, none kept for a connection that is gone.

    A key stroke that arrives late is worse than one that does not arrive.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._posted: deque[tuple[str, bytes]] = deque()
        self._ready = asyncio.Event()

    def post(self, subject: str, payload: bytes) -> None:
        """Send at the next turn of the loop, or drop it if the bus is away or far behind."""
        if self._client.is_connected and len(self._posted) < MAX_POSTED:
            self._posted.append((subject, payload))
            self._ready.set()

    def discard(self, subject: str) -> None:
        """Take back what was posted to this subject and has not left yet."""
        self._posted = deque(item for item in self._posted if item[0] != subject)

    async def run(self) -> None:
        """Send what is posted, for ever."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._posted:
                subject, payload = self._posted.popleft()
                with suppress(*UNREACHABLE):
                    await self._client.publish(subject, payload)


@dataclass(frozen=True)
class Ears:
    """Who listens to one session: each is called in the event loop and must not wait."""

    agent: Callable[[Up, bytes], None]
    posted: Callable[[Up, bytes], None]
    session: Callable[[SessionEntry], None]
    grant: Callable[[GrantEntry], None]
    frame: Callable[[str, bytes], None]
    missed: Callable[[], None]
    broken: Callable[[], None]
    """What the store said could not be dealt with."""


class Feed:
    """All that is heard about one session, from `open` to `close`."""

    def __init__(self, bus: Bus, org: str, sid: str, *, verbs: tuple[Up, ...], ears: Ears) -> None:
        self._bus = bus
        self._org, self._sid = org, sid
        self._verbs = verbs
        self._ears = ears
        self._subscriptions: list[Subscription] = []
        self._media: dict[str, Subscription] = {}
        self._watches: list[asyncio.Task[None]] = []
        self._reconnects = bus.reconnects

    async def open(self, spawn: Spawn) -> None:
        """Listen; when this returns, nothing the agent says from now on is missed."""
        for verb in self._verbs:
            subject = subjects.up(self._org, self._sid, verb)
            subscription = await self._bus.control.subscribe(
                subject, cb=self._hearing(self._ears.agent, verb)
            )
            self._subscriptions.append(subscription)
        for verb in subjects.STOPS:
            subject = subjects.posted(self._org, self._sid, verb)
            subscription = await self._bus.control.subscribe(
                subject, cb=self._hearing(self._ears.posted, verb)
            )
            self._subscriptions.append(subscription)
        await self._bus.control.flush()
        key = f"{self._org}.{self._sid}"
        self._watches.append(spawn(_watch(self._bus.sessions, key, self._ears.session, self._ears.broken)))
        self._watches.append(spawn(_watch(self._bus.grants, f"{key}.*", self._ears.grant, self._ears.broken)))

    async def close(self) -> None:
        """Stop listening."""
        everything = [*self._subscriptions, *self._media.values()]
        watches, self._watches = self._watches, []
        self._subscriptions, self._media = [], {}
        for subscription in everything:
            await _unsubscribe(subscription)
        for watch in watches:
            await cancelled(watch)

    async def open_media(self, grant_id: str) -> None:
        """Receive the frames of a grant; when this returns, none sent from now on is missed."""
        subject = subjects.media(self._org, self._sid, grant_id)

        async def on_frame(message: Msg) -> None:
            self._ears.frame(grant_id, message.data)

        self._media[grant_id] = await self._bus.media.subscribe(
            subject, cb=on_frame, pending_msgs_limit=MEDIA_MESSAGES, pending_bytes_limit=MEDIA_BYTES
        )
        await self._bus.media.flush()

    async def close_media(self, grant_id: str) -> None:
        """Receive no more of them."""
        subscription = self._media.pop(grant_id, None)
        if subscription is not None:
            await _unsubscribe(subscription)

    def _hearing(self, ear: Callable[[Up, bytes], None], verb: Up) -> Callable[[Msg], Awaitable[None]]:
        async def on_message(message: Msg) -> None:
            if self._bus.reconnects != self._reconnects:
                self._reconnects = self._bus.reconnects
                self._ears.missed()
            ear(verb, message.data)

        return on_message


async def _unsubscribe(subscription: Subscription) -> None:
    with suppress(errors.Error, OSError):
        await subscription.unsubscribe()


async def _watch(store: Store[M], pattern: str, ear: Callable[[M], None], broken: Callable[[], None]) -> None:
    """Tell `ear` every entry and change; a store that is away is tried again: the lease guards meanwhile."""
    while True:
        try:
            async with store.watch(pattern) as entries:
                async for stored in entries:
                    if stored is not None:
                        _tell(ear, stored.value, broken)
        except (Unavailable, *UNREACHABLE):
            log.warning("the store cannot be watched; trying again")
        await asyncio.sleep(RETRY_S)


def _tell(ear: Callable[[M], None], value: M, broken: Callable[[], None]) -> None:
    try:
        ear(value)
    except Exception:  # one session's entry must not end the others' streams
        log.exception("an entry could not be dealt with")
        broken()
