"""The session and the consent service: their real handlers and domains, on buckets and a ledger in memory."""

import base64
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

from beistand.bus.rpc import Request
from beistand.protocol import signing
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import Unavailable
from beistand.protocol.messages import (
    Actor,
    AskConsent,
    EndedDown,
    GrantEntry,
    Joined,
    LedgerLine,
    Message,
    Party,
    RequestState,
    SessionEntry,
    SessionState,
    SignedUp,
    WithdrawRequest,
    encode,
)
from beistand.protocol.records import Cause, Decision, Hello, Record
from beistand.protocol.subjects import Down, Up
from services.consent import adapters as consent_adapters
from services.consent import chain, grants
from services.consent import domain as consent_domain
from services.consent import handlers as consent_handlers
from services.session import adapters as session_adapters
from services.session import connections, lifecycle
from services.session import domain as session_domain
from services.session import handlers as session_handlers
from tests.support.questions import ORG, an_id
from tests.support.whole.network import Network, Parcel
from tests.support.whole.store import Job, MemoryStore, Work, breath

START = datetime(2026, 1, 1, tzinfo=UTC)
SEED = hashlib.sha256(b"consent").digest()
SILENT_S = 10.0
GRANT_LASTS_S = 60
LIMITS = consent_domain.Limits(answer_s=10, duration_s=GRANT_LASTS_S, pause=timedelta(seconds=1))
OPEN = (RequestState.ASKED, RequestState.LIVE)
TECHNICIANS = (an_id("Tina"), an_id("Bob"))


@dataclass
class World:
    """What the services need of everything else; filled in by `system`."""

    network: Network
    clock: Callable[[], float]
    reached: Callable[[str], None]
    down: Callable[[str, str, bytes], None]
    """(sid, verb, payload): at the device."""
    stored: Callable[[GrantEntry | SessionEntry], None]
    """Something was written."""
    kick: Callable[[str], None]
    """(sid): the device's connections are cut."""

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.clock())

    def send(self, what: str, roads: tuple[str, ...], deliver: Callable[[], None]) -> None:
        self.network.send(Parcel(what, roads, self.clock(), deliver))


@dataclass
class MemoryLedger:
    """The ledger's port in memory, with its real chain; `trouble` is how its next write fails."""

    pen: consent_adapters.Pen
    shelf: consent_adapters.Shelf
    world: World
    pages: dict[str, chain.Page] = field(default_factory=dict)
    recorded: set[str] = field(default_factory=set)
    """Requests whose yes is stored."""
    trouble: str = ""

    async def append(
        self, session: SessionEntry, record: Record, jws: str, *, lasts_s: int | None = None
    ) -> LedgerLine:
        await self._take_in_hellos(session)
        await breath()
        page = self.pages.get(session.sid, chain.Page())
        stored = page.line_of(jws)
        if stored is not None:
            self.world.reached("a record was sent again")
            return stored
        chain.check_next(page, record)
        return self._write(session, record, jws, lasts_s=lasts_s)

    async def read(self, session: SessionEntry) -> chain.Page:
        await self._take_in_hellos(session)
        return self.pages.get(session.sid, chain.Page())

    def _write(self, session: SessionEntry, record: Record, jws: str, *, lasts_s: int | None) -> LedgerLine:
        trouble, self.trouble = self.trouble, ""
        if trouble == "not stored":
            raise Unavailable
        page = self.pages.get(session.sid, chain.Page())
        entry_jws = self.pen.countersign(
            record, jws, position=len(page.lines), now=self.world.wall(), lasts_s=lasts_s
        )
        line = LedgerLine(jws=jws, entry_jws=entry_jws)
        self.pages[session.sid] = chain.extended(
            page, line, consent_key=self.pen.public_key, org=session.org, sid=session.sid
        )
        if isinstance(record, Decision):
            self.recorded.add(record.request_id)
        if trouble == "stored, not told":
            self.world.reached("stored, not told")
            raise Unavailable
        return line

    async def _take_in_hellos(self, session: SessionEntry) -> None:
        latest = await self.shelf.session(session.org, session.sid)
        if latest is None or latest.agent_key is None:
            return
        for link in latest.chain:
            page = self.pages.get(session.sid, chain.Page())
            if link.jws is not None and chain.continues(page, link.seq, link.prev):
                hello = signing.verify(link.jws, signing.public_key_of_agent(latest.agent_key), Hello)
                self._write(session, hello, link.jws, lasts_s=None)


