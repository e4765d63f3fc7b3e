"""A customer's device without windows: real NATS connections through the callout, a real key, real records.

It does what it is told and remembers what it heard. What a record says and which key signs it can be changed,
so that it can also be a rogue device.
"""

import asyncio
import secrets
import time
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal, Self, TypeVar

import nkeys
from nats.aio.client import Client
from nats.aio.msg import Msg

from beistand.bus import rpc
from beistand.bus.agent import connect_agent
from beistand.conformance.case import require, within
from beistand.protocol import frames, ids, signing, subjects
from beistand.protocol.errors import InvalidMessage, TooLarge, Unavailable
from beistand.protocol.messages import (
    Ack,
    AskDown,
    ChatDown,
    ChatUp,
    EndedDown,
    InputAlive,
    Joined,
    Lease,
    MediaDown,
    Message,
    NoticeDown,
    Recorded,
    SignedUp,
    parse_input,
)
from beistand.protocol.records import (
    AS_ASKED,
    GENESIS,
    Ask,
    Cause,
    DecidedBy,
    Decision,
    DeviceRecord,
    End,
    Entry,
    Hello,
    Outcome,
    Pause,
    Revocation,
)

DOWN: dict[str, type[Message]] = {
    "ask": AskDown,
    "chat": ChatDown,
    "ended": EndedDown,
    "media": MediaDown,
    "notice": NoticeDown,
}
D = TypeVar("D", bound=Message)
Purpose = Literal["control", "media"]
PURPOSES: tuple[Purpose, ...] = ("control", "media")

GIVES_UP_AFTER_S = 3.0
"""A real device goes on longer; this one need not come back."""
LEASE_EVERY_S = 1.0
_PICTURE = bytes(200)
"""Relays never look into a picture."""


def new_id() -> str:
    """A fresh identifier."""
    return ids.id_from(secrets.token_bytes(16))


def agent_key_of(seed: bytes) -> str:
    """The public key (`U...`) of a raw Ed25519 seed."""
    return str(nkeys.from_seed(nkeys.encode_seed(seed, nkeys.PREFIX_BYTE_USER)).public_key.decode())


def picture(seq: int) -> bytes:
    """A key frame with this number, in one chunk."""
    header = frames.Header(
        codec=frames.Codec.H264,
        is_key=True,
        is_last=True,
        monitor=0,
        seq=seq,
        captured_us=time.monotonic_ns() // 1000,
        width=640,
        height=360,
        chunk=0,
    )
    return frames.pack(header) + _PICTURE


