"""What the consent service touches: its bucket, the sessions it reads, the broker, its key, clock and chance.

Where the records are kept is `ledger`.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from nats.aio.client import Client

from beistand.bus import rpc, streams
from beistand.bus.store import Store
from beistand.protocol import ids, signing, subjects
from beistand.protocol.errors import Unavailable
from beistand.protocol.messages import (
    Ack,
    CloudEvent,
    DeviceEntry,
    DeviceRecorded,
    GrantEntry,
    Message,
    PauseView,
    RequestView,
    SessionEntry,
)
from beistand.protocol.records import Entry, Record, expiry
from services.consent import domain

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Record)


def utc_now() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


def new_id() -> str:
    """128 random bits."""
    return ids.id_from(secrets.token_bytes(16))


@dataclass(frozen=True)
class Shelf:
    """The bucket the service writes, and the two it reads."""

    grants: Store[GrantEntry]
    sessions: Store[SessionEntry]
    devices: Store[DeviceEntry]

    async def session(self, org: str, sid: str) -> SessionEntry | None:
        """The session as it is now."""
        stored = await self.sessions.get(f"{org}.{sid}")
        return stored.value if stored else None

    async def device(self, org: str, device_id: str) -> DeviceEntry | None:
        """What the session service noted of an enrolled device."""
        stored = await self.devices.get(f"{org}.{device_id}")
        return stored.value if stored else None

    async def request(self, org: str, sid: str, request_id: str) -> GrantEntry | None:
        """A request or grant as it is now."""
        stored = await self.grants.get(f"{org}.{sid}.{request_id}")
        return stored.value if stored else None

    async def requests(self, session: SessionEntry) -> list[GrantEntry]:
        """Everything asked in a session, oldest first."""
        stored = await self.grants.list(f"{session.org}.{session.sid}")
        return sorted((item.value for item in stored), key=lambda entry: (entry.asked_at, entry.request_id))

    async def stored_before(self, entry: GrantEntry, revision: int) -> list[GrantEntry]:
        """Everything in the entry's session that was stored before it, by the bucket's own order."""
        stored = await self.grants.list(f"{entry.org}.{entry.sid}")
        return [item.value for item in stored if item.revision < revision]

    async def change(
        self, key: str, edit: Callable[[GrantEntry], GrantEntry]
    ) -> tuple[GrantEntry, GrantEntry]:
        """The request before and after a compare-and-set edit; NotFound if there is none."""
        before: list[GrantEntry] = []

        def noted(entry: GrantEntry) -> GrantEntry:
            before[:] = [entry]
            return edit(entry)

        after = await self.grants.change(key, noted)
        return before[0], after


@dataclass(frozen=True)
class Wire:
    """What the service says to agents and to the world."""

    client: Client
    clock: Callable[[], datetime]

    async def announce(self, org: str, sid: str, data: RequestView | PauseView) -> None:
        """Something changed. It has, whether or not the event can be stored, so a failure is only logged."""
        event = subjects.Event.PAUSE if isinstance(data, PauseView) else subjects.Event.REQUEST
        cloud_event = CloudEvent.model_validate(
            {
                "id": new_id(),
                "source": "/beistand/consent",
                "type": f"beistand.{event}.v1",
                "subject": sid,
                "time": self.clock(),
                "data": data,
            }
        )
        try:
            await streams.publish_event(self.client, org, cloud_event)
        except Unavailable:
            log.warning("event not stored", extra={"sid": sid, "event": event.value})

    async def device_recorded(self, news: DeviceRecorded) -> None:
        """Tell the session service of a stored record of a device; raises what it answers, or Unavailable."""
        await rpc.call(self.client, subjects.Service.SESSION_DEVICE_RECORDED, news, Ack)

    async def tell(self, org: str, sid: str, verb: subjects.Down, message: Message) -> None:
        """Say something to the agent; it may get lost like every message, and times out then."""
        try:
            await rpc.publish(self.client, subjects.down(org, sid, verb), message)
        except Unavailable:
            log.warning("agent not told", extra={"sid": sid, "verb": verb.value})


@dataclass(frozen=True)
class Pen:
    """The service's signing key."""

    seed: bytes = field(repr=False)

    def sign(self, record: Record) -> str:
        """The record's JWS text."""
        return signing.sign(record, self.seed)

    def read(self, jws: str, kind: type[R]) -> R:
        """A record of our own, verified."""
        return signing.verify(jws, signing.public_key_of(self.seed), kind)

    @property
    def public_key(self) -> bytes:
        """What everybody checks our records with."""
        return signing.public_key_of(self.seed)

    def countersign(
        self, record: Record, jws: str, *, position: int, now: datetime, lasts_s: int | None
    ) -> str:
        """The JWS text of the statement that the record stands at this place since now."""
        entry = Entry(
            org=record.org,
            sid=record.sid,
            position=position,
            record_hash=signing.hash_of(jws),
            recorded_at=now,
            expires_at=None if lasts_s is None else expiry(now, lasts_s),
        )
        return self.sign(entry)


@dataclass
class Agenda:
    """When time does something to which request, and which are open at all; fed from the bucket."""

    due_at: dict[str, datetime] = field(default_factory=dict)
    _open_in: dict[str, set[str]] = field(default_factory=dict)

    def note(self, entry: GrantEntry) -> None:
        """Remember what matters of a request as it is now."""
        key, session = key_of(entry), f"{entry.org}.{entry.sid}"
        next_deadline = domain.deadline(entry)
        if next_deadline is not None:
            self.due_at[key] = next_deadline[0]
            self._open_in.setdefault(session, set()).add(key)
            return
        self.forget(key)

    def forget(self, key: str) -> None:
        """This request is not there any more, or never was."""
        self.due_at.pop(key, None)
        session = key.rpartition(".")[0]
        left = self._open_in.pop(session, set()) - {key}
        if left:
            self._open_in[session] = left

    def due(self, *, now: datetime) -> list[str]:
        """Keys of the requests time has done something to."""
        return [key for key, due in self.due_at.items() if due <= now]

    def has_open(self, session: SessionEntry) -> bool:
        """Whether something of this session is asked or live."""
        return f"{session.org}.{session.sid}" in self._open_in


def key_of(entry: GrantEntry) -> str:
    """The request's key in KV `grants`."""
    return f"{entry.org}.{entry.sid}.{entry.request_id}"
