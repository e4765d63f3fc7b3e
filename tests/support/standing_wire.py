"""A device that stands ready on the real bus: the wire and nothing else; tests say what it would."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from beistand.bus import rpc
from beistand.bus.agent import connect_device
from beistand.conformance.device import agent_key_of
from beistand.protocol import ids, messages, signing, subjects
from beistand.protocol.messages import Ack, Call, CallAnswer, DeviceGone, DeviceRecorded
from beistand.protocol.records import GENESIS, Enrolment, Vouch
from beistand.protocol.subjects import Service
from beistand.protocol.terms import Rule, Terms
from beistand.protocol.terms import Technician as Named
from tests.support.core_services import new_id


class Standing:
    """A device that stands ready: the wire and nothing else."""

    def __init__(self, url: str, org: str, consent: Client, **terms: Any) -> None:
        self.url, self.org, self.consent = url, org, consent
        self.seed = secrets.token_bytes(32)
        self.key = agent_key_of(self.seed)
        self.id = ids.device_id(self.key)
        self.number = self.seq = 0
        self.terms = Terms(**{"until": datetime.now(UTC) + timedelta(days=14)} | terms)
        self.enrolment = ""
        self.client: Client | None = None
        self.closed = asyncio.Event()
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self.gone: asyncio.Queue[DeviceGone] = asyncio.Queue()
        self.answers: bool = True
        self.refuses: Rule | None = None

    def record(self, kind: type[Any], **fields: Any) -> str:
        now = datetime.now(UTC)
        record = kind(org=self.org, sid=self.id, seq=self.seq, prev=GENESIS, device_time=now, **fields)
        self.seq += 1
        return signing.sign(record, self.seed)

    async def tell(self, jws: str) -> None:
        by = Named(id="t" * 22, name="Tina")
        said = DeviceRecorded(
            org=self.org, device_id=self.id, jws=jws, organisation_name="Acme", enrolled_by=by
        )
        await rpc.call(self.consent, Service.SESSION_DEVICE_RECORDED, said, Ack)

    async def enrol(self, name: str = "Till 1") -> None:
        self.seq = 0
        self.enrolment = self.record(
            Enrolment,
            device_key=self.key,
            device_name=name,
            platform="linux",
            zone="Europe/Berlin",
            language="de",
            session_id=new_id(),
            request_id=new_id(),
            decision_hash=GENESIS,
            terms=self.terms,
        )
        await self.tell(self.enrolment)

    async def connect(self, number: int | None = None) -> Client:
        self.number = number if number is not None else self.number + 1
        closed = asyncio.Event()

        async def gone() -> None:
            closed.set()

        client = await connect_device(
            [self.url], org=self.org, device_id=self.id, number=self.number, seed=self.seed, on_closed=gone
        )
        self.client, self.closed = client, closed
        await client.subscribe(subjects.device_down_of(self.org, self.id), cb=self._hear)
        await client.flush()
        return client

    async def _hear(self, message: Msg) -> None:
        if message.subject.endswith(".gone"):
            self.gone.put_nowait(messages.parse(DeviceGone, message.data))
            return
        call = messages.parse(Call, message.data)
        self.calls.put_nowait(call)
        if self.answers:
            answer = CallAnswer(session_id=call.session_id, refused=self.refuses)
            await self.say(subjects.DeviceUp.ANSWER, answer)

    async def say(self, verb: subjects.DeviceUp, message: messages.Message) -> None:
        assert self.client is not None
        await rpc.publish(self.client, subjects.device_up(self.org, self.id, verb), message)

    def vouch(self, sid: str, agent_key: str, **changes: Any) -> str:
        said = {
            "org": self.org,
            "sid": sid,
            "device_id": self.id,
            "device_key": self.key,
            "enrolment_hash": signing.hash_of(self.enrolment),
            "agent_key": agent_key,
            "vouched_at": datetime.now(UTC),
        }
        return signing.sign(Vouch(**said | changes), self.seed)