class Device:
    """One device in one session; connects when entered.

    `records` and `entries` are its own copy of the chain: what it sent in, and what was countersigned.
    """

    def __init__(self, joined: Joined, seed: bytes) -> None:
        self.joined = joined
        self.seed = seed
        self.org, self.sid = joined.org, joined.session_id
        self.seq, self.prev = 0, GENESIS
        self.gives_up_after = GIVES_UP_AFTER_S
        self.disconnected = asyncio.Event()
        self.closed = asyncio.Event()
        self.back = asyncio.Event()
        """The control connection was lost and is there again; a device says hello then."""
        self.clients: dict[str, Client] = {}
        self.records: list[str] = []
        self.entries: dict[str, str] = {}
        self.leased: set[str] = set()
        self.paused = False
        self.inputs: list[tuple[str, bytes]] = []
        """What the relay sent as input: the grant in the subject, and the message."""
        self.frame_seq = 0
        self._heard: dict[type[Message], asyncio.Queue[Any]] = defaultdict(asyncio.Queue)

    @property
    def agent_key(self) -> str:
        """Its public key (`U...`)."""
        return agent_key_of(self.seed)

    async def __aenter__(self) -> Self:
        for purpose in PURPOSES:
            await self.connect(purpose)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave the bus."""
        for client in self.clients.values():
            await client.close()

    async def connect(self, purpose: Purpose = "control", *, seed: bytes | None = None) -> Client:
        """One of the two connections; the control connection listens."""
        client = await connect_agent(
            self.joined.nats_urls,
            ticket=self.joined.ticket,
            seed=seed or self.seed,
            sid=self.sid,
            purpose=purpose,
            on_disconnected=self._disconnected,
            on_reconnected=self._back if purpose == "control" else _nothing,
            on_closed=self._closed,
            give_up_after=self.gives_up_after,
        )
        self.clients[purpose] = client
        if purpose == "control":
            await client.subscribe(subjects.down_of_session(self.org, self.sid), cb=self._hear)
            await client.flush()
        return client

    async def next(self, kind: type[D]) -> D:
        """The next message of this kind the services said."""
        heard: D = await within(f"the device hears '{kind.__name__}'", self._heard[kind].get())
        return heard

    def heard_nothing(self, kind: type[Message]) -> bool:
        """Whether there is no more of this kind."""
        return self._heard[kind].empty()

    # --- records ------------------------------------------------------------------------------------

    def forge(self, kind: type[DeviceRecord], *, seed: bytes | None = None, **content: Any) -> str:
        """A record as it could be the next; it takes no place in the device's own chain."""
        place = {"org": self.org, "sid": self.sid, "seq": self.seq, "prev": self.prev}
        record = kind.model_validate({**place, "device_time": datetime.now(UTC), **content})
        return signing.sign(record, seed or self.seed)

    def sign(self, kind: type[DeviceRecord], *, seed: bytes | None = None, **content: Any) -> str:
        """The next record of the chain; `org`, `sid`, `seq`, `prev` can be given to break it."""
        jws = self.forge(kind, seed=seed, **content)
        self.seq, self.prev = content.get("seq", self.seq) + 1, signing.hash_of(jws)
        self.records.append(jws)
        return jws

    async def send(self, verb: subjects.Up, kind: Any, jws: str) -> Recorded:
        """Send a signed record as a request."""
        subject = subjects.up(self.org, self.sid, verb)
        message = SignedUp(type=kind, jws=jws)
        recorded = await rpc.request(self.clients["control"], subject, message, Recorded)
        if recorded.entry_jws is not None:
            self.entries[jws] = recorded.entry_jws
        return recorded

    async def hello(self) -> Recorded:
        """Say who is here."""
        content: dict[str, Any] = {"agent_key": self.agent_key, "language": "de", "platform": "test"}
        jws = self.sign(Hello, **content, agent_version="0")
        return await self.send(subjects.Up.HELLO, "hello", jws)

    async def question(self) -> tuple[Ask, str]:
        """The next question, verified with the key fixed at join, and its exact text."""
        jws = (await self.next(AskDown)).jws
        return signing.verify(jws, signing.raw_key(self.joined.consent_key), Ask), jws

    def answer_of(self, ask: Ask, ask_jws: str, **changes: Any) -> dict[str, Any]:
        """What an answer to this question says: a person's yes unless changed."""
        content = ask.model_dump(include={*AS_ASKED} - {"org", "sid"})
        content |= {
            "ask_hash": signing.hash_of(ask_jws),
            "outcome": Outcome.GRANTED,
            "decided_by": DecidedBy.PERSON,
            "language": "de",
            "text_hash": GENESIS,
        }
        return content | changes

    def decide(self, ask: Ask, ask_jws: str, *, seed: bytes | None = None, **changes: Any) -> str:
        """A signed answer, the next record of the chain."""
        return self.sign(Decision, seed=seed, **self.answer_of(ask, ask_jws, **changes))

    async def answer(self, ask: Ask, ask_jws: str, **changes: Any) -> Entry | None:
        """Answer and check the countersignature."""
        jws = self.decide(ask, ask_jws, **changes)
        recorded = await self.send(subjects.Up.DECISION, "decision", jws)
        return self.entry_of(recorded, jws)

    async def allow_next(self, **changes: Any) -> Ask:
        """Allow whatever is asked next."""
        ask, ask_jws = await self.question()
        await self.answer(ask, ask_jws, **changes)
        return ask

    async def revoke(self, *grant_ids: str, cause: Cause = Cause.STOP_SHARING) -> Recorded:
        """End grants."""
        jws = self.sign(Revocation, grant_ids=grant_ids, cause=cause)
        return await self.send(subjects.Up.REVOKED, "revocation", jws)

    async def pause(self, *, paused: bool) -> Recorded:
        """Hold picture and input, or go on."""
        self.paused = paused
        return await self.send(subjects.Up.PAUSE, "pause", self.sign(Pause, paused=paused))

    async def end(self) -> Recorded:
        """End the session."""
        return await self.send(subjects.Up.ENDED, "end", self.sign(End, cause=Cause.END_SESSION))

    def entry_of(self, recorded: Recorded, jws: str) -> Entry | None:
        """The verified countersignature of a record."""
        if recorded.entry_jws is None:
            return None
        entry = signing.verify(recorded.entry_jws, signing.raw_key(self.joined.consent_key), Entry)
        fits = (entry.org, entry.sid, entry.record_hash) == (self.org, self.sid, signing.hash_of(jws))
        require(fits, "the countersignature is for something else than what was sent")
        return entry

    # --- the rest ------------------------------------------------------------------------------------

    async def chat(self, text: str, *, line_id: str | None = None) -> Ack:
        """Say something to the technician."""
        line = ChatUp(id=line_id or new_id(), text=text)
        subject = subjects.up(self.org, self.sid, subjects.Up.CHAT)
        return await rpc.request(self.clients["control"], subject, line, Ack)

    async def lease(self, *grant_ids: str, paused: bool = False) -> None:
        """Say once what is alive here."""
        subject = subjects.up(self.org, self.sid, subjects.Up.LEASE)
        await rpc.publish(self.clients["control"], subject, Lease(grant_ids=grant_ids, paused=paused))

    async def keep_lease(self) -> None:
        """Say every second that what is in `leased` is alive, until cancelled."""
        while True:
            with suppress(Unavailable):
                await self.lease(*sorted(self.leased), paused=self.paused)
            await asyncio.sleep(LEASE_EVERY_S)

    async def show(self, grant_id: str, *, seq: int | None = None) -> int:
        """Send one small key frame under a grant, the next one unless `seq` is given; its number."""
        self.frame_seq = number = seq or self.frame_seq + 1
        subject = subjects.media(self.org, self.sid, grant_id)
        await self.clients["media"].publish(subject, picture(number))
        return number

    async def hear_input(self) -> None:
        """Write down input from now on; on the control connection, so that it is in order with credit."""
        control = self.clients["control"]
        await control.subscribe(subjects.input_of_session(self.org, self.sid), cb=self._note_input)
        await control.flush()

    async def _note_input(self, message: Msg) -> None:
        if not _is_beat(message.data):
            self.inputs.append((message.subject.rsplit(".", 1)[1], message.data))

    async def _hear(self, message: Msg) -> None:
        kind = DOWN[message.subject.rsplit(".", 1)[1]]
        self._heard[kind].put_nowait(kind.model_validate_json(message.data))

    async def _disconnected(self) -> None:
        self.disconnected.set()

    async def _closed(self) -> None:
        self.closed.set()

    async def _back(self) -> None:
        self.back.set()


def _is_beat(data: bytes) -> bool:
    """Whether it is no input of anybody's but a relay saying that it is there."""
    with suppress(InvalidMessage, TooLarge):
        return isinstance(parse_input(data), InputAlive)
    return False


async def _nothing() -> None:
    return
