"""What the consent service hears without answering: sessions that end, told by their customer or by anybody.

Each message is worked on in a task of its own, a bounded number at a time; what is dropped beyond that the
watched bucket tells later.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from beistand.bus.rpc import Request
from beistand.protocol import subjects
from beistand.protocol.errors import BeistandError
from beistand.protocol.messages import CloudEvent, SignedUp, parse
from beistand.telemetry import meter
from services.consent import grants, handlers
from services.consent.grants import Parts

log = logging.getLogger(__name__)

QUEUE = "consent"
MAX_AT_ONCE = 64

_unheard = meter.create_counter("beistand.consent.unheard", description="Messages heard in vain, by code")

Work = Callable[[Parts, Msg], Awaitable[None]]


async def customer_ended(parts: Parts, message: Msg) -> None:
    """A signed end on its way to the session service."""
    address = subjects.parse(message.subject)
    signed = parse(SignedUp, message.data)
    await handlers.heard_end(parts, Request(signed, address.org, address.sid))


async def session_changed(parts: Parts, message: Msg) -> None:
    """A session's event; the session itself is looked up, the event only says when."""
    address = subjects.parse(message.subject)
    parse(CloudEvent, message.data)
    await grants.session_over(parts, address.org, address.sid)
    session = await parts.shelf.session(address.org, address.sid)
    if session is not None:
        # The hello that made it active belongs into the ledger.
        await parts.ledger.read(session)


HEARD: dict[str, Work] = {
    subjects.up_everywhere(subjects.Up.ENDED): customer_ended,
    subjects.posted_everywhere(subjects.Up.ENDED): customer_ended,
    subjects.event_everywhere(subjects.Event.SESSION): session_changed,
}


class Ear:
    """The subscriptions and the work they cause."""

    def __init__(self, client: Client, parts: Parts, tasks: asyncio.TaskGroup) -> None:
        self._client = client
        self._parts = parts
        self._tasks = tasks
        self._places = asyncio.Semaphore(MAX_AT_ONCE)
        self._subscriptions: list[Any] = []

    async def open(self) -> None:
        """Start listening, as one of the replicas."""
        for subject, work in HEARD.items():
            subscription = await self._client.subscribe(subject, queue=QUEUE, cb=self._receiver(work))
            self._subscriptions.append(subscription)
        await self._client.flush()

    async def close(self) -> None:
        """Listen no more; what was heard is finished by the task group."""
        for subscription in self._subscriptions:
            await subscription.unsubscribe()

    def _receiver(self, work: Work) -> Callable[[Msg], Awaitable[None]]:
        async def receive(message: Msg) -> None:
            if self._places.locked():
                _unheard.add(1, {"code": "overload"})
                return
            self._tasks.create_task(self._hear(work, message), name=work.__name__)

        return receive

    async def _hear(self, work: Work, message: Msg) -> None:
        async with self._places:
            try:
                await work(self._parts, message)
            except BeistandError as error:
                _unheard.add(1, {"code": error.code})
                log.info("heard in vain", extra={"what": work.__name__, "code": error.code})
