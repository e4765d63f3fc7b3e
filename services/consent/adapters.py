"""What the consent service touches: its bucket, the sessions it reads, the broker, its key, clock and chance.

`Ledger` is the port every device record passes before it counts; `KvLedger` keeps the chain's state by
compare-and-set in the grants bucket.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from nats.aio.client import Client

from beistand.bus import rpc, streams
from beistand.bus.store import Conflict, Store
from beistand.protocol import ids, signing, subjects
from beistand.protocol.errors import Unavailable
from beistand.protocol.messages import (
    ChainLink,
    CloudEvent,
    GrantEntry,
    Message,
    PauseView,
    RequestView,
    SessionEntry,
)
from beistand.protocol.records import DeviceRecord, Entry, Record
from services.consent import chain, domain

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Record)

APPEND_ATTEMPTS = 16
EARLY_WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Records are requests of their own and may overtake each other by so much."""


def utc_now() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


def new_id() -> str:
    """128 random bits."""
    return ids.id_from(secrets.token_bytes(16))


class Ledger(Protocol):
    """The port to where device records are kept: nothing counts as granted before `append` returned."""

    async def append(self, session: SessionEntry, record: DeviceRecord, jws: str) -> chain.Place:
        """The record's durable place; the same record again gets the same one.

        Raises BadSignature if it does not continue the session's chain, Unavailable if it was not stored.
        """


@dataclass(frozen=True)
class KvLedger:
    """Keeps where each chain stands, not the records themselves."""

    chains: Store[chain.Chain]
    sessions: Store[SessionEntry]
    clock: Callable[[], datetime]

    async def append(self, session: SessionEntry, record: DeviceRecord, jws: str) -> chain.Place:
        """See `Ledger`."""
        link = chain.link_of(record, jws)
        for wait_s in EARLY_WAITS_S:
            state, _ = await self._state(session)
            if chain.place_of(state, link) is not None or not chain.is_early(state, link):
                break
            await asyncio.sleep(wait_s)
        for _ in range(APPEND_ATTEMPTS):
            try:
                return await self._append(session, link)
            except Conflict:
                continue
        raise Unavailable

    async def _append(self, session: SessionEntry, link: ChainLink) -> chain.Place:
        state, revision = await self._state(session)
        known = chain.place_of(state, link)
        if known is not None:
            return known
        extended = chain.extended(state, link, now=self.clock())
        if revision is None:
            await self.chains.create(_chain_key(session), extended)
        else:
            await self.chains.update(_chain_key(session), extended, revision=revision)
        return extended.places[-1]

    async def _state(self, session: SessionEntry) -> tuple[chain.Chain, int | None]:
        """Where the chain stands, with the hellos the session service took in meanwhile; and its revision."""
        stored = await self.chains.get(_chain_key(session))
        latest = await self.sessions.get(f"{session.org}.{session.sid}")
        state, revision = (stored.value, stored.revision) if stored else (chain.Chain(), None)
        hellos = latest.value.chain if latest else ()
        return chain.caught_up(state, hellos, now=self.clock()), revision


@dataclass(frozen=True)
class Shelf:
    """The bucket the service writes, and the one it reads."""

    grants: Store[GrantEntry]
    sessions: Store[SessionEntry]

    async def session(self, org: str, sid: str) -> SessionEntry | None:
        """The session as it is now."""
        stored = await self.sessions.get(f"{org}.{sid}")
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

    def countersign(self, record: DeviceRecord, place: chain.Place, *, expires_at: datetime | None) -> str:
        """The JWS text of the statement that the record was taken in, where and when."""
        entry = Entry(
            org=record.org,
            sid=record.sid,
            position=place.position,
            record_hash=place.record_hash,
            recorded_at=place.recorded_at,
            expires_at=expires_at,
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
        self.due_at.pop(key, None)
        left = self._open_in.get(session, set()) - {key}
        self._open_in.pop(session, None)
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


def _chain_key(session: SessionEntry) -> str:
    return f"chain/{session.org}/{session.sid}"
