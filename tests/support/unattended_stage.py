"""The services as an unattended device meets them, in this process: what they store they countersign.

Stands in for the door, the session and the consent service where a test is about the device alone.
"""

import asyncio
import base64
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from agent.engine import link
from agent.engine.key import DeviceKey
from agent.port import Answer
from agent.unattended.line import Address, Ears
from agent.unattended.office import Office, Ways
from beistand.protocol import ids, messages, signing
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError, Forbidden, Unavailable
from beistand.protocol.messages import (
    AskDown,
    Call,
    CallAnswer,
    Joined,
    Lease,
    M,
    Message,
    Recorded,
    SignedUp,
    StandingUp,
)
from beistand.protocol.records import (
    Activity,
    Decision,
    End,
    Enrolment,
    Entry,
    Hello,
    Pause,
    Revocation,
    Standby,
    Withdrawal,
)
from beistand.protocol.subjects import DeviceUp, Up
from tests.support.person import PATIENCE_S, Person, person_at, until
from tests.support.questions import ORG, an_ask, an_id
from tests.support.standing import some_terms

CODE = "123456789"
_KINDS = {
    kind.typ: kind
    for kind in (Hello, Decision, Revocation, Pause, End, Activity, Enrolment, Standby, Withdrawal)
}


@dataclass
class Stage:
    """Everything outside of one device."""

    consent_seed: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    records: list[Any] = field(default_factory=list)
    """What was stored, oldest first, as it was signed; verified only as far as a test does."""
    answers: list[CallAnswer] = field(default_factory=list)
    beats: int = 0
    numbers: list[int] = field(default_factory=list)
    lines: "list[_Line]" = field(default_factory=list)
    links: "list[_Link]" = field(default_factory=list)
    joined: list[Joined] = field(default_factory=list)
    refuses: type[BeistandError] | None = None
    """How the door refuses the device."""
    is_posting: bool = True
    """Whether the gateway's public door works."""
    joins: dict[str, Any] = field(default_factory=dict)
    """What the next look-up says otherwise."""
    refuses_enrolment: bool = False

    @property
    def consent_key(self) -> str:
        raw = signing.public_key_of(self.consent_seed)
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def take(self, jws: str, sid: str) -> Recorded:
        """Store a record and say so."""
        body = jws.split(".")[1]
        kind = _KINDS[signing.type_of(jws)]
        self.records.append(kind.model_validate_json(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
        entry = Entry(
            org=ORG,
            sid=sid,
            position=len(self.records),
            record_hash=signing.hash_of(jws),
            recorded_at=datetime.now(UTC),
        )
        return Recorded(entry_jws=signing.sign(entry, self.consent_seed))

    def of(self, kind: type[Any]) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]

    async def has(self, kind: type[Any], *, count: int = 1) -> Any:
        """Wait until so many records of a kind are stored; the last one."""

        async def is_so() -> bool:
            return len(self.of(kind)) >= count

        await until(is_so)
        return self.of(kind)[-1]

    # --- the door, the gateway, the bus --------------------------------------------------------------------

    async def look_up(self, code: str, agent_key: str) -> Joined:  # noqa: ARG002
        fields = {
            "org": ORG,
            "session_id": an_id("session"),
            "organisation_name": "Acme",
            "technician_id": an_id("Tina"),
            "technician_name": "Tina",
            "nats_urls": ("nats://127.0.0.1:4222",),
            "ticket": "t" * 43,
            "consent_key": self.consent_key,
        }
        joined = Joined.model_validate({**fields, **self.joins})
        self.joined.append(joined)
        return joined

    async def dial(self, joined: Joined, key: DeviceKey, ears: link.Ears) -> link.Link:  # noqa: ARG002
        self.links.append(_Link(self, joined, ears))
        return self.links[-1]

    async def dial_device(self, address: Address, ears: Ears) -> "_Line":
        self.numbers.append(address.number)
        if self.refuses is not None:
            raise self.refuses
        self.lines.append(_Line(self, ears))
        return self.lines[-1]

    async def post(self, gateway: str, record: StandingUp) -> Recorded:  # noqa: ARG002
        if not self.is_posting:
            raise Unavailable
        return self.take(record.jws, record.device_id)

    # --- the technician ------------------------------------------------------------------------------------

    async def line(self, number: int = 1) -> "_Line":
        """Wait until the device has connected so often."""

        async def is_so() -> bool:
            return len(self.lines) >= number

        await until(is_so)
        return self.lines[-1]

    async def call(self, *, sid: str | None = None, who: str = "Tina") -> CallAnswer:
        """Call the device; what it says."""
        before = len(self.answers)
        sid = sid or an_id(f"unattended session {len(self.answers)}")
        self.joins = {"session_id": sid, "technician_id": an_id(who)}
        call = Call(
            code=CODE,
            session_id=sid,
            organisation_name="Acme",
            technician_id=an_id(who),
            technician_name=who,
            reason="update",
            called_at=datetime.now(UTC),
        )
        (await self.line()).hears("called", call)

        async def is_answered() -> bool:
            return len(self.answers) > before

        await until(is_answered)
        return self.answers[-1]

    def ask(self, name: str, capability: Capability, **changes: Any) -> None:
        """Put a question to the device in the session that goes on."""
        sid = self.joined[-1].session_id
        now = datetime.now(UTC)
        ask = an_ask(name, sid=sid, capability=capability, asked_at=now, **changes)
        body = messages.encode(AskDown(jws=signing.sign(ask, self.consent_seed)))
        self.links[-1].hears("ask", body)


@dataclass
class _Link:
    stage: Stage
    joined: Joined
    ears: link.Ears
    is_closed: bool = False
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def hears(self, verb: str, body: bytes) -> None:
        """Let the device hear something, on its own loop."""
        self.loop.call_soon_threadsafe(self.ears.down, verb, body)

    async def send(self, verb: Up, message: Message, reply: type[M]) -> M:
        if not isinstance(message, SignedUp):
            return reply()
        if verb is not Up.ENROLMENT:
            return _as(reply, self.stage.take(message.jws, self.joined.session_id))
        if self.stage.refuses_enrolment:
            raise Forbidden
        answer = self.stage.take(message.jws, an_id("unknown yet"))
        enrolment = self.stage.records[-1]
        self.stage.records.pop()
        answer = self.stage.take(message.jws, enrolment.sid)
        return _as(reply, answer)

    async def publish_lease(self, lease: Lease) -> None:
        pass

    async def publish_media(self, grant_id: str, chunk: bytes) -> None:
        pass

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class _Line:
    stage: Stage
    ears: Ears
    is_closed: bool = False
    is_silent: bool = False
    """Whether records are left without an answer."""
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def hears(self, what: str, *news: object) -> None:
        """Let the device hear something, on its own loop."""
        self.loop.call_soon_threadsafe(getattr(self.ears, what), *news)

    async def is_cut(self) -> None:
        """Wait until the device has closed it."""

        async def is_so() -> bool:
            return self.is_closed

        await until(is_so)

    async def say(self, verb: DeviceUp, message: Message) -> None:
        if self.is_closed:
            raise Unavailable
        if verb is DeviceUp.BEAT:
            self.stage.beats += 1
        if isinstance(message, CallAnswer):
            self.stage.answers.append(message)

    async def send(self, record: StandingUp) -> Recorded:
        if self.is_closed or self.is_silent:
            raise Unavailable
        return self.stage.take(record.jws, record.device_id)

    async def check(self) -> None:
        if self.is_closed:
            raise Unavailable

    async def close(self) -> None:
        self.is_closed = True


def _as(reply: type[M], answer: BaseModel) -> M:
    return reply.model_validate(answer.model_dump())


def office_of(stage: Stage, state: Path, **ways: Any) -> Office:
    """A device's office on this stage."""
    reached = Ways(gateway="http://127.0.0.1:1", dial=stage.dial_device, post=stage.post, **ways)
    return Office(state, reached, monotonic=time.monotonic)


@asynccontextmanager
async def at_a_device(stage: Stage, state: Path, **ways: Any) -> AsyncIterator[Person]:
    """A person at a device with this state."""
    async with person_at(stage.look_up, stage.dial, office=office_of(stage, state, **ways)) as person:
        yield person


async def enrols(stage: Stage, person: Person, **terms: Any) -> None:
    """The person allows unattended access in an attended session, which ends then."""
    sid = ids.id_from(secrets.token_bytes(16))
    stage.joins = {"session_id": sid}
    before = len(stage.of(Enrolment))
    await person.joins(CODE)
    stage.ask(f"unattended {sid}", Capability.UNATTENDED, terms=some_terms(**terms))
    person.says(await person.question(), Answer.ALLOW)
    await stage.has(Enrolment, count=before + 1)
    await person.sees(lambda view: view.unattended is not None and view.unattended.online)
    person.engine.confirm_end()
    await person.sees(lambda view: view.phase == "ended")
    person.engine.start_over()
    await person.sees(lambda view: view.phase == "code")
    async with asyncio.timeout(PATIENCE_S):
        await stage.has(End)
