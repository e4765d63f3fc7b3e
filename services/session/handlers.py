"""One function per message: load, one step of the domain, store by compare-and-set, tell.

The two tables at the end are all that the session service answers. What is decided, is decided in `domain`.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import BaseModel

from beistand.bus import streams
from beistand.bus.rpc import Endpoint, Request
from beistand.protocol import signing, subjects
from beistand.protocol.device import record_of
from beistand.protocol.errors import (
    BadSignature,
    CodeRefused,
    NotFound,
)
from beistand.protocol.messages import (
    Ack,
    Actor,
    ChatDown,
    ChatLine,
    ChatList,
    ChatUp,
    CreateSession,
    DeviceListQuery,
    DeviceQuery,
    DeviceRecorded,
    EndSession,
    Join,
    Joined,
    OpenDevice,
    Party,
    Recorded,
    SendChat,
    SessionCreated,
    SessionEntry,
    SessionList,
    SessionListQuery,
    SessionQuery,
    SessionView,
    SignedUp,
    TicketEntry,
)
from beistand.protocol.records import Cause, End, Hello
from services.session import codes, domain, lifecycle, standing
from services.session.adapters import key_of, ticket_key
from services.session.lifecycle import Parts

log = logging.getLogger(__name__)

CUSTOMER = "Customer"
"""Author of the customer's chat lines: nobody has asked for a name."""


# --- technicians (through the gateway) ----------------------------------------------------------------


async def create(parts: Parts, request: Request[CreateSession]) -> SessionCreated:
    """A new session and its code."""
    asked = request.message
    entry, code = await lifecycle.open_session(parts, asked.actor, asked.organisation_name)
    await lifecycle.tell_world(parts, entry)
    return SessionCreated(session=domain.view(entry), code=code)


async def get(parts: Parts, request: Request[SessionQuery]) -> SessionView:
    """One session."""
    return domain.view(await _reach(parts, request.message.actor, request.message.session_id))


async def list_sessions(parts: Parts, request: Request[SessionListQuery]) -> SessionList:
    """A page of the sessions this technician may know of, newest first."""
    query = request.message
    stored = await parts.shelf.sessions.list(query.actor.org)
    return domain.page([item.value for item in stored], query)


async def end(parts: Parts, request: Request[EndSession]) -> SessionView:
    """The technician's side ends the session; when this returns the agent is out."""
    asked, now = request.message, parts.clock()
    entry = await _reach(parts, asked.actor, asked.session_id)
    own = asked.actor.technician_id == entry.technician_id
    event = domain.EndAsked(Party.TECHNICIAN, Cause.TECHNICIAN if own else Cause.ADMIN)
    entry = await lifecycle.advance(
        parts, key_of(entry), lambda current: domain.apply(current, event, now=now)
    )
    await lifecycle.cut(parts, entry)
    return domain.view(entry)


async def chat(parts: Parts, request: Request[SendChat]) -> ChatLine:
    """A technician's line: stored, then shown to the customer."""
    said = request.message
    entry = domain.require_active(await _reach(parts, said.actor, said.session_id))
    parts.pace.take(entry.sid, Party.TECHNICIAN, now=parts.clock())
    line = ChatLine(
        id=parts.chance.identifier(),
        session_id=entry.sid,
        author=said.actor.name,
        party=Party.TECHNICIAN,
        text=said.text,
        sent_at=parts.clock(),
    )
    await parts.wire.transcribe(entry.org, line)
    down = ChatDown(id=line.id, author=line.author, text=line.text, sent_at=line.sent_at)
    await parts.wire.tell(entry.org, entry.sid, subjects.Down.CHAT, down)
    return line


async def chat_list(parts: Parts, request: Request[SessionQuery]) -> ChatList:
    """The transcript."""
    entry = await _reach(parts, request.message.actor, request.message.session_id)
    events = await streams.chat_of(parts.wire.client, entry.org, entry.sid)
    return ChatList(items=tuple(event.data for event in events if isinstance(event.data, ChatLine)))


# --- the customer -------------------------------------------------------------------------------------


async def join(parts: Parts, request: Request[Join]) -> Joined:
    """Who asks, and what an agent with this key needs to get in; or CodeRefused, whatever was wrong."""
    now, agent_key = parts.clock(), request.message.agent_key
    signing.public_key_of_agent(agent_key)
    code = await _try_code(parts, request.message.code, now=now)
    entry = codes.joinable(await parts.shelf.session(f"{code.org}.{code.sid}"), now=now)
    ticket = parts.chance.ticket()
    await _issue_ticket(parts, entry, ticket, agent_key=agent_key)
    return Joined(
        org=entry.org,
        session_id=entry.sid,
        organisation_name=entry.organisation_name,
        technician_id=entry.technician_id,
        technician_name=entry.technician_name,
        nats_urls=parts.agent_urls,
        ticket=ticket,
        consent_key=parts.consent_key,
    )


