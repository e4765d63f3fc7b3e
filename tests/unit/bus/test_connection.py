"""When an agent gives its connection up: by time alone."""

import asyncio

import pytest
from nats import errors

from beistand.bus.agent import GIVE_UP_AFTER_S
from beistand.bus.connection import Watcher
from services.session.domain import Limits

pytestmark = pytest.mark.unit

MANY = 200


def _lost(gives_up_after: float) -> tuple[Watcher, asyncio.Event]:
    closed = asyncio.Event()

    async def on_closed() -> None:
        closed.set()

    watcher = Watcher("agent", on_closed=on_closed, gives_up_after=gives_up_after, has_connected=True)
    watcher.client._closed_cb = watcher.closed
    return watcher, closed


def test_an_agent_tries_longer_than_its_session_waits() -> None:
    assert Limits().suspended.total_seconds() < GIVE_UP_AFTER_S


async def test_refusals_alone_end_nothing() -> None:
    watcher, closed = _lost(GIVE_UP_AFTER_S)
    await watcher.disconnected()
    for _ in range(MANY):
        await watcher.error(errors.AuthorizationError())
        await asyncio.sleep(0)
    assert not closed.is_set()
    assert not watcher.client.is_closed
    await watcher.closed()


async def test_being_back_in_time_ends_nothing() -> None:
    watcher, closed = _lost(0.05)
    await watcher.disconnected()
    await watcher.reconnected()
    await asyncio.sleep(0.1)
    assert not closed.is_set()
