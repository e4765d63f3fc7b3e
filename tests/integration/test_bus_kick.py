"""Ended, then kicked: both connections go at once, and no old credential comes back."""

import asyncio

import pytest

from beistand.bus.settings import BusSettings
from beistand.bus.system import System
from beistand.protocol.errors import InvalidMessage, TicketRefused, Unavailable
from tests.integration.conftest import Door

pytestmark = pytest.mark.integration


async def test_an_ended_session_is_cut_and_stays_out(door: Door, bus_settings: BusSettings) -> None:
    """Threat 14: end, then both connections are cut; reconnecting with the same credential is refused."""
    customer, system = door.expect(), await System.connect(bus_settings)
    gone: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    lost, closed = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def on_gone(server_id: str, client_id: int) -> None:
        gone.put_nowait((server_id, client_id))

    async def on_lost() -> None:
        lost.release()

    async def on_closed() -> None:
        closed.release()

    await system.watch_disconnects(on_gone)
    for purpose in ("control", "media"):
        await door.enter(
            customer,
            purpose=purpose,  # type: ignore[arg-type]
            on_disconnected=on_lost,
            on_closed=on_closed,
            give_up_after=3,
        )
    connections = {(request.server_id, request.client_id) for request in door.asked}
    door.ended.add(customer.sid)
    for server_id, client_id in connections:
        await system.kick(server_id, client_id)
    async with asyncio.timeout(60):
        assert {await gone.get() for _ in connections} == connections
        for _ in connections:
            await lost.acquire()
        for _ in connections:
            await closed.acquire()  # gave up by itself after being refused again and again
    with pytest.raises(TicketRefused):
        await door.enter(customer)
    await system.close()


async def test_the_kick_alone_lets_an_agent_back_in(door: Door, bus_settings: BusSettings) -> None:
    """Why ending comes first: nats-py reconnects at once with the same credential."""
    customer, system, back = door.expect(), await System.connect(bus_settings), asyncio.Event()

    async def on_reconnected() -> None:
        back.set()

    await door.enter(customer, on_reconnected=on_reconnected)
    await system.kick(door.asked[0].server_id, door.asked[0].client_id)
    async with asyncio.timeout(20):
        await back.wait()
    assert len(door.asked) == 2
    await system.close()


async def test_kicking_who_is_gone_is_fine(door: Door, bus_settings: BusSettings) -> None:
    system = await System.connect(bus_settings)
    agent = await door.enter(door.expect())
    await agent.close()
    await system.kick(door.asked[0].server_id, door.asked[0].client_id)
    await system.close()


async def test_kicking_at_an_unknown_server_is_unavailable(bus_settings: BusSettings) -> None:
    system = await System.connect(bus_settings)
    with pytest.raises(Unavailable):
        await system.kick("N" + "A" * 55, 1)
    with pytest.raises(InvalidMessage):
        await system.kick("*", 1)
    await system.close()
