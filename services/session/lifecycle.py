"""What happens to a session whoever asks: connections come and go, time passes, it ends and is cut.

Every change is one compare-and-set; every step can be repeated by another replica.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from beistand.bus.callout import Admission, CalloutRequest
from beistand.protocol import subjects
from beistand.protocol.errors import BeistandError, NotFound, TicketRefused, Unavailable
from beistand.protocol.messages import Actor, CallAnswer, EndedDown, Party, SessionEntry
from services.session import codes, connections, domain
from services.session.adapters import Agenda, Chance, Shelf, Wire, key_of, ticket_key
from services.session.connections import Connection
from services.session.devices import Presence
from services.session.leases import Leases
from services.session.pace import Pace

log = logging.getLogger(__name__)

LOCATORS_TRIED = 32


@dataclass(frozen=True)
class Parts:
    """Everything a handler may use."""

    shelf: Shelf
    wire: Wire
    chance: Chance
    clock: Callable[[], datetime]
    limits: domain.Limits
    agent_urls: tuple[str, ...]
    consent_key: str
    agenda: Agenda
    tasks: asyncio.TaskGroup
    leases: Leases = field(default_factory=Leases)
    pace: Pace = field(default_factory=Pace)
    presence: Presence = field(default_factory=Presence)
    calls: dict[tuple[str, str, str], asyncio.Future[CallAnswer]] = field(default_factory=dict)
    """(organisation, device, session) -> the answer that is waited for."""


async def open_session(
    parts: Parts,
    actor: Actor,
    organisation_name: str,
    *,
    until: datetime | None = None,
    device_id: str | None = None,
    reason: str | None = None,
) -> tuple[SessionEntry, str]:
    """A new stored session and its code; nobody is told of it yet. `until`: no longer than this."""
    now = parts.clock()
    for _ in range(LOCATORS_TRIED):
        code = parts.chance.code()
        locator, secret = codes.split(code)
        entry = domain.opened(
            actor,
            sid=parts.chance.identifier(),
            organisation_name=organisation_name,
            locator=locator,
            now=now,
            limits=parts.limits,
        )
        if device_id is not None:
            entry = domain.for_device(entry, device_id=device_id, reason=reason, until=until)
        if await parts.shelf.reserve(locator, codes.issued(entry, secret), now=now):
            break
    else:
        raise Unavailable("No join code is free; try again in a few minutes.")
    await parts.shelf.sessions.create(key_of(entry), entry)
    return entry, code


async def admit(parts: Parts, request: CalloutRequest) -> Admission:
    """Let an agent's connection in, or raise; the first one binds the agent's key and ends the code."""
    now = parts.clock()
    ticket = await parts.shelf.ticket(ticket_key(request.ticket))
    ticket = connections.check_ticket(ticket, request.agent_key, now=now)
    connect = partial(
        connections.connect,
        connection=(request.server_id, request.client_id),
        agent_key=request.agent_key,
        purpose=request.client_name,
        now=now,
    )
    try:
        before, after = await parts.shelf.change(f"{ticket.org}.{ticket.sid}", connect)
    except NotFound:
        raise TicketRefused from None
    parts.agenda.note(after)
    if before.agent_key is None:
        await parts.shelf.drop_code(before.code_locator, before.sid)
    if before.state is not after.state:
        await tell_world(parts, after)
    return Admission(org=after.org, sid=after.sid, expires_at=after.limit_at)


async def disconnected(parts: Parts, connection: Connection) -> None:
    """A connection of some agent is gone; without its control connection the agent is lost for now."""
    key = parts.agenda.owner_of(connection)
    if key is None:
        return
    lose = partial(connections.disconnect, connection=connection, now=parts.clock(), limits=parts.limits)
    try:
        await advance(parts, key, lose)
    except BeistandError as error:
        log.warning("loss of an agent not stored", extra={"session": key, "code": error.code})


async def noticed(parts: Parts, entry: SessionEntry) -> None:
    """A session as the bucket has it now; its connections may be gone before we knew whose they were."""
    parts.leases.note(key_of(entry), entry, now=parts.clock())
    for connection in parts.agenda.note(entry):
        await disconnected(parts, connection)


async def sweep(parts: Parts) -> None:
    """Do what time asks for. Safe with several replicas: every step is a compare-and-set."""
    for key in parts.agenda.due(now=parts.clock()):
        entry = await settled(parts, key)
        if domain.is_uncut(entry):
            await cut(parts, entry)
    client = parts.wire.client
    listening = int(client.stats["reconnects"]) if client.is_connected else None
    for key, control in parts.leases.silent(listening=listening, now=parts.clock()):
        await _fell_silent(parts, key, control)


async def _fell_silent(parts: Parts, key: str, control: Connection) -> None:
    """An agent that went while nobody could tell us. If it is there after all, it comes back."""
    silenced = partial(connections.fall_silent, control=control, now=parts.clock(), limits=parts.limits)
    try:
        entry = await advance(parts, key, silenced)
    except BeistandError as error:
        # Still silent at the next sweep, which tries again.
        log.warning("loss of an agent not stored", extra={"session": key, "code": error.code})
        return
    parts.leases.note(key, entry, now=parts.clock())
    with suppress(Unavailable):
        await parts.wire.system.kick(*control)


async def cut(parts: Parts, entry: SessionEntry) -> None:
    """Put the agent of an ended session out: told, tickets and code void, connections kicked. Repeatable."""
    try:
        await _tell_agent(parts, entry)
        await parts.shelf.drop_code(entry.code_locator, entry.sid)
        for key in entry.agent_tickets:
            await parts.shelf.drop_ticket(key)
        await _kick_all(parts, entry)
        await parts.shelf.change(key_of(entry), domain.cleared)
    except BeistandError as error:
        # The session is over already and nobody gets in; the sweep comes back for the rest.
        log.warning("session not cut yet", extra={"sid": entry.sid, "code": error.code})


async def _tell_agent(parts: Parts, entry: SessionEntry) -> None:
    if entry.ended_by is not None and entry.ended_by is not Party.CUSTOMER and entry.cause is not None:
        notice = EndedDown(by=entry.ended_by, cause=entry.cause)
        await parts.wire.tell(entry.org, entry.sid, subjects.Down.ENDED, notice)
    # Whatever was said to the agent, an answer above all, has passed the broker before the connection is cut.
    await parts.wire.flush()


async def _kick_all(parts: Parts, entry: SessionEntry) -> None:
    kicks = (parts.wire.system.kick(*connection) for connection in entry.connections)
    results = await asyncio.gather(*kicks, return_exceptions=True)
    unanswered = [result for result in results if isinstance(result, BaseException)]
    if not unanswered:
        return
    # A NATS server that never answers is gone, and the connections with it.
    if not domain.is_abandoned(entry, now=parts.clock()):
        raise Unavailable
    log.warning("connections left uncut", extra={"sid": entry.sid, "count": len(unanswered)})


async def settled(parts: Parts, key: str) -> SessionEntry:
    """The session with everything done that time has brought about; NotFound if there is none."""
    entry, now = await parts.shelf.session(key), parts.clock()
    if entry is None:
        raise NotFound
    if domain.overdue(entry, now=now) is None:
        return entry
    entry = await advance(parts, key, partial(domain.settled, now=now))
    await cut(parts, entry)
    return entry


async def advance(parts: Parts, key: str, edit: Callable[[SessionEntry], SessionEntry]) -> SessionEntry:
    """Change a session by compare-and-set, and tell the world if its state is another one now."""
    before, after = await parts.shelf.change(key, edit)
    parts.agenda.note(after)
    if before.state is not after.state:
        await tell_world(parts, after)
    return after


async def tell_world(parts: Parts, entry: SessionEntry) -> None:
    """The session's state is new."""
    log.info("session %s", entry.state, extra={"sid": entry.sid, "cause": entry.cause})
    await parts.wire.announce(entry.org, entry.sid, domain.view(entry))
