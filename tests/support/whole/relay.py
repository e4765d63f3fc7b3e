"""A relay process without sockets: its real rooms, gate, proof and handlers, and what it has been told."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from beistand.protocol import frames, signing
from beistand.protocol.errors import BeistandError
from beistand.protocol.messages import (
    GrantEntry,
    InputKey,
    Message,
    RelayStopped,
    RequestState,
    SessionEntry,
    SignedUp,
    encode,
    parse,
)
from beistand.protocol.records import Revocation
from beistand.protocol.subjects import Up
from services.relay import handlers, stored
from services.relay.budget import InputBudget
from services.relay.domain import Flow, Tombstones
from services.relay.ports import Clock
from services.relay.room import Room, Viewer
from services.session.domain import FINAL
from tests.support.questions import ORG, an_id
from tests.support.whole.services import OPEN, SEED, Services, World
from tests.support.whole.store import Work, breath

CONSENT_KEY = signing.public_key_of(SEED)
RELAY = an_id("relay")
KEY = encode(InputKey(key="a", code="KeyA", action="down"))


@dataclass
class Alarm:
    at: float
    action: Callable[[], None]
    is_cancelled: bool = False

    def when(self) -> float:
        return self.at

    def cancel(self) -> None:
        self.is_cancelled = True


@dataclass(eq=False)
class Seat:
    """A technician's browser: what it was shown goes to `shown`, with the frame's bytes."""

    sid: str
    technician_id: str
    shown: Callable[["Seat", bytes], None]
    viewer: Viewer | None = None
    is_open: bool = True
    code: int = 0

    def text(self, message: Message) -> None:
        pass

    def frame(self, chunk: bytes) -> bool:
        self.shown(self, chunk)
        return True

    def stop(self, last_words: RelayStopped, *, code: int) -> None:  # noqa: ARG002
        self.is_open, self.code = False, code


@dataclass
class Told:
    """What this process has heard with its own ears."""

    over: set[str] = field(default_factory=set)
    """Grants it was told are over, and sessions."""
    pause: dict[Room, int] = field(default_factory=dict)
    """Which pause of the person's each room knows of."""
    met: dict[str, float] = field(default_factory=dict)
    """When a room learned of a grant."""


