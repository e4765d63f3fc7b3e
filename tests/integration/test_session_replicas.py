"""Two of each service at once: every change happens once, whoever does it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from beistand.bus.settings import BusSettings
from beistand.bus.store import Bucket, Store
from beistand.protocol.errors import BeistandError, TicketRefused
from beistand.protocol.messages import CloudEvent, EndedDown, RequestState, SessionEntry, SessionState
from tests.integration.conftest import Connect
from tests.support.agent_wire import new_id
from tests.support.core_services import Technician, running, until

pytestmark = pytest.mark.integration


@pytest.fixture
async def services(bus_settings: BusSettings) -> AsyncIterator[Client]:
    async with running(bus_settings) as client, running(bus_settings):
        yield client


async def test_a_session_over_two_replicas(services: Client) -> None:
    technician = Technician(services, org=f"org-{new_id()[:8]}")
    events = await services.subscribe(f"bst.evt.{technician.org}.*.*")
    await services.flush()
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        asks = await asyncio.gather(*(technician.ask(sid) for _ in range(6)), return_exceptions=True)
        assert sum(isinstance(outcome, BeistandError) for outcome in asks) == 5
        view = await agent.allow_next()
        await agent.clients["control"].close()
        await until(lambda: _is(technician, sid, SessionState.SUSPENDED))
        await agent.connect("control")
        await agent.hello()
        await agent.revoke(view.request_id)
        await technician.end(sid)
        await agent.next(EndedDown)
        with pytest.raises(TicketRefused):
            await agent.connect("media")
    seen = []
    while seen[-1:] != ["ended"]:
        event = CloudEvent.model_validate_json((await events.next_msg(timeout=10)).data)
        seen.append(str(getattr(event.data, "state", "")))
    assert seen == ["waiting", "active", "asked", "live", "suspended", "active", "revoked", "ended"]


async def test_a_deadline_is_kept_once(services: Client, service_client: Connect) -> None:
    technician = Technician(services, org=f"org-{new_id()[:8]}")
    sessions = await Store.open(await service_client("session"), Bucket.SESSIONS, SessionEntry)
    events = await services.subscribe(f"bst.evt.{technician.org}.*.session")
    await services.flush()
    sids = [(await technician.create()).session.id for _ in range(5)]
    for sid in sids:
        await sessions.change(f"{technician.org}.{sid}", _overdue)
    states = []
    for _ in range(10):
        event = CloudEvent.model_validate_json((await events.next_msg(timeout=10)).data)
        states.append((event.subject, getattr(event.data, "state", None)))
    assert sorted(states) == sorted((sid, state) for sid in sids for state in ("waiting", "expired"))
    assert {(await technician.get(sid)).state for sid in sids} == {SessionState.EXPIRED}
    with pytest.raises(TimeoutError):
        await events.next_msg(timeout=0.5)


async def test_records_are_taken_in_by_whichever_is_asked(services: Client) -> None:
    technician = Technician(services, org=f"org-{new_id()[:8]}")
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        await technician.ask(sid)
        view = await agent.allow_next()
        for number in range(12):
            await agent.pause(paused=number % 2 == 0)
        await agent.revoke(view.request_id)
        assert (await technician.requests(sid))[view.request_id].state is RequestState.REVOKED


async def _is(technician: Technician, sid: str, state: SessionState) -> bool:
    return (await technician.get(sid)).state is state


def _overdue(entry: SessionEntry) -> SessionEntry:
    return entry.model_copy(update={"waiting_until": entry.created_at})
