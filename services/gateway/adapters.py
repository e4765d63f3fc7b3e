"""The gateway's outside world on the bus: the services behind it and the events of a session."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.client import Client
from nats.aio.msg import Msg

from beistand.bus import rpc
from beistand.bus.connection import UNREACHABLE
from beistand.protocol import subjects
from beistand.protocol.errors import BeistandError, RateLimited, Unavailable
from beistand.protocol.messages import CloudEvent, M, Message, PostedRecord, Recorded, SignedUp, parse

FEED_LENGTH = 256
"""Events a console may lag behind before it is dropped."""

log = logging.getLogger(__name__)

_VERBS = {
    "revocation": subjects.Up.REVOKED,
    "pause": subjects.Up.PAUSE,
    "end": subjects.Up.ENDED,
    "activity": subjects.Up.ACTIVITY,
}


class Services:
    """The services behind the gateway."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(
        self, endpoint: subjects.Service, message: Message, reply: type[M], *, timeout: float = 5.0
    ) -> M:
        """Ask a service; raises the BeistandError it answers with, or Unavailable."""
        return await rpc.call(self._client, endpoint, message, reply, timeout=timeout)

    async def deliver(self, record: PostedRecord) -> Recorded:
        """Hand on a device's signed record: relays hear it as it passes, the service behind answers."""
        subject = subjects.posted(record.org, record.sid, _VERBS[record.type])
        return await rpc.request(self._client, subject, SignedUp(type=record.type, jws=record.jws), Recorded)


class Feed:
    """One console's events, at most FEED_LENGTH of them waiting."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[CloudEvent | BeistandError] = asyncio.Queue(FEED_LENGTH)
        self._broken: BeistandError | None = None

    async def receive(self, message: Msg) -> None:
        """Take in what the bus says; what does not parse is nobody's event."""
        try:
            event = parse(CloudEvent, message.data)
        except BeistandError:
            log.error("event does not parse")
            return
        self._put(event)
        await asyncio.sleep(0)  # so that a burst fills the feed only if the reader really lags

    def fail(self, error: BeistandError) -> None:
        """Let the reader stop with this error, before anything that waits."""
        self._broken = self._broken or error
        if not self._waiting.full():
            self._waiting.put_nowait(error)

    async def next(self) -> CloudEvent:
        """The next event, or the error that ended the feed."""
        if self._broken is not None:
            raise self._broken
        item = await self._waiting.get()
        if self._broken is not None or isinstance(item, BeistandError):
            raise self._broken or Unavailable()
        return item

    def _put(self, event: CloudEvent) -> None:
        if self._waiting.full():
            self.fail(RateLimited("The console does not keep up."))
            return
        self._waiting.put_nowait(event)


class Feeds:
    """Every open feed of this process. A lost connection ends all of them: nobody knows what was missed."""

    def __init__(self) -> None:
        self.open: set[Feed] = set()
        """What is being read right now."""
        self._client: Client | None = None

    def attach(self, client: Client) -> None:
        """Use this connection."""
        self._client = client

    async def interrupted(self) -> None:
        """The connection is lost (a callback of it)."""
        for feed in self.open:
            feed.fail(Unavailable())

    @asynccontextmanager
    async def of_session(self, org: str, sid: str) -> AsyncIterator[Feed]:
        """The events of one session from now on."""
        if self._client is None:
            raise Unavailable
        feed = Feed()
        try:
            subscription = await self._client.subscribe(subjects.events_of_session(org, sid), cb=feed.receive)
            await self._client.flush(timeout=5)
        except UNREACHABLE as error:
            raise Unavailable from error
        self.open.add(feed)
        try:
            yield feed
        finally:
            self.open.discard(feed)
            if not self._client.is_closed:
                await subscription.unsubscribe()