class Relay:
    """One process; `restart` makes it another."""

    def __init__(
        self,
        world: World,
        services: Services,
        *,
        entered: Callable[[Seat], None],
        shown: Callable[[Seat, bytes], None],
        post: Callable[[str, bytes], None],
    ) -> None:
        self.world, self.services = world, services
        self.lies: list[GrantEntry] = []
        """What a store that lies adds to what it holds."""
        self._entered, self._shown, self._post = entered, shown, post
        self.work = Work()
        self._start()

    def _start(self) -> None:
        self.tombstones = Tombstones()
        self.rooms: dict[str, Room] = {}
        self.seats: list[Seat] = []
        self.users: Counter[str] = Counter()
        self.alarms: list[Alarm] = []
        self.told = Told()

    def restart(self) -> None:
        """The process dies with all it knows; another begins."""
        for seat in self.seats:
            seat.is_open = False
        self.work.crash()
        self._start()

    # --- viewers ----------------------------------------------------------------------------------------

    def knock(self, sid: str, technician_id: str) -> Seat:
        seat = Seat(sid, technician_id, self._shown)
        self.work.start(self._admit(seat), lambda result: self._admitted(seat, result))
        return seat

    async def _admit(self, seat: Seat) -> None:
        """In the order of `services.relay.entrance`: listen, read, prove, subscribe, enter."""
        sid, technician_id = seat.sid, seat.technician_id
        self.seats.append(seat)
        room = self.rooms.get(sid) or self.rooms.setdefault(sid, self._room(sid))
        self.users[sid] += 1
        room.expected[technician_id] += 1
        await breath()
        session = await self.services.sessions.get(f"{ORG}.{sid}")
        if session is not None:
            stored.session_seen(room, session.value)
            self._note_entry(session.value)
        entries = [item.value for item in await self.services.grants.list(f"{ORG}.{sid}")]
        await breath()
        for entry in entries:
            is_over = entry.request_id in self.told.over and room.gate.flow is not Flow.OVER
            if is_over and entry.state is RequestState.LIVE:
                self.world.reached("revoke before grant")
        self._note_all(room)
        grant = stored.view_grant(room, technician_id, [*entries, *self.lies], consent_key=CONSENT_KEY)
        self._note_all(room)
        await breath()
        seat.viewer = Viewer(seat, technician_id, grant, InputBudget(now=room.now))
        room.enter(seat.viewer)
        self._entered(seat)

    def _admitted(self, seat: Seat, result: object) -> None:
        if isinstance(result, BeistandError):
            self.world.reached(f"viewer refused: {result.code}")
            seat.is_open = False
        else:
            self.world.reached("viewer let in")
        self.tidy()

    def tidy(self) -> None:
        """Whoever is out leaves; the last one closes the room."""
        for seat in [seat for seat in self.seats if not seat.is_open]:
            self.seats.remove(seat)
            room = self.rooms[seat.sid]
            if seat.viewer is not None:
                room.leave(seat.viewer)
            room.expected[seat.technician_id] -= 1
            self.users[seat.sid] -= 1
            if not self.users[seat.sid]:
                del self.rooms[seat.sid]
                self.told.pause.pop(room, None)
                room.close()

    def watching(self) -> list[Seat]:
        return [seat for seat in self.seats if seat.viewer is not None and seat.is_open]

    def says(self, seat: Seat) -> None:
        """The technician presses a key."""
        if seat.viewer is not None:
            handlers.viewer_said(self.rooms[seat.sid], seat.viewer, KEY)
        self.tidy()

    # --- hearing ----------------------------------------------------------------------------------------

    def hear(self, sid: str, verb: Up, raw: bytes, *, pause: int, posted: bool = False) -> None:
        """The device's word. `pause` numbers the person's pause that it tells of, 0: none."""
        room = self.rooms.get(sid)
        if room is None:
            return
        take = handlers.agent_posted if posted else handlers.agent_said
        take(room, verb, raw)
        if stored.agent_key_of(room.session) is not None:
            self._note_word(room, verb, raw, pause)
        self._note_all(room)
        self.tidy()

    def _note_word(self, room: Room, verb: Up, raw: bytes, pause: int) -> None:
        key = stored.agent_key_of(room.session)
        if verb is Up.ENDED:
            self.told.over.add(room.sid)
        if verb is Up.REVOKED and key is not None:
            with suppress(BeistandError):
                self.told.over.update(signing.verify(parse(SignedUp, raw).jws, key, Revocation).grant_ids)
        if pause:
            self.told.pause[room] = pause

    def store_says(self, entry: GrantEntry | SessionEntry) -> None:
        room = self.rooms.get(entry.sid)
        if room is None:
            return
        if isinstance(entry, SessionEntry):
            stored.session_seen(room, entry)
        else:
            stored.grant_seen(room, entry, consent_key=CONSENT_KEY)
        self._note_entry(entry)
        self._note_all(room)
        self.tidy()

    def _note_entry(self, entry: GrantEntry | SessionEntry) -> None:
        if isinstance(entry, SessionEntry):
            self.told.over.update({entry.sid} if entry.state in FINAL else ())
        elif entry.state not in OPEN:
            self.told.over.add(entry.request_id)

    def _note_all(self, room: Room) -> None:
        alive = room.gate.live_ids()
        for grant_id in alive:
            self.told.met.setdefault(grant_id, room.now)
        for grant_id in [each for each in self.told.met if each not in alive]:
            del self.told.met[grant_id]

    def frame(self, sid: str, grant_id: str, chunk: bytes) -> None:
        room = self.rooms.get(sid)
        if room is not None:
            if not room.gate.may_show(grant_id, now=room.now):
                self.world.reached("frame refused at the relay")
            room.frame(grant_id, chunk)

    # --- time -------------------------------------------------------------------------------------------

    def ring(self) -> None:
        """Alarms that are due."""
        for alarm in [alarm for alarm in self.alarms if alarm.at <= self.world.clock()]:
            self.alarms.remove(alarm)
            if not alarm.is_cancelled:
                alarm.action()
        self.tidy()

    def next_alarm(self) -> float | None:
        return min((alarm.at for alarm in self.alarms if not alarm.is_cancelled), default=None)

    def _room(self, sid: str) -> Room:
        clock = Clock(monotonic=self.world.clock, wall=self.world.wall, call_at=self._call_at)
        return Room(
            ORG, sid, relay=RELAY, tombstones=self.tombstones, downlink=_Downlink(self._post), clock=clock
        )

    def _call_at(self, when: float, action: Callable[[], None]) -> Alarm:
        self.alarms.append(Alarm(when, action))
        return self.alarms[-1]


@dataclass(frozen=True)
class _Downlink:
    """Everything leaves at once; what waits is the network's."""

    send: Callable[[str, bytes], None]

    def post(self, subject: str, payload: bytes) -> None:
        self.send(subject, payload)

    def discard(self, subject: str) -> None:
        pass


def picture(grant_id: str, *, seq: int, now: float) -> bytes:
    """A frame that says when and under which grant it was taken."""
    header = frames.Header(frames.Codec.H264, True, True, 0, seq, round(now * 1e6), 640, 480, 0)
    return frames.pack(header) + grant_id.encode()
