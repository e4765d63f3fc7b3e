"""What the session service touches: its buckets, the broker, the system account, clock and chance."""

import hashlib
import logging
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from nats.aio.client import Client

from beistand.bus import rpc, streams
from beistand.bus.connection import UNREACHABLE
from beistand.bus.store import Conflict, Store
from beistand.bus.system import System
from beistand.protocol import ids, subjects
from beistand.protocol.errors import Unavailable
from beistand.protocol.messages import (
    ChatLine,
    CloudEvent,
    DeviceEntry,
    DeviceView,
    Message,
    SessionEntry,
    SessionView,
    TicketEntry,
)
from services.session import domain
from services.session.codes import CodeEntry, is_dead
from services.session.connections import Connection

log = logging.getLogger(__name__)

OWNERLESS_KEPT = 1024
"""Lost connections remembered in case the bucket tells only later whose they were."""


def utc_now() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


class Chance(Protocol):
    """Where what nobody may guess comes from."""

    def identifier(self) -> str:
        """128 random bits."""

    def code(self) -> str:
        """Nine random digits."""

    def ticket(self) -> str:
        """256 random bits."""


class SystemChance:
    """The operating system's randomness."""

    def identifier(self) -> str:
        """See `Chance`."""
        return ids.id_from(secrets.token_bytes(16))

    def code(self) -> str:
        """See `Chance`."""
        return f"{secrets.randbelow(10**9):09d}"

    def ticket(self) -> str:
        """See `Chance`."""
        return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Shelf:
    """The service's buckets."""

    sessions: Store[SessionEntry]
    codes: Store[CodeEntry]
    tickets: Store[TicketEntry]
    devices: Store[DeviceEntry]

    async def session(self, key: str) -> SessionEntry | None:
        """A session as it is now."""
        stored = await self.sessions.get(key)
        return stored.value if stored else None

    async def ticket(self, key: str) -> TicketEntry | None:
        """A ticket as it is now."""
        stored = await self.tickets.get(key)
        return stored.value if stored else None

    async def change(
        self, key: str, edit: Callable[[SessionEntry], SessionEntry]
    ) -> tuple[SessionEntry, SessionEntry]:
        """The session before and after a compare-and-set edit; NotFound if there is none."""
        before: list[SessionEntry] = []

        def noted(entry: SessionEntry) -> SessionEntry:
            before[:] = [entry]
            return edit(entry)

        after = await self.sessions.change(key, noted)
        return before[0], after

    async def reserve(self, locator: str, code: CodeEntry, *, now: datetime) -> bool:
        """Take a locator if it is free or its code is dead."""
        try:
            held = await self.codes.get(locator)
            if held is None:
                await self.codes.create(locator, code)
                return True
            if not is_dead(held.value, now=now):
                return False
            await self.codes.update(locator, code, revision=held.revision)
        except Conflict:
            return False
        return True

    async def drop_code(self, locator: str, sid: str) -> None:
        """The session's code is no more; another session's at the same place stays."""
        held = await self.codes.get(locator) if locator else None
        if held is None or held.value.sid != sid:
            return
        try:
            await self.codes.delete(locator, revision=held.revision)
        except Conflict:
            await self.drop_code(locator, sid)

    async def drop_ticket(self, key: str) -> None:
        """The ticket is no more."""
        held = await self.tickets.get(key)
        if held is None:
            return
        try:
            await self.tickets.delete(key, revision=held.revision)
        except Conflict:
            return


@dataclass(frozen=True)
class Wire:
    """What the service says to agents and to the world."""

    client: Client
    system: System
    chance: Chance
    clock: Callable[[], datetime]

    async def announce(self, org: str, sid: str, data: SessionView) -> None:
        """A session changed. It has, whether or not the event can be stored, so a failure is only logged."""
        try:
            await self._publish(org, sid, self.chance.identifier(), subjects.Event.SESSION, data)
        except Unavailable:
            log.warning("event not stored", extra={"sid": sid, "event": "session"})

    async def announce_device(self, org: str, data: DeviceView) -> None:
        """An enrolled device changed; a failure is only logged, as with sessions."""
        try:
            await self._publish(org, data.id, self.chance.identifier(), subjects.Event.DEVICE, data)
        except Unavailable:
            log.warning("event not stored", extra={"device": data.id, "event": "device"})

    async def tell_device(self, org: str, device: str, verb: subjects.DeviceDown, message: Message) -> None:
        """Say something to an enrolled device; it may get lost like every message."""
        try:
            await rpc.publish(self.client, subjects.device_down(org, device, verb), message)
        except Unavailable:
            log.warning("device not told", extra={"device": device, "verb": verb.value})

    async def transcribe(self, org: str, line: ChatLine) -> None:
        """Store a chat line; the same line again is stored once."""
        await self._publish(org, line.session_id, line.id, subjects.Event.CHAT, line)

    async def tell(self, org: str, sid: str, verb: subjects.Down, message: Message) -> None:
        """Say something to the agent; it may get lost like every message."""
        try:
            await rpc.publish(self.client, subjects.down(org, sid, verb), message)
        except Unavailable:
            log.warning("agent not told", extra={"sid": sid, "verb": verb.value})

    async def flush(self) -> None:
        """Wait until the broker has processed everything said so far."""
        try:
            await self.client.flush()
        except UNREACHABLE as error:
            raise Unavailable from error

    async def _publish(
        self,
        org: str,
        sid: str,
        event_id: str,
        event: subjects.Event,
        data: SessionView | ChatLine | DeviceView,
    ) -> None:
        cloud_event = CloudEvent.model_validate(
            {
                "id": event_id,
                "source": "/beistand/session",
                "type": f"beistand.{event}.v1",
                "subject": sid,
                "time": self.clock(),
                "data": data,
            }
        )
        await streams.publish_event(self.client, org, cloud_event)


@dataclass
class Agenda:
    """When time does something to which session, and whose connections are whose; fed from the bucket."""

    due_at: dict[str, datetime] = field(default_factory=dict)
    _owners: dict[Connection, str] = field(default_factory=dict)
    _known: dict[str, frozenset[Connection]] = field(default_factory=dict)
    _ownerless: deque[Connection] = field(default_factory=lambda: deque(maxlen=OWNERLESS_KEPT))

    def note(self, entry: SessionEntry) -> list[Connection]:
        """Remember what matters of a session as it is now; which of its connections are known to be gone."""
        key = key_of(entry)
        for left in self._known.pop(key, frozenset()):
            self._owners.pop(left, None)
        if entry.connections:
            self._known[key] = frozenset(entry.connections)
            self._owners.update(dict.fromkeys(entry.connections, key))
        due = domain.due_at(entry)
        if due is None:
            self.due_at.pop(key, None)
        else:
            self.due_at[key] = due
        return [connection for connection in entry.connections if connection in self._ownerless]

    def owner_of(self, connection: Connection) -> str | None:
        """The key of the session a lost connection belongs to; if nobody knows yet, it is kept for `note`."""
        key = self._owners.get(connection)
        if key is None:
            self._ownerless.append(connection)
        return key

    def due(self, *, now: datetime) -> list[str]:
        """Keys of the sessions time has done something to."""
        return [key for key, due in self.due_at.items() if due <= now]


def key_of(entry: SessionEntry) -> str:
    """The session's key in KV `sessions`."""
    return f"{entry.org}.{entry.sid}"


def ticket_key(ticket: str) -> str:
    """A ticket's key in KV `tickets`: its SHA-256 in hex, so the bucket holds no ticket."""
    return hashlib.sha256(ticket.encode()).hexdigest()
