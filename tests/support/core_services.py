"""The session and the consent service in the test's own loop, on a real nats-server."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from nats.aio.client import Client

from beistand.bus import rpc
from beistand.bus.connection import connect
from beistand.bus.settings import BusSettings
from beistand.protocol import ids, subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError, Unavailable
from beistand.protocol.messages import (
    Actor,
    AskConsent,
    ChatLine,
    ChatList,
    CreateSession,
    EndSession,
    Receipt,
    RequestList,
    RequestView,
    SendChat,
    SessionCreated,
    SessionList,
    SessionListQuery,
    SessionQuery,
    SessionView,
    WithdrawRequest,
)
from beistand.protocol.terms import Terms
from services.consent import app as consent_app
from services.session import app as session_app
from tests.support.agent_wire import AgentWire

PATIENCE_S = 10.0


def new_id() -> str:
    return ids.id_from(secrets.token_bytes(16))


@dataclass
class Technician:
    """What the gateway asks the services on behalf of one signed-in technician."""

    services: Client
    org: str
    technician_id: str = field(default_factory=new_id)
    name: str = "Tina"
    sees_all: bool = False

    @property
    def actor(self) -> Actor:
        return Actor(technician_id=self.technician_id, name=self.name, org=self.org, sees_all=self.sees_all)

    async def create(self) -> SessionCreated:
        message = CreateSession(actor=self.actor, organisation_name="Acme")
        return await self._call(subjects.Service.SESSION_CREATE, message, SessionCreated)

    async def get(self, sid: str) -> SessionView:
        query = SessionQuery(actor=self.actor, session_id=sid)
        return await self._call(subjects.Service.SESSION_GET, query, SessionView)

    async def sessions(self, **query: Any) -> SessionList:
        message = SessionListQuery(actor=self.actor, **query)
        return await self._call(subjects.Service.SESSION_LIST, message, SessionList)

    async def end(self, sid: str) -> SessionView:
        message = EndSession(actor=self.actor, session_id=sid)
        return await self._call(subjects.Service.SESSION_END, message, SessionView)

    async def chat(self, sid: str, text: str) -> ChatLine:
        message = SendChat(actor=self.actor, session_id=sid, text=text)
        return await self._call(subjects.Service.SESSION_CHAT, message, ChatLine)

    async def transcript(self, sid: str) -> list[str]:
        query = SessionQuery(actor=self.actor, session_id=sid)
        found = await self._call(subjects.Service.SESSION_CHAT_LIST, query, ChatList)
        return [line.text for line in found.items]

    async def ask(
        self, sid: str, capability: Capability = Capability.VIEW, *, terms: Terms | None = None
    ) -> RequestView:
        message = AskConsent(
            actor=self.actor, session_id=sid, capability=capability, reason="printer", terms=terms
        )
        return await self._call(subjects.Service.CONSENT_ASK, message, RequestView)

    async def withdraw(self, sid: str, request_id: str) -> RequestView:
        message = WithdrawRequest(actor=self.actor, session_id=sid, request_id=request_id)
        return await self._call(subjects.Service.CONSENT_WITHDRAW, message, RequestView)

    async def requests(self, sid: str) -> dict[str, RequestView]:
        query = SessionQuery(actor=self.actor, session_id=sid)
        found = await self._call(subjects.Service.CONSENT_LIST, query, RequestList)
        return {item.id: item for item in found.items}

    async def in_session(self) -> tuple[str, AgentWire]:
        """A new session and its joined device, not connected yet."""
        created = await self.create()
        return created.session.id, await AgentWire.join(self.services, created.code)

    async def _call(self, endpoint: subjects.Service, message: Any, reply: type[Any]) -> Any:
        return await rpc.call(self.services, endpoint, message, reply)


async def receipt_of(technician: Technician, sid: str) -> Receipt:
    """The proof of a session that is over."""
    query = SessionQuery(actor=technician.actor, session_id=sid)
    return await rpc.call(technician.services, subjects.Service.CONSENT_RECEIPT, query, Receipt)


@asynccontextmanager
async def running(bus: BusSettings, **changes: Any) -> AsyncIterator[Client]:
    """Both services up; yields a connection with the gateway's identity. `changes` are settings of either."""
    stop = asyncio.Event()
    options: dict[str, Any] = {
        "nats_url": bus.nats_url,
        "keys": bus.keys,
        "agent_nats_urls": bus.nats_url,
        "session_health_port": 0,
        "consent_health_port": 0,
    } | changes
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session_app.serve(session_app.Settings(**options), stop), name="session")
        tasks.create_task(consent_app.serve(consent_app.Settings(**options), stop), name="consent")
        gateway = await connect(bus, "gateway")
        try:
            await _until_both_answer(gateway)
            yield gateway
        finally:
            await gateway.close()
            stop.set()


async def _until_both_answer(gateway: Client) -> None:
    nobody = Technician(gateway, "nobody")
    await until(lambda: _answers(nobody.sessions))
    await until(lambda: _answers(lambda: nobody.requests(new_id())))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once the condition holds; TimeoutError if it never does."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - the condition is another process' state
            await asyncio.sleep(0.02)


async def _answers(probe: Callable[[], Awaitable[Any]]) -> bool:
    try:
        await probe()
    except Unavailable:
        return False
    except BeistandError:
        return True
    return True