async def hello(parts: Parts, request: Request[SignedUp]) -> Recorded:
    """The customer is here, or here again."""
    entry = await lifecycle.settled(parts, f"{request.org}.{request.sid}")
    record = record_of(entry, request.message, Hello)
    if record.agent_key != entry.agent_key:
        raise BadSignature
    await standing.vouched(parts, entry, record)
    event = domain.HelloHeard(record.language, domain.link_of(request.message.jws, record))
    now = parts.clock()
    await lifecycle.advance(parts, key_of(entry), lambda current: domain.apply(current, event, now=now))
    return Recorded()


async def chat_up(parts: Parts, request: Request[ChatUp]) -> Ack:
    """The customer's line; sent again it is stored once."""
    entry = domain.require_active(await lifecycle.settled(parts, f"{request.org}.{request.sid}"))
    parts.pace.take(entry.sid, Party.CUSTOMER, now=parts.clock())
    line = ChatLine(
        id=request.message.id,
        session_id=entry.sid,
        author=CUSTOMER,
        party=Party.CUSTOMER,
        text=request.message.text,
        sent_at=parts.clock(),
    )
    await parts.wire.transcribe(entry.org, line)
    return Ack()


async def ended(parts: Parts, request: Request[SignedUp]) -> Recorded:
    """The customer ends the session: marked at once, answered, then cut."""
    entry = await lifecycle.settled(parts, f"{request.org}.{request.sid}")
    record = record_of(entry, request.message, End)
    event, now = domain.EndAsked(Party.CUSTOMER, record.cause), parts.clock()
    entry = await lifecycle.advance(
        parts, key_of(entry), lambda current: domain.apply(current, event, now=now)
    )
    # Starts after the answer is on its way, so the agent hears it before it is put out.
    parts.tasks.create_task(lifecycle.cut(parts, entry), name=f"cut {entry.sid}")
    return Recorded()


# --- steps shared by the handlers ---------------------------------------------------------------------


async def _reach(parts: Parts, actor: Actor, sid: str) -> SessionEntry:
    return domain.reachable(actor, await lifecycle.settled(parts, f"{actor.org}.{sid}"))


async def _try_code(parts: Parts, code: str, *, now: datetime) -> codes.CodeEntry:
    locator, secret = codes.split(code)
    try:
        entry = await parts.shelf.codes.change(locator, partial(codes.tried, secret=secret, now=now))
    except NotFound:
        raise CodeRefused from None
    if codes.matches(entry, secret):
        return entry
    if codes.is_dead(entry, now=now):
        log.warning("join code died of wrong tries", extra={"sid": entry.sid})
    raise CodeRefused


async def _issue_ticket(parts: Parts, entry: SessionEntry, ticket: str, *, agent_key: str) -> None:
    key, now = ticket_key(ticket), parts.clock()
    stored = TicketEntry(
        audience="agent", org=entry.org, sid=entry.sid, agent_key=agent_key, expires_at=entry.limit_at
    )
    await parts.shelf.tickets.create(key, stored)

    def noted(current: SessionEntry) -> SessionEntry:
        joinable = codes.joinable(current, now=now)
        return joinable.model_copy(update={"agent_tickets": (*joinable.agent_tickets, key)})

    await parts.shelf.change(key_of(entry), noted)


# --- everything this service answers ------------------------------------------------------------------

Handler = Callable[[Parts, Request[Any]], Awaitable[BaseModel]]

SERVICE: dict[subjects.Service, tuple[type[Any], Handler]] = {
    subjects.Service.SESSION_CREATE: (CreateSession, create),
    subjects.Service.SESSION_JOIN: (Join, join),
    subjects.Service.SESSION_GET: (SessionQuery, get),
    subjects.Service.SESSION_LIST: (SessionListQuery, list_sessions),
    subjects.Service.SESSION_END: (EndSession, end),
    subjects.Service.SESSION_CHAT: (SendChat, chat),
    subjects.Service.SESSION_CHAT_LIST: (SessionQuery, chat_list),
    subjects.Service.SESSION_DEVICE_RECORDED: (DeviceRecorded, standing.recorded),
    subjects.Service.SESSION_DEVICE_LIST: (DeviceListQuery, standing.list_devices),
    subjects.Service.SESSION_DEVICE_GET: (DeviceQuery, standing.get),
    subjects.Service.SESSION_DEVICE_OPEN: (OpenDevice, standing.open_device),
    subjects.Service.SESSION_DEVICE_GIVE_UP: (DeviceQuery, standing.give_up),
}
UP: dict[subjects.Up, tuple[type[Any], Handler]] = {
    subjects.Up.HELLO: (SignedUp, hello),
    subjects.Up.CHAT: (ChatUp, chat_up),
    subjects.Up.ENDED: (SignedUp, ended),
}


def endpoints(parts: Parts) -> list[Endpoint[Any]]:
    """The two tables, bound to what the handlers use."""
    services = [
        Endpoint(verb.value.split(".")[1], subjects.service(verb), message, partial(handler, parts))
        for verb, (message, handler) in SERVICE.items()
    ]
    ups = [
        Endpoint(f"up-{verb.value}", subjects.up_everywhere(verb), message, partial(handler, parts))
        for verb, (message, handler) in UP.items()
    ]
    posted = Endpoint(
        "posted-ended",
        subjects.posted_everywhere(subjects.Up.ENDED),
        SignedUp,
        partial(ended, parts),
    )
    return [*services, *ups, posted]
