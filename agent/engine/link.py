"""The agent's two NATS connections of one session: control and media. Knows nothing of consent or windows."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Literal, Protocol

from nats.aio.client import Client
from nats.aio.msg import Msg

from agent.engine.key import DeviceKey
from beistand.bus import rpc
from beistand.bus.agent import connect_agent
from beistand.bus.connection import UNREACHABLE
from beistand.protocol import subjects
from beistand.protocol.errors import Unavailable
from beistand.protocol.messages import Joined, Lease, M, Message
from beistand.protocol.subjects import Up

REQUEST_TIMEOUT_S = 5.0
INPUT_MESSAGES = 256
"""Input that may wait in the connection; more is dropped there."""

Purpose = Literal["control", "media"]


class Ears(Protocol):
    """Who listens to a link, on its event loop. None of these blocks."""

    def down(self, verb: str, data: bytes) -> None:
        """A message of the services."""

    def input(self, grant_id: str, data: bytes) -> None:
        """Input under a grant."""

    def lost(self, purpose: Purpose) -> None:
        """A connection is gone; it is tried again."""

    def back(self, purpose: Purpose) -> None:
        """A connection is back."""

    def gone(self, purpose: Purpose) -> None:
        """A connection is over for good."""


class Link(Protocol):
    """A joined session's way to the services."""

    async def send(self, verb: Up, message: Message, reply: type[M]) -> M:
        """A request on the control connection: the answer, or the BeistandError it names, or Unavailable."""

    async def publish_lease(self, lease: Lease) -> None:
        """Tell the relays what lives; Unavailable while disconnected."""

    async def publish_media(self, grant_id: str, chunk: bytes) -> None:
        """A piece of a grant's picture on the media connection; Unavailable while disconnected."""

    async def close(self) -> None:
        """Close both connections; nobody is told of it."""


Dial = Callable[[Joined, DeviceKey, Ears], Awaitable[Link]]
"""Opens both connections and listens, or raises TicketRefused, Ended, Unavailable and the like."""


async def dial(joined: Joined, key: DeviceKey, ears: Ears) -> Link:
    """The real thing: a `Dial` over NATS."""
    link = _NatsLink(joined, ears)
    try:
        await link.open(key)
    except UNREACHABLE as error:
        await link.close()
        raise Unavailable from error
    except BaseException:
        await link.close()
        raise
    return link


class _NatsLink:
    """See `Link`."""

    def __init__(self, joined: Joined, ears: Ears) -> None:
        self._joined = joined
        self._org, self._sid = joined.org, joined.session_id
        self._ears: Ears | None = ears
        self._clients: dict[Purpose, Client] = {}

    async def open(self, key: DeviceKey) -> None:
        """Connect and subscribe; media second, so that a refused ticket costs one try only."""
        await self._connect("control", key)
        await self._connect("media", key)
        down = subjects.down_of_session(self._org, self._sid)
        inputs = subjects.input_of_session(self._org, self._sid)
        await self._clients["control"].subscribe(down, cb=self._down)
        await self._clients["media"].subscribe(inputs, cb=self._input, pending_msgs_limit=INPUT_MESSAGES)
        for client in self._clients.values():
            await client.flush()

    async def send(self, verb: Up, message: Message, reply: type[M]) -> M:
        """See `Link`."""
        subject = subjects.up(self._org, self._sid, verb)
        return await rpc.request(self._clients["control"], subject, message, reply, timeout=REQUEST_TIMEOUT_S)

    async def publish_lease(self, lease: Lease) -> None:
        """See `Link`."""
        await rpc.publish(self._clients["control"], subjects.up(self._org, self._sid, Up.LEASE), lease)

    async def publish_media(self, grant_id: str, chunk: bytes) -> None:
        """See `Link`."""
        try:
            await self._clients["media"].publish(subjects.media(self._org, self._sid, grant_id), chunk)
        except UNREACHABLE as error:
            raise Unavailable from error

    async def close(self) -> None:
        """See `Link`."""
        self._ears = None
        await asyncio.gather(*(client.close() for client in self._clients.values()))

    async def _connect(self, purpose: Purpose, key: DeviceKey) -> None:
        self._clients[purpose] = await connect_agent(
            self._joined.nats_urls,
            ticket=self._joined.ticket,
            seed=key.seed,
            sid=self._sid,
            purpose=purpose,
            on_disconnected=partial(self._happened, "lost", purpose),
            on_reconnected=partial(self._happened, "back", purpose),
            on_closed=partial(self._happened, "gone", purpose),
        )

    async def _happened(self, what: Literal["lost", "back", "gone"], purpose: Purpose) -> None:
        if self._ears is None:
            return
        tell = {"lost": self._ears.lost, "back": self._ears.back, "gone": self._ears.gone}[what]
        tell(purpose)

    async def _down(self, message: Msg) -> None:
        if self._ears is not None:
            self._ears.down(subjects.parse(message.subject).leaf, message.data)

    async def _input(self, message: Msg) -> None:
        if self._ears is not None:
            self._ears.input(subjects.parse(message.subject).leaf, message.data)