@dataclass(frozen=True)
class ModelWire:
    """What either service says, to devices and to the world (which listens to buckets here)."""

    world: World
    road: str

    async def announce(self, *_: object) -> None:
        await breath()

    async def tell(self, _org: str, sid: str, verb: Down, message: Message) -> None:
        await breath()
        payload = encode(message)
        self.world.send(verb, (self.road, "control"), partial(self.world.down, sid, verb, payload))

    async def flush(self) -> None:
        """The last thing before connections are cut, for which there is no broker here: `tick` kicks."""
        await breath()
        if self.road == "session":
            raise Unavailable


@dataclass(frozen=True)
class DirectBacklog:
    """A backlog whose second tries are the device's."""

    ledger: MemoryLedger

    async def record(self, session: SessionEntry, record: Record, jws: str) -> LedgerLine:
        return await self.ledger.append(session, record, jws)


class Services:
    """Both services, the technicians' way to them, and the buckets."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.work = {"consent": Work(), "session": Work()}
        self.count = 0
        self.heard_at: dict[str, float] = {}
        self.lost_connections: set[str] = set()
        pen = consent_adapters.Pen(SEED)
        self.grants: MemoryStore[GrantEntry] = self._bucket("consent")
        self.sessions: MemoryStore[SessionEntry] = self._bucket("session")
        shelf = consent_adapters.Shelf(self.grants, self.sessions, self._bucket("consent"))  # type: ignore[arg-type]
        self.ledger = MemoryLedger(pen, shelf, world)
        self.consent = grants.Parts(
            shelf=shelf,
            ledger=self.ledger,
            backlog=DirectBacklog(self.ledger),  # type: ignore[arg-type]
            wire=ModelWire(world, "consent"),  # type: ignore[arg-type]
            pen=pen,
            clock=world.wall,
            new_id=self._new_id,
            limits=LIMITS,
            agenda=consent_adapters.Agenda(),
        )
        self.session = lifecycle.Parts(
            shelf=session_adapters.Shelf(self.sessions, *(self._bucket("session") for _ in range(3))),  # type: ignore[arg-type]
            wire=ModelWire(world, "session"),  # type: ignore[arg-type]
            chance=SimpleNamespace(identifier=self._new_id),  # type: ignore[arg-type]
            clock=world.wall,
            limits=session_domain.Limits(suspended=timedelta(seconds=30)),
            agent_urls=("nats://127.0.0.1:1",),
            consent_key=base64.urlsafe_b64encode(pen.public_key).rstrip(b"=").decode(),
            agenda=session_adapters.Agenda(),
            tasks=SimpleNamespace(create_task=self._cut_later),  # type: ignore[arg-type]
        )

    # --- sessions -------------------------------------------------------------------------------------

    def open(self, agent_key: str) -> Joined:
        """A new session whose device was let in with this key."""
        owner = Actor(technician_id=TECHNICIANS[0], name="Tina", org=ORG)
        now = self.world.wall()
        entry = session_domain.opened(
            owner,
            sid=self._new_id(),
            organisation_name="Acme",
            locator="",
            now=now,
            limits=self.session.limits,
        )
        entry = connections.connect(entry, ("server", 0), agent_key=agent_key, purpose="control", now=now)
        self.sessions.write(f"{ORG}.{entry.sid}", entry)
        self.heard_at[entry.sid] = self.world.clock()
        return Joined(
            org=ORG,
            session_id=entry.sid,
            organisation_name="Acme",
            technician_id=owner.technician_id,
            technician_name="Tina",
            nats_urls=self.session.agent_urls,
            ticket="t" * 43,
            consent_key=self.session.consent_key,
        )

    def entry(self, sid: str) -> SessionEntry:
        return self.sessions.values[f"{ORG}.{sid}"].value

    def is_over(self, sid: str) -> bool:
        return self.entry(sid).state in session_domain.FINAL

    def reconnect(self, sid: str, agent_key: str, done: Callable[[Any], None]) -> None:
        """The device knocks with its ticket again."""
        self.count += 1
        connect = partial(
            connections.connect,
            connection=("server", self.count),
            agent_key=agent_key,
            purpose="control",
            now=self.world.wall(),
        )
        self.work["session"].start(lifecycle.advance(self.session, f"{ORG}.{sid}", connect), done)

    def lost(self, sid: str) -> None:
        """The broker saw the device's control connection break."""
        control = self.entry(sid).control
        if control is None:
            return
        lose = partial(
            connections.disconnect, connection=control, now=self.world.wall(), limits=self.session.limits
        )
        self.work["session"].start(lifecycle.advance(self.session, f"{ORG}.{sid}", lose))

    def end(self, sid: str) -> None:
        """The technician ends the session."""

        async def ended() -> None:
            event, now = session_domain.EndAsked(Party.TECHNICIAN, Cause.TECHNICIAN), self.world.wall()
            await lifecycle.advance(
                self.session, f"{ORG}.{sid}", lambda entry: session_domain.apply(entry, event, now=now)
            )
            notice = EndedDown(by=Party.TECHNICIAN, cause=Cause.TECHNICIAN)
            await self.session.wire.tell(ORG, sid, Down.ENDED, notice)
            self.world.kick(sid)

        self.work["session"].start(ended())

    # --- requests -------------------------------------------------------------------------------------

    def ask(self, sid: str, technician_id: str, capability: Capability) -> None:
        actor = Actor(technician_id=technician_id, name="Tina", org=ORG, sees_all=True)
        wanted = AskConsent(actor=actor, session_id=sid, capability=capability, reason="printer")
        self._serve("consent", consent_handlers.ask(self.consent, Request(wanted)))

    def withdraw(self, sid: str, grant_id: str) -> None:
        actor = Actor(technician_id=TECHNICIANS[0], name="Tina", org=ORG, sees_all=True)
        wanted = WithdrawRequest(actor=actor, session_id=sid, request_id=grant_id)
        self._serve("consent", consent_handlers.withdraw(self.consent, Request(wanted)))

    def hear(self, sid: str, verb: Up, message: SignedUp, answered: Callable[[Any], None]) -> None:
        """A device's record, by whatever way."""
        request = Request(message, ORG, sid)
        if verb in session_handlers.UP:
            self._serve("session", session_handlers.UP[verb][1](self.session, request), answered)
        if verb in consent_handlers.UP:
            self._serve("consent", consent_handlers.UP[verb][1](self.consent, request), answered)
        if verb is Up.ENDED:
            self._serve("consent", consent_handlers.heard_end(self.consent, request))

    def _serve(
        self, name: str, coroutine: Coroutine[Any, Any, Any], answered: Callable[[Any], None] = lambda _: None
    ) -> None:
        self.work[name].start(coroutine, answered)

    # --- time and trouble -----------------------------------------------------------------------------

    def tick(self) -> None:
        """Once a second: what time asks for."""
        now = self.world.wall()
        if any(consent_domain.deadline(stored.value) for stored in self.grants.values.values()):
            self._serve("consent", grants.sweep(self.consent))
        for key, stored in list(self.sessions.values.items()):
            entry = stored.value
            if session_domain.overdue(entry, now=now) is not None:
                settle = partial(session_domain.settled, now=now)
                self._serve("session", lifecycle.advance(self.session, key, settle))
            elif entry.state is SessionState.ACTIVE and entry.control is not None:
                self._fall_silent(key, entry, now)
            if entry.state in session_domain.FINAL:
                self.world.kick(entry.sid)

    def _fall_silent(self, key: str, entry: SessionEntry, now: datetime) -> None:
        if self.world.clock() - self.heard_at[entry.sid] < SILENT_S:
            return
        silenced = partial(
            connections.fall_silent, control=entry.control, now=now, limits=self.session.limits
        )
        self._serve("session", lifecycle.advance(self.session, key, silenced))

    def crash(self, name: str) -> None:
        if self.work[name].jobs:
            self.world.reached(f"{name} crashed at work")
        self.work[name].crash()

    def jobs(self) -> list[tuple[Work, Job]]:
        return [(work, job) for work in self.work.values() for job in work.jobs]

    # --- inside -----------------------------------------------------------------------------------------

    def _bucket(self, road: str) -> MemoryStore[Any]:
        return MemoryStore(
            is_away=lambda: road in self.world.network.cut,
            written=self._written,
            conflict=lambda: self.world.reached("two writers, one won"),
        )

    def _written(self, value: GrantEntry | SessionEntry) -> None:
        self.world.stored(value)
        if isinstance(value, SessionEntry) and value.state in session_domain.FINAL:
            self._serve("consent", grants.session_over(self.consent, value.org, value.sid))

    def _cut_later(self, coroutine: Coroutine[Any, Any, Any], *, name: str) -> None:
        coroutine.close()  # its kicks need a real broker: told to the device as `kick`
        self.world.kick(name.removeprefix("cut "))

    def _new_id(self) -> str:
        self.count += 1
        return an_id(f"{self.count}")
