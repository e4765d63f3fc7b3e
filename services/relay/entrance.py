"""How a viewer gets in: ticket, then listening, then reading, then proof, then pictures; one task per viewer.

The order is the point: a revocation between reading and listening would be missed, so listening comes first.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from beistand.bus.connection import UNREACHABLE
from beistand.protocol import messages
from beistand.protocol.errors import (
    BeistandError,
    Ended,
    InvalidMessage,
    TicketRefused,
    TooLarge,
    Unavailable,
)
from beistand.protocol.messages import Party, RelayStopped, TicketEntry, ViewerHello
from beistand.telemetry import tracer
from services.relay import handlers, metrics, stored
from services.relay.adapters import Bus, Ears, Feed, Outbox, Spawn, redeem
from services.relay.budget import InputBudget
from services.relay.domain import Tombstones
from services.relay.ports import Clock
from services.relay.proof import Grant
from services.relay.room import Room, Viewer
from services.relay.sockets import ViewerSocket

log = logging.getLogger(__name__)

HELLO_S = 5.0
ADMIT_S = 10.0


@dataclass(eq=False)
class _Place:
    """A room and what is heard for it, while anybody is in it."""

    room: Room
    feed: Feed
    users: int = 0
    is_open: bool = False
    watched: Counter[str] = field(default_factory=Counter)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Entrance:
    """Every viewer of this process and the rooms they are in. Tasks belong to `group`."""

    def __init__(
        self,
        bus: Bus,
        outbox: Outbox,
        *,
        relay: str,
        consent_key: bytes,
        clock: Clock,
        group: asyncio.TaskGroup,
    ) -> None:
        self._bus = bus
        self._outbox = outbox
        self._relay = relay
        self._consent_key = consent_key
        self._clock = clock
        self._group = group
        self._tombstones = Tombstones()
        self._places: dict[tuple[str, str], _Place] = {}

    def arrived(self, socket: ViewerSocket) -> None:
        """A socket was opened; its own task serves it until it is over."""
        self._group.create_task(self._serve(socket), name="viewer")

    async def _serve(self, socket: ViewerSocket) -> None:
        try:
            async with AsyncExitStack() as stack:
                await self._attend(socket, stack)
        except Exception:  # one viewer's fault must not end the others' streams
            log.exception("a viewer could not be served")
            _refuse(socket, BeistandError())

    async def _attend(self, socket: ViewerSocket, stack: AsyncExitStack) -> None:
        """Let the viewer in, or say why not before anything is tidied up; then wait for its end."""
        try:
            await self._admit(socket, stack)
        except BeistandError as refusal:
            _refuse(socket, refusal)
        except UNREACHABLE:
            _refuse(socket, Unavailable())
        await socket.over()

    async def _admit(self, socket: ViewerSocket, stack: AsyncExitStack) -> None:
        """All steps up to the first picture; what they take up is given back by `stack`."""
        hello = await _hello(socket)
        with tracer.start_as_current_span("relay.admit"):
            async with asyncio.timeout(ADMIT_S):
                ticket = await redeem(self._bus.tickets, hello.ticket, now=self._clock.wall())
                place = await stack.enter_async_context(self._place(ticket.org, ticket.sid))
                await self._let_in(socket, ticket, place, stack, codecs=frozenset(hello.codecs))

    async def _let_in(
        self,
        socket: ViewerSocket,
        ticket: TicketEntry,
        place: _Place,
        stack: AsyncExitStack,
        *,
        codecs: frozenset[str],
    ) -> None:
        room, technician_id = place.room, ticket.technician_id or ""
        room.expected[technician_id] += 1
        stack.callback(room.expected.subtract, [technician_id])
        grant = await self._view_grant(room, technician_id)
        await stack.enter_async_context(_media(place, grant.id))
        viewer = Viewer(socket, technician_id, grant, InputBudget(now=room.now), codecs)
        stack.callback(room.leave, viewer)
        if not socket.is_open:
            return
        room.enter(viewer)
        socket.serve(
            on_message=partial(handlers.viewer_said, room, viewer), on_drained=partial(room.drained, viewer)
        )
        log.info("viewer admitted", extra={"sid": room.sid, "grant": grant.id})

    async def _view_grant(self, room: Room, technician_id: str) -> Grant:
        """Read session and grants (listening has begun), and prove the technician's view grant."""
        key = f"{room.org}.{room.sid}"
        session = await self._bus.sessions.get(key)
        if session is None:
            raise Ended
        stored.session_seen(room, session.value)
        entries = [entry.value for entry in await self._bus.grants.list(key)]
        return stored.view_grant(room, technician_id, entries, consent_key=self._consent_key)

    @asynccontextmanager
    async def _place(self, org: str, sid: str) -> AsyncGenerator[_Place]:
        """The room of a session, listened to; the first in opens it, the last out closes it."""
        key = (org, sid)
        place = self._places.get(key) or self._places.setdefault(key, self._new_place(org, sid))
        place.users += 1
        try:
            async with place.lock:
                if not place.is_open:
                    await _opened(place, self._spawn)
            yield place
        finally:
            place.users -= 1
            if not place.users:
                del self._places[key]
                place.room.close()
                await place.feed.close()

    def _new_place(self, org: str, sid: str) -> _Place:
        room = Room(
            org,
            sid,
            relay=self._relay,
            tombstones=self._tombstones,
            downlink=self._outbox,
            clock=self._clock,
        )
        ears = Ears(
            agent=partial(handlers.agent_said, room),
            posted=partial(handlers.agent_posted, room),
            session=partial(stored.session_seen, room),
            grant=partial(stored.grant_seen, room, consent_key=self._consent_key),
            frame=room.frame,
            missed=room.restart,
            broken=partial(handlers.stop_everything, room),
        )
        return _Place(room, Feed(self._bus, org, sid, verbs=tuple(handlers.FROM_AGENT), ears=ears))

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        async def owned() -> None:
            await work

        return self._group.create_task(owned(), name="watch")


async def _opened(place: _Place, spawn: Spawn) -> None:
    """Listen; what was opened by then is closed again if that fails, for the next in line opens it anew."""
    try:
        await place.feed.open(spawn)
    except BaseException:
        await place.feed.close()
        raise
    place.is_open = True


@asynccontextmanager
async def _media(place: _Place, grant_id: str) -> AsyncGenerator[None]:
    """The frames of a grant, one subscription for all its viewers."""
    async with place.lock:
        if not place.watched[grant_id]:
            await place.feed.open_media(grant_id)
        place.watched[grant_id] += 1
    try:
        yield
    finally:
        place.watched[grant_id] -= 1
        async with place.lock:
            if not place.watched[grant_id]:
                await place.feed.close_media(grant_id)


async def _hello(socket: ViewerSocket) -> ViewerHello:
    try:
        async with asyncio.timeout(HELLO_S):
            raw = await socket.first()
    except TimeoutError:
        raise TicketRefused("No ticket came in time.") from None
    if raw is None:
        raise InvalidMessage
    try:
        return messages.parse(ViewerHello, raw, limit=messages.MAX_INPUT)
    except TooLarge:
        raise InvalidMessage from None


def _refuse(socket: ViewerSocket, error: BeistandError) -> None:
    if not socket.is_open:
        return
    metrics.REFUSED.add(1, {"code": error.code})
    log.info("viewer refused", extra={"code": error.code})
    socket.stop(RelayStopped(code=error.code, by=Party.SYSTEM), code=error.close_code)
