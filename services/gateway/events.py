"""The event WebSocket: what is, then what happens, to one console that showed a ticket.

Subscribes before it reads, so nothing falls between; a console that lags behind is dropped, not waited for.
"""

import asyncio
import logging
from typing import Annotated

from fastapi import APIRouter, Depends, WebSocket
from starlette.websockets import WebSocketDisconnect

from beistand import telemetry
from beistand.protocol.errors import (
    BeistandError,
    Ended,
    InvalidMessage,
    RateLimited,
    TicketRefused,
    Unauthenticated,
)
from beistand.protocol.messages import (
    Actor,
    ChatList,
    CloudEvent,
    EventsEvent,
    EventsSnapshot,
    Message,
    RequestList,
    SessionQuery,
    SessionView,
    TicketEntry,
    encode,
)
from beistand.protocol.subjects import Service
from services.gateway import problems
from services.gateway.access import ByTicket, Gateway, Wired
from services.gateway.adapters import Feed
from services.gateway.handlers import OVER

SEND_WITHIN_S = 10.0
"""How long a console may take to take one message."""
LINGER_S = 1.0
"""How long after the session's end its last events are still passed on."""
LONGEST_S = 8 * 3600

log = logging.getLogger(__name__)
consoles = telemetry.meter.create_up_down_counter(
    "beistand.gateway.consoles", description="Open event sockets."
)
router = APIRouter()


@router.websocket("/v1/sessions/{session_id}/events")
async def follow(
    ws: WebSocket, admitted: Annotated[TicketEntry, Depends(ByTicket("events"))], gateway: Wired
) -> None:
    """One console's socket, until the session is over, the console goes, or eight hours have passed."""
    consoles.add(1)
    log.info("console connected", extra={"sid": admitted.sid})
    try:
        reason = await _until_over(ws, gateway, admitted)
    finally:
        consoles.add(-1)
    log.info("console gone", extra={"sid": admitted.sid, "code": reason.code if reason else "left"})
    if reason is not None:
        await problems.close(ws, reason)


async def _until_over(ws: WebSocket, gateway: Gateway, admitted: TicketEntry) -> BeistandError | None:
    """Talk until something ends it: why we end it, or None if the console left."""
    reason: BeistandError | None = None
    try:
        async with gateway.feeds.of_session(admitted.org, admitted.sid) as feed, asyncio.TaskGroup() as tasks:
            tasks.create_task(_listen(ws), name="events from console")
            tasks.create_task(_tell(ws, gateway, admitted, feed), name="events to console")
    except* BeistandError as group:
        reason = _first(group)
    except* WebSocketDisconnect:
        log.debug("console left")
    return reason


async def _listen(ws: WebSocket) -> None:
    """After its ticket a console has nothing to say; this notices when it leaves."""
    message = await ws.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    raise InvalidMessage


async def _tell(ws: WebSocket, gateway: Gateway, admitted: TicketEntry, feed: Feed) -> None:
    try:
        async with asyncio.timeout(LONGEST_S):
            await _pass_on(ws, await _snapshot(gateway, admitted), feed)
    except TimeoutError:
        raise Unauthenticated from None


async def _pass_on(ws: WebSocket, snapshot: EventsSnapshot, feed: Feed) -> None:
    """Send what is, then what happens; ends by raising, Ended once the session is over and quiet."""
    await _send(ws, snapshot)
    is_over = snapshot.session.state in OVER
    while True:
        event = await _next(feed, linger=LINGER_S if is_over else None)
        if event.data not in snapshot.chat:  # said between subscribing and reading: the transcript has it
            await _send(ws, EventsEvent(event=event))
        is_over = is_over or _is_end(event)


async def _next(feed: Feed, *, linger: float | None) -> CloudEvent:
    try:
        async with asyncio.timeout(linger):
            return await feed.next()
    except TimeoutError:
        raise Ended from None


async def _snapshot(gateway: Gateway, admitted: TicketEntry) -> EventsSnapshot:
    query = SessionQuery(actor=_actor(admitted), session_id=admitted.sid)
    call = gateway.services.call
    session, requests, chat = await asyncio.gather(
        call(Service.SESSION_GET, query, SessionView),
        call(Service.CONSENT_LIST, query, RequestList),
        call(Service.SESSION_CHAT_LIST, query, ChatList),
    )
    return EventsSnapshot(session=session, requests=requests.items, chat=chat.items)


def _actor(admitted: TicketEntry) -> Actor:
    """Whose ticket it is. That they may see this very session was checked when it was issued."""
    if admitted.technician_id is None:
        raise TicketRefused
    return Actor(technician_id=admitted.technician_id, name="console", org=admitted.org, sees_all=True)


async def _send(ws: WebSocket, message: Message) -> None:
    try:
        async with asyncio.timeout(SEND_WITHIN_S):
            await ws.send_text(encode(message).decode())
    except TimeoutError:
        raise RateLimited("The console does not keep up.") from None


def _is_end(event: CloudEvent) -> bool:
    return isinstance(event.data, SessionView) and event.data.state in OVER


def _first(group: BaseExceptionGroup[BeistandError]) -> BeistandError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, BeistandError) else BeistandError()
