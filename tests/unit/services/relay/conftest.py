"""A room with viewers, an agent and a clock that a test holds in its hands."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from beistand.protocol import frames, messages
from beistand.protocol.frames import Codec, Header
from beistand.protocol.messages import GrantEntry, InputAlive, Message, RelayStopped, SignedUp, encode
from beistand.protocol.subjects import Up
from services.relay import handlers, stored
from services.relay.budget import InputBudget
from services.relay.domain import Tombstones
from services.relay.ports import Clock
from services.relay.room import Room, Viewer
from tests.support.consented import Consented
from tests.support.questions import an_id

RELAY = an_id("relay")
BEAT = encode(InputAlive(relay=RELAY))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class FakeSocket:
    """Records what a viewer would get; `blocked` makes it take nothing more."""

    said: list[Message] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    closed_with: int | None = None
    blocked: bool = False

    def text(self, message: Message) -> None:
        self.said.append(message)

    def frame(self, chunk: bytes) -> bool:
        self.frames.append(chunk)
        return not self.blocked

    def stop(self, last_words: RelayStopped, *, code: int) -> None:
        self.said.append(last_words)
        self.closed_with = code


@dataclass
class FakeDownlink:
    """Records what the agent would get; nothing leaves until `deliver`."""

    posted: list[tuple[str, bytes]] = field(default_factory=list)

    def post(self, subject: str, payload: bytes) -> None:
        self.posted.append((subject, payload))

    def discard(self, subject: str) -> None:
        self.posted = [item for item in self.posted if item[0] != subject]

    def deliver(self, family: str) -> list[bytes]:
        """What was posted to this family of subjects since the last time, but for the relay's beats."""
        found = [payload for subject, payload in self.posted if subject.startswith(f"bst.{family}.")]
        self.posted = [item for item in self.posted if not item[0].startswith(f"bst.{family}.")]
        return [payload for payload in found if payload != BEAT]

    def beats(self) -> list[str]:
        """The grants that were beaten for since the last time."""
        found = [subject for subject, payload in self.posted if payload == BEAT]
        self.posted = [item for item in self.posted if item[1] != BEAT]
        return [subject.rsplit(".", 1)[1] for subject in found]


@dataclass
class FakeHandle:
    at: float
    action: Callable[[], None]
    is_cancelled: bool = False

    def when(self) -> float:
        return self.at

    def cancel(self) -> None:
        self.is_cancelled = True


class World:
    """One session, its device, one room at the relay."""

    def __init__(self, tombstones: Tombstones | None = None) -> None:
        self.customer = Consented(now=NOW)
        self.downlink = FakeDownlink()
        self.time = 0.0
        self.timers: list[FakeHandle] = []
        clock = Clock(
            monotonic=lambda: self.time,
            wall=lambda: NOW + timedelta(seconds=self.time),
            call_at=self._call_at,
        )
        self.tombstones = tombstones or Tombstones()
        self.room = Room(
            self.customer.org,
            self.customer.sid,
            relay=RELAY,
            tombstones=self.tombstones,
            downlink=self.downlink,
            clock=clock,
        )
        self.seq = 0

    def open(self) -> None:
        stored.session_seen(self.room, self.customer.session())

    def enter(
        self, *entries: GrantEntry, technician_id: str | None = None, codecs: Iterable[str] = ()
    ) -> tuple[Viewer, FakeSocket]:
        """A viewer of this technician comes in on what the store holds."""
        technician = technician_id or self.customer.technician_id
        self.room.expected[technician] += 1
        key = self.customer.consent_key
        grant = stored.view_grant(self.room, technician, entries, consent_key=key)
        socket = FakeSocket()
        viewer = Viewer(socket, technician, grant, InputBudget(now=self.time), frozenset(codecs))
        self.room.enter(viewer)
        return viewer, socket

    def store(self, entry: GrantEntry) -> None:
        """The store tells of a change."""
        stored.grant_seen(self.room, entry, consent_key=self.customer.consent_key)

    def agent(self, verb: Up, payload: bytes) -> None:
        handlers.agent_said(self.room, verb, payload)

    def revoke(self, *grant_ids: str) -> None:
        jws = self.customer.revocation(*grant_ids)
        self.agent(Up.REVOKED, encode(SignedUp(type="revocation", jws=jws)))

    def lease(self, *grant_ids: str, paused: bool = False) -> None:
        self.agent(Up.LEASE, encode(messages.Lease(grant_ids=grant_ids, paused=paused)))

    def says(self, viewer: Viewer, message: Message | bytes | None) -> None:
        raw = encode(message) if isinstance(message, Message) else message
        handlers.viewer_said(self.room, viewer, raw)

    def frame(self, grant_id: str, *, key: bool = False) -> bytes:
        """The agent sends its next frame."""
        self.seq += 1
        header = Header(Codec.H264, key, True, 0, self.seq, self.seq, 640, 480, 0)
        chunk = frames.pack(header) + b"picture"
        self.room.frame(grant_id, chunk)
        return chunk

    def wait(self, seconds: float) -> None:
        """Time passes; timers fire when they are due."""
        end = self.time + seconds
        while due := self._next_timer(end):
            self.timers.remove(due)
            self.time = max(self.time, due.at)
            due.action()
        self.time = end

    def _next_timer(self, end: float) -> FakeHandle | None:
        live = [timer for timer in self.timers if not timer.is_cancelled and timer.at <= end]
        return min(live, key=FakeHandle.when, default=None)

    def _call_at(self, when: float, action: Callable[[], None]) -> FakeHandle:
        self.timers.append(FakeHandle(when, action))
        return self.timers[-1]


@pytest.fixture
def world() -> World:
    world = World()
    world.open()
    return world
