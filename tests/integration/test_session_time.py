"""What time does to sessions: nobody joins, the agent is lost, the hard limit, a replica died."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from nats.aio.client import Client

from beistand.bus.settings import BusSettings
from beistand.bus.store import Bucket, Store
from beistand.protocol.errors import CodeRefused, Ended, TicketRefused, WrongState
from beistand.protocol.messages import EndedDown, Party, RequestState, SessionEntry, SessionState
from beistand.protocol.records import Cause
from services.session import domain
from tests.integration.conftest import Connect
from tests.support.agent_wire import AgentWire, new_id
from tests.support.core_services import Technician, running, until

pytestmark = pytest.mark.integration

Start = Callable[..., Awaitable[Technician]]


@pytest.fixture
async def start(bus_settings: BusSettings) -> AsyncIterator[Start]:
    """Start the services with durations of the test's choice."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:

        async def started(**durations: int) -> Technician:
            ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()

            async def run() -> None:
                async with running(bus_settings, **durations) as client:
                    ready.set_result(client)
                    await stop.wait()

            tasks.create_task(run())
            return Technician(await ready, org=f"org-{new_id()[:8]}")

        yield started
        stop.set()


async def test_a_session_nobody_joins_expires_and_its_code_with_it(start: Start) -> None:
    technician = await start(session_waiting_s=1)
    created = await technician.create()
    sid = created.session.id
    await until(lambda: _is(technician, sid, SessionState.EXPIRED))
    with pytest.raises(CodeRefused):
        await AgentWire.join(technician.services, created.code)
    with pytest.raises(Ended):
        await technician.chat(sid, "too late")


async def test_a_joined_but_silent_agent_is_too_late_as_well(start: Start, service_client: Connect) -> None:
    technician = await start()
    sessions = await Store.open(await service_client("session"), Bucket.SESSIONS, SessionEntry)
    sid, agent = await technician.in_session()
    async with agent:
        await sessions.change(f"{technician.org}.{sid}", _overdue)
        assert (await agent.next(EndedDown)).cause is Cause.EXPIRED
        assert (await technician.get(sid)).state is SessionState.EXPIRED
        with pytest.raises(TicketRefused):
            await agent.connect("control")


async def test_a_lost_agent_suspends_and_comes_back(start: Start) -> None:
    technician = await start()
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        await technician.ask(sid)
        view = await agent.allow_next()
        await agent.clients["control"].close()
        await until(lambda: _is(technician, sid, SessionState.SUSPENDED))
        with pytest.raises(WrongState):
            await technician.chat(sid, "anybody there?")
        with pytest.raises(WrongState):
            await technician.ask(sid)
        await agent.connect("control")
        await agent.hello()
        assert (await technician.get(sid)).state is SessionState.ACTIVE
        assert (await technician.requests(sid))[view.request_id].state is RequestState.LIVE
        await agent.revoke(view.request_id)
        await technician.ask(sid)
        await agent.allow_next()


async def test_losing_the_media_connection_is_not_losing_the_agent(start: Start) -> None:
    technician = await start()
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        media, control = agent.clients["media"], agent.clients["control"]
        await media.close()
        await agent.connect("media")
        await control.close()
        await until(lambda: _is(technician, sid, SessionState.SUSPENDED))


async def test_an_older_control_connection_that_goes_late_changes_nothing(start: Start) -> None:
    technician = await start()
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        older = agent.clients["control"]
        await agent.connect("control")
        await older.close()
        await agent.clients["media"].close()
        await agent.connect("media")
        await technician.chat(sid, "still there")


async def test_an_agent_that_does_not_come_back_ends_the_session(start: Start) -> None:
    technician = await start(session_suspended_s=1)
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        await technician.ask(sid)
        view = await agent.allow_next()
        await agent.clients["control"].close()
        await until(lambda: _is(technician, sid, SessionState.ENDED))
        ended = await technician.get(sid)
        assert (ended.ended_by, ended.cause) == (Party.SYSTEM, Cause.AGENT_LOST)
        with pytest.raises(TicketRefused):
            await agent.connect("control")
        await until(lambda: _grant_is(technician, sid, view.request_id, RequestState.REVOKED))


async def test_the_hard_limit_ends_whatever_goes_on(start: Start, service_client: Connect) -> None:
    technician = await start()
    sessions = await Store.open(await service_client("session"), Bucket.SESSIONS, SessionEntry)
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        await sessions.change(f"{technician.org}.{sid}", _at_its_limit)
        assert (await agent.next(EndedDown)).cause is Cause.EXPIRED
        assert (await technician.get(sid)).state is SessionState.ENDED
        await until(lambda: _is_out(agent))


async def test_a_deadline_counts_before_any_sweep_has_seen_it(start: Start, service_client: Connect) -> None:
    """A session of which only the bucket knows that it is overdue."""
    technician = await start()
    sessions = await Store.open(await service_client("session"), Bucket.SESSIONS, SessionEntry)
    sid = (await technician.create()).session.id
    await sessions.change(f"{technician.org}.{sid}", _overdue)
    assert (await technician.get(sid)).state is SessionState.EXPIRED


async def test_what_a_dead_replica_left_uncut_is_cut(start: Start, service_client: Connect) -> None:
    """Marked ended by a service that died before it kicked anybody."""
    technician = await start()
    sessions = await Store.open(await service_client("session"), Bucket.SESSIONS, SessionEntry)
    sid, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        await sessions.change(f"{technician.org}.{sid}", _ended_long_ago)
        await agent.next(EndedDown)
        await until(lambda: _is_cut(sessions, f"{technician.org}.{sid}"))
        await until(lambda: _is_out(agent))


def _overdue(entry: SessionEntry) -> SessionEntry:
    return entry.model_copy(update={"waiting_until": entry.created_at})


def _at_its_limit(entry: SessionEntry) -> SessionEntry:
    return entry.model_copy(update={"limit_at": entry.created_at})


def _ended_long_ago(entry: SessionEntry) -> SessionEntry:
    event = domain.EndAsked(Party.TECHNICIAN, Cause.TECHNICIAN)
    ended = domain.apply(entry, event, now=entry.created_at)
    return ended.model_copy(update={"ended_at": entry.created_at - domain.CUT_AGAIN_AFTER})


async def _is(technician: Technician, sid: str, state: SessionState) -> bool:
    return (await technician.get(sid)).state is state


async def _grant_is(technician: Technician, sid: str, request_id: str, state: RequestState) -> bool:
    return (await technician.requests(sid))[request_id].state is state


async def _is_cut(sessions: Store[SessionEntry], key: str) -> bool:
    stored = await sessions.get(key)
    return stored is not None and not domain.is_uncut(stored.value)


async def _is_out(agent: AgentWire) -> bool:
    return not any(client.is_connected for client in agent.clients.values())
