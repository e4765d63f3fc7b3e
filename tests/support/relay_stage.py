"""Session, consent and relay on a real nats-server, with one technician and one device."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from nats.aio.client import Client

from beistand.bus.permissions import Bucket
from beistand.bus.settings import BusSettings
from beistand.bus.store import Store
from beistand.protocol import frames, subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.frames import Codec, Header
from beistand.protocol.messages import TicketEntry
from services.relay import app as relay_app
from tests.support import core_services
from tests.support.agent_wire import AgentWire
from tests.support.core_services import Technician, new_id
from tests.support.viewer import ViewerClient

LEASE_EVERY_S = 0.5


@dataclass
class Stage:
    """Who plays: `live` are the grants the device's leases name."""

    ports: relay_app.Ports
    gateway: Client
    technician: Technician
    sid: str
    agent: AgentWire
    tickets: Store[TicketEntry]
    live: set[str] = field(default_factory=set)
    paused: bool = False
    seq: int = 0

    async def allow(self, capability: Capability = Capability.VIEW, *, by: Technician | None = None) -> str:
        """A technician asks, the customer allows; the grant's id."""
        asked = await (by or self.technician).ask(self.sid, capability)
        await self.agent.allow_next()
        self.live.add(asked.id)
        return asked.id

    async def ticket(self, **changes: Any) -> str:
        """A ticket as the gateway issues it."""
        return await issue(self.tickets, self.technician, self.sid, **changes)

    def viewer(self, **options: Any) -> ViewerClient:
        return ViewerClient(self.ports.viewers, **options)

    @asynccontextmanager
    async def watching(self, *, by: Technician | None = None) -> AsyncIterator[ViewerClient]:
        """A viewer of this technician that was let in."""
        who = (by or self.technician).technician_id
        async with self.viewer() as viewer:
            await viewer.hello(await self.ticket(technician_id=who))
            await viewer.until("relay.ready")
            yield viewer

    async def frame(
        self, grant_id: str, *, key: bool = False, size: int = 1000, raw: bytes | None = None
    ) -> int:
        """The device sends its next frame, or these bytes."""
        self.seq += raw is None
        header = Header(Codec.H264, key, True, 0, max(1, self.seq), self.seq, 640, 480, 0)
        subject = subjects.media(self.agent.org, self.sid, grant_id)
        for chunk in [raw] if raw is not None else frames.chunks(header, bytes(size)):
            await self.agent.clients["media"].publish(subject, chunk)
        return self.seq

    async def lease(self) -> None:
        await self.agent.lease(*self.live, paused=self.paused)

    async def _keep_leasing(self) -> None:
        while True:
            await self.lease()
            await asyncio.sleep(LEASE_EVERY_S)


async def issue(tickets: Store[TicketEntry], technician: Technician, sid: str, /, **changes: Any) -> str:
    """A ticket for the relay, stored as the gateway does."""
    ticket = secrets.token_urlsafe(32)
    entry = TicketEntry(
        audience="relay",
        org=technician.org,
        sid=sid,
        technician_id=technician.technician_id,
        expires_at=datetime.now(UTC) + timedelta(minutes=1),
    ).model_copy(update=changes)
    await tickets.create(hashlib.sha256(ticket.encode()).hexdigest(), entry)
    return ticket


@asynccontextmanager
async def relay(bus: BusSettings) -> AsyncIterator[relay_app.Ports]:
    """A relay in the test's own loop, on free ports."""
    settings = relay_app.Settings(nats_url=bus.nats_url, keys=bus.keys, relay_port=0, relay_health_port=0)
    async with relay_app.running(settings) as ports:
        yield ports


@asynccontextmanager
async def staged(bus: BusSettings, *, leasing: bool = True) -> AsyncIterator[Stage]:
    """Everything up and the customer joined; with `leasing` the device's leases flow."""
    async with core_services.running(bus) as gateway, relay(bus) as ports:
        technician = Technician(gateway, org=f"org-{new_id()[:8]}")
        sid, agent = await technician.in_session()
        async with agent:
            await agent.hello()
            tickets = await Store.open(gateway, Bucket.TICKETS, TicketEntry)
            stage = Stage(ports, gateway, technician, sid, agent, tickets)
            pump = asyncio.create_task(stage._keep_leasing()) if leasing else None
            try:
                yield stage
            finally:
                if pump is not None:
                    pump.cancel()
