"""Agents behind firewalls come by WebSocket: the same door, the same rules, the same way back."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from beistand.bus import rpc
from beistand.bus.callout import serve_callout
from beistand.bus.connection import connect
from beistand.bus.rpc import Endpoint, Request
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.bus.system import System
from beistand.protocol import subjects
from beistand.protocol.errors import TicketRefused
from beistand.protocol.messages import Ack, ChatUp
from tests.integration.conftest import ORG, Customer, Door, new_id

pytestmark = pytest.mark.integration


# nats-py still gives aiohttp its timeout the old way.
@pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float':DeprecationWarning")
async def test_an_agent_comes_by_websocket_and_comes_back(tmp_path: Path, keys: Path) -> None:
    back = asyncio.Event()

    async def on_reconnected() -> None:
        back.set()

    async def acknowledge(_request: Request[ChatUp]) -> Ack:
        return Ack()

    async with AsyncExitStack() as cleanup, asyncio.timeout(60):
        server = await cleanup.enter_async_context(EmbeddedServer(tmp_path, keys, websocket_port=0))
        settings = BusSettings(nats_url=server.url, keys=keys)
        session, system = await connect(settings, "session"), await System.connect(settings)
        cleanup.push_async_callback(session.close)
        cleanup.push_async_callback(system.close)
        door = Door(server.websocket_url, cleanup)
        callout = await serve_callout(session, keys, door.decide)
        cleanup.push_async_callback(callout.stop)
        endpoint = Endpoint("chat", subjects.up_everywhere(subjects.Up.CHAT), ChatUp, acknowledge)
        service = await rpc.serve(session, name="session", version="1.0.0", endpoints=[endpoint])
        cleanup.push_async_callback(service.stop)

        with pytest.raises(TicketRefused):
            await door.enter(Customer())
        customer = door.expect()
        agent = await door.enter(customer, on_reconnected=on_reconnected)
        subject, line = subjects.up(ORG, customer.sid, subjects.Up.CHAT), ChatUp(id=new_id(), text="hello")
        assert await rpc.request(agent, subject, line, Ack) == Ack()
        last = door.asked[-1]
        await system.kick(last.server_id, last.client_id)
        await back.wait()
        assert await rpc.request(agent, subject, line, Ack) == Ack()
