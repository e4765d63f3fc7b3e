"""The consent service on a real nats-server, with the test in the session service's place.

The test writes the sessions and the devices, lets agents in, and hears what is told about devices.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from nats.aio.client import Client

from beistand.bus import keys as key_files
from beistand.bus import rpc
from beistand.bus.connection import connect
from beistand.bus.rpc import Endpoint, Request
from beistand.bus.settings import BusSettings
from beistand.bus.store import Bucket, Store
from beistand.protocol import signing, subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError, Unavailable
from beistand.protocol.messages import (
    Ack,
    ChainLink,
    DeviceEntry,
    DeviceRecorded,
    DeviceState,
    Joined,
    Recorded,
    SessionEntry,
    SessionState,
    StandingUp,
)
from beistand.protocol.records import GENESIS, Decision, Hello
from beistand.protocol.terms import Technician as Named
from beistand.protocol.terms import Terms
from services.consent import app as consent_app
from tests.support.agent_wire import AgentWire
from tests.support.core_services import Technician, new_id, until
from tests.support.enrolled import Enrolled

ORG = "beistand"


def some_terms(technician: Technician, **changes: Any) -> Terms:
    """This technician, for two weeks."""
    who = (Named(id=technician.technician_id, name=technician.name),)
    return Terms.model_validate(
        {"technicians": who, "until": datetime.now(UTC) + timedelta(days=14), **changes}
    )


@dataclass
class Stage:
    """Who plays. `told`: what the session service heard of devices; `trouble`: how it answers."""

    bus: BusSettings
    gateway: Client
    technician: Technician
    door: Any
    sessions: Store[SessionEntry]
    devices: Store[DeviceEntry]
    told: list[DeviceRecorded] = field(default_factory=list)
    trouble: BeistandError | None = None

    async def heard(self, request: Request[DeviceRecorded]) -> Ack:
        """The session service's side of a stored record."""
        if self.trouble is not None:
            raise self.trouble
        self.told.append(request.message)
        return Ack()

    @asynccontextmanager
    async def session(self, **changes: Any) -> AsyncIterator[AgentWire]:
        """A session with a device in it that has said hello."""
        customer, now = self.door.expect(), datetime.now(UTC)
        public = signing.public_key_of(key_files.read_raw(self.bus.keys, key_files.CONSENT_SEED))
        shared = {
            "org": ORG,
            "organisation_name": "Acme",
            "technician_id": self.technician.technician_id,
            "technician_name": self.technician.name,
        }
        joined = Joined.model_validate(
            {
                **shared,
                "session_id": customer.sid,
                "nats_urls": (self.bus.nats_url,),
                "ticket": customer.ticket,
                "consent_key": base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
            }
        )
        wire = AgentWire(joined, customer.seed)
        hello = wire.sign(Hello, agent_key=wire.agent_key, language="de", platform="test", agent_version="0")
        link = ChainLink(seq=0, prev=GENESIS, record_hash=signing.hash_of(hello), jws=hello)
        entry = {
            **shared,
            "sid": customer.sid,
            "state": SessionState.ACTIVE,
            "created_at": now,
            "waiting_until": now,
            "limit_at": now + timedelta(hours=8),
            "agent_key": wire.agent_key,
            "joined_at": now,
            "chain": (link,),
        }
        await self.sessions.create(f"{ORG}.{customer.sid}", SessionEntry.model_validate({**entry, **changes}))
        async with wire:
            yield wire

    async def allowed(
        self, agent: AgentWire, *, terms: Terms | None = None, **changes: Any
    ) -> tuple[Enrolled, Decision, str]:
        """The person's yes to unattended access, and the device whose key it names."""
        device = Enrolled(org=ORG)
        terms = terms or some_terms(self.technician)
        await self.technician.ask(agent.sid, Capability.UNATTENDED, terms=terms)
        ask, ask_jws = await agent.question()
        jws = agent.decide(ask, ask_jws, **{"device_key": device.key, **changes})
        await agent.send(subjects.Up.DECISION, "decision", jws)
        decision = signing.verify(jws, signing.public_key_of(agent.seed), Decision)
        return device, decision, jws

    async def enrolled(self, agent: AgentWire, *, terms: Terms | None = None) -> Enrolled:
        """A device that stands ready by the person's yes."""
        device, decision, jws = await self.allowed(agent, terms=terms)
        await agent.send(subjects.Up.ENROLMENT, "enrolment", device.enrol(decision, jws))
        return device

    async def brings(self, record: StandingUp) -> Recorded:
        """A record of a device's chain, as the gateway hands it on."""
        return await rpc.call(self.gateway, subjects.Service.CONSENT_DEVICE_RECORD, record, Recorded)

    async def note(self, device: Enrolled, state: DeviceState) -> None:
        """The session service's word on a device."""
        now = datetime.now(UTC)
        entry = DeviceEntry(
            org=ORG,
            device_id=device.device_id,
            device_key=device.key,
            name="desk",
            platform="Linux",
            zone="UTC",
            terms=some_terms(self.technician),
            organisation_name="Acme",
            enrolled_at=now,
            enrolled_by=Named(id=self.technician.technician_id, name="Tina"),
            enrolment_hash=device.enrolment_hash,
            state=state,
            changed_at=now,
        )
        await self.devices.create(f"{ORG}.{device.device_id}", entry)


@asynccontextmanager
async def staged(bus: BusSettings, door: Any) -> AsyncIterator[Stage]:
    """The consent service up, and no other; `door` lets agents in."""
    stop = asyncio.Event()
    settings = consent_app.Settings(
        nats_url=bus.nats_url, keys=bus.keys, consent_health_port=0, consent_pause_s=0
    )
    session, gateway = await connect(bus, "session"), await connect(bus, "gateway")
    stage = Stage(
        bus=bus,
        gateway=gateway,
        technician=Technician(gateway, org=ORG),
        door=door,
        sessions=await Store.open(session, Bucket.SESSIONS, SessionEntry),
        devices=await Store.open(session, Bucket.DEVICES, DeviceEntry),
    )
    subject = subjects.service(subjects.Service.SESSION_DEVICE_RECORDED)
    endpoint = Endpoint("device_recorded", subject, DeviceRecorded, stage.heard)
    service = await rpc.serve(session, name="session", version="0.0.0", endpoints=[endpoint])
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(consent_app.serve(settings, stop), name="consent")
            await until(lambda: _answers(stage.technician))
            try:
                yield stage
            finally:
                stop.set()
    finally:
        await service.stop()
        await session.close()
        await gateway.close()


async def _answers(technician: Technician) -> bool:
    try:
        await technician.requests(new_id())
    except Unavailable:
        return False
    except BeistandError:
        return True
    return True
