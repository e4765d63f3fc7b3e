"""A customer's device without windows: real NATS connections through the callout, a real key, real records.

It does what it is told and remembers what it heard. What a record says and which key signs it can be changed,
so that a test can also be a rogue device.
"""

import asyncio
import base64
import secrets
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, TypeVar

import nkeys
from nats.aio.client import Client
from nats.aio.msg import Msg

from beistand.bus import rpc
from beistand.bus.agent import connect_agent
from beistand.protocol import ids, signing, subjects
from beistand.protocol.messages import (
    Ack,
    AskDown,
    ChatDown,
    ChatUp,
    EndedDown,
    Join,
    Joined,
    Lease,
    MediaDown,
    Message,
    NoticeDown,
    Recorded,
    SignedUp,
)
from beistand.protocol.records import (
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

PATIENCE_S = 10.0
DOWN: dict[str, type[Message]] = {
    "ask": AskDown,
    "chat": ChatDown,
    "ended": EndedDown,
    "media": MediaDown,
    "notice": NoticeDown,
}
D = TypeVar("D", bound=Message)

GIVES_UP_AFTER_S = 3.0
"""A real device goes on longer; tests wait for it."""


def new_id() -> str:
    return ids.id_from(secrets.token_bytes(16))


def agent_key_of(seed: bytes) -> str:
    return str(nkeys.from_seed(nkeys.encode_seed(seed, nkeys.PREFIX_BYTE_USER)).public_key.decode())


class AgentWire:
    """One device in one session."""

    def __init__(self, joined: Joined, seed: bytes) -> None:
        self.joined = joined
        self.seed = seed
        self.org, self.sid = joined.org, joined.session_id
        self.seq, self.prev = 0, GENESIS
        self.gives_up_after = GIVES_UP_AFTER_S
        self.closed = asyncio.Event()
        self.clients: dict[str, Client] = {}
        self._heard: dict[type[Message], asyncio.Queue[Any]] = defaultdict(asyncio.Queue)

    @classmethod
    async def join(cls, services: Client, code: str, *, seed: bytes | None = None) -> "AgentWire":
        """Look up a code, as the gateway does for an agent; connects nothing."""
        seed = seed or secrets.token_bytes(32)
        request = Join(code=code, agent_key=agent_key_of(seed))
        return cls(await rpc.call(services, subjects.Service.SESSION_JOIN, request, Joined), seed)

    async def __aenter__(self) -> "AgentWire":
        await self.connect("control")
        await self.connect("media")
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self.clients.values():
            await client.close()

    async def connect(self, purpose: Any = "control", *, seed: bytes | None = None) -> Client:
        """One of the two connections; the control connection listens."""
        client = await connect_agent(
            self.joined.nats_urls,
            ticket=self.joined.ticket,
            seed=seed or self.seed,
            sid=self.sid,
            purpose=purpose,
            on_disconnected=_nothing,
            on_reconnected=_nothing,
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
        async with asyncio.timeout(PATIENCE_S):
            heard: D = await self._heard[kind].get()
            return heard

    def heard_nothing(self, kind: type[Message]) -> bool:
        return self._heard[kind].empty()

    # --- records ------------------------------------------------------------------------------------

    def sign(self, kind: type[DeviceRecord], *, seed: bytes | None = None, **content: Any) -> str:
        """The next record of the chain; `org`, `sid`, `seq`, `prev` can be given to break it."""
        place = {"org": self.org, "sid": self.sid, "seq": self.seq, "prev": self.prev}
        record = kind.model_validate({**place, "device_time": datetime.now(UTC), **content})
        jws = signing.sign(record, seed or self.seed)
        self.seq, self.prev = record.seq + 1, signing.hash_of(jws)
        return jws

    async def send(self, verb: subjects.Up, kind: Any, jws: str) -> Recorded:
        """Send a signed record as a request."""
        subject = subjects.up(self.org, self.sid, verb)
        return await rpc.request(self.clients["control"], subject, SignedUp(type=kind, jws=jws), Recorded)

    async def hello(self) -> Recorded:
        content: dict[str, Any] = {"agent_key": agent_key_of(self.seed), "language": "de", "platform": "test"}
        jws = self.sign(Hello, **content, agent_version="0")
        return await self.send(subjects.Up.HELLO, "hello", jws)

    async def question(self) -> tuple[Ask, str]:
        """The next question, verified, and its exact text."""
        jws = (await self.next(AskDown)).jws
        return signing.verify(jws, _raw(self.joined.consent_key), Ask), jws

    def decide(self, ask: Ask, ask_jws: str, *, seed: bytes | None = None, **changes: Any) -> str:
        """A signed answer; a person's yes unless changed."""
        content: dict[str, Any] = ask.model_dump(
            include={
                "request_id",
                "nonce",
                "technician_id",
                "technician_name",
                "capability",
                "reason",
                "duration_s",
            }
        )
        content |= {
            "ask_hash": signing.hash_of(ask_jws),
            "outcome": Outcome.GRANTED,
            "decided_by": DecidedBy.PERSON,
            "language": "de",
            "text_hash": GENESIS,
        }
        return self.sign(Decision, seed=seed, **(content | changes))

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
        jws = self.sign(Revocation, grant_ids=grant_ids, cause=cause)
        return await self.send(subjects.Up.REVOKED, "revocation", jws)

    async def pause(self, *, paused: bool) -> Recorded:
        return await self.send(subjects.Up.PAUSE, "pause", self.sign(Pause, paused=paused))

    async def end(self) -> Recorded:
        return await self.send(subjects.Up.ENDED, "end", self.sign(End, cause=Cause.END_SESSION))

    def entry_of(self, recorded: Recorded, jws: str) -> Entry | None:
        """The verified countersignature of a record."""
        if recorded.entry_jws is None:
            return None
        entry = signing.verify(recorded.entry_jws, _raw(self.joined.consent_key), Entry)
        assert (entry.sid, entry.record_hash) == (self.sid, signing.hash_of(jws))
        return entry

    # --- the rest ------------------------------------------------------------------------------------

    async def chat(self, text: str, *, line_id: str | None = None) -> Ack:
        line = ChatUp(id=line_id or new_id(), text=text)
        subject = subjects.up(self.org, self.sid, subjects.Up.CHAT)
        return await rpc.request(self.clients["control"], subject, line, Ack)

    async def lease(self, *grant_ids: str, paused: bool = False) -> None:
        subject = subjects.up(self.org, self.sid, subjects.Up.LEASE)
        await rpc.publish(self.clients["control"], subject, Lease(grant_ids=grant_ids, paused=paused))

    async def _hear(self, message: Msg) -> None:
        kind = DOWN[message.subject.rsplit(".", 1)[1]]
        self._heard[kind].put_nowait(kind.model_validate_json(message.data))

    async def _closed(self) -> None:
        self.closed.set()


async def _nothing() -> None:
    return


def _raw(public_key: str) -> bytes:
    return base64.urlsafe_b64decode(public_key + "=")
