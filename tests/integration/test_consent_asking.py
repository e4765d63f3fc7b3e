"""Asking over the real bus: how often, what rests on what, taking back, running out, ending."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from nats.aio.client import Client

from beistand.bus.settings import BusSettings
from beistand.bus.store import Bucket, Store
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import (
    AlreadyAsked,
    AskingBlocked,
    BeistandError,
    InvalidMessage,
    NotFound,
    WrongState,
)
from beistand.protocol.messages import AskDown, GrantEntry, NoticeDown, Party, RequestState
from beistand.protocol.records import Cause, Outcome
from beistand.protocol.terms import Terms
from services.consent import domain
from tests.integration.conftest import Connect
from tests.support.agent_wire import AgentWire, new_id
from tests.support.core_services import Technician, running, until

pytestmark = pytest.mark.integration


async def test_nothing_is_asked_before_the_customer_is_there(technician: Technician) -> None:
    sid, agent = await technician.in_session()
    async with agent:
        with pytest.raises(WrongState):
            await technician.ask(sid)
        assert await technician.requests(sid) == {}


async def test_the_same_is_asked_once(technician: Technician, agent: AgentWire) -> None:
    await technician.ask(agent.sid)
    with pytest.raises(AlreadyAsked):
        await technician.ask(agent.sid)
    await agent.allow_next()
    with pytest.raises(AlreadyAsked):
        await technician.ask(agent.sid)


async def test_of_many_asked_at_once_one_stays(technician: Technician, agent: AgentWire) -> None:
    outcomes = await asyncio.gather(*(_refusal(technician, agent) for _ in range(8)))
    assert sorted(outcomes) == ["", *["already_asked"] * 7]
    stored = await technician.requests(agent.sid)
    assert [item.state for item in stored.values()] == [RequestState.ASKED]
    await agent.question()
    assert agent.heard_nothing(AskDown)


async def test_control_needs_a_live_view_of_the_same_technician(
    services: Client, technician: Technician, agent: AgentWire
) -> None:
    lead = Technician(services, technician.org, sees_all=True)
    with pytest.raises(WrongState):
        await technician.ask(agent.sid, Capability.CONTROL)
    await technician.ask(agent.sid)
    with pytest.raises(WrongState):
        await technician.ask(agent.sid, Capability.CONTROL)
    await agent.allow_next()
    with pytest.raises(WrongState):
        await lead.ask(agent.sid, Capability.CONTROL)
    await technician.ask(agent.sid, Capability.CONTROL)
    await agent.allow_next()


async def test_unattended_access_cannot_be_asked_for_without_an_end(
    technician: Technician, agent: AgentWire
) -> None:
    now = datetime.now(UTC)
    for terms in (None, Terms(until=now + timedelta(days=91)), Terms(until=now)):
        with pytest.raises(InvalidMessage):
            await technician.ask(agent.sid, Capability.UNATTENDED, terms=terms)
    with pytest.raises(InvalidMessage):
        await technician.ask(agent.sid, Capability.VIEW, terms=Terms(until=now + timedelta(days=1)))
    await technician.ask(agent.sid, Capability.UNATTENDED, terms=Terms(until=now + timedelta(days=90)))
    ask, _ = await agent.question()
    assert ask.terms == Terms(until=now + timedelta(days=90))


async def test_after_a_no_the_same_waits(technician: Technician, agent: AgentWire) -> None:
    await technician.ask(agent.sid)
    await agent.answer(*await agent.question(), outcome=Outcome.DENIED)
    with pytest.raises(AskingBlocked, match=r"Wait \d+ seconds"):
        await technician.ask(agent.sid)


async def test_a_no_for_good_holds_for_everybody(
    services: Client, technician: Technician, agent: AgentWire
) -> None:
    await technician.ask(agent.sid)
    await agent.answer(*await agent.question(), outcome=Outcome.DENIED, block=True)
    lead = Technician(services, technician.org, sees_all=True)
    for somebody in (technician, lead):
        with pytest.raises(AskingBlocked, match="in this session"):
            await somebody.ask(agent.sid)


async def test_a_no_for_good_counts_even_if_the_question_was_withdrawn(
    technician: Technician, agent: AgentWire
) -> None:
    asked = await technician.ask(agent.sid)
    question = await agent.question()
    await technician.withdraw(agent.sid, asked.id)
    await agent.answer(*question, outcome=Outcome.DENIED, block=True)
    assert (await technician.requests(agent.sid))[asked.id].state is RequestState.WITHDRAWN
    with pytest.raises(AskingBlocked):
        await technician.ask(agent.sid)


async def test_a_question_taken_back_can_no_longer_be_allowed(
    technician: Technician, agent: AgentWire
) -> None:
    asked = await technician.ask(agent.sid)
    question = await agent.question()
    withdrawn = await technician.withdraw(agent.sid, asked.id)
    assert (withdrawn.state, withdrawn.closed_by) == (RequestState.WITHDRAWN, Party.TECHNICIAN)
    notice = await agent.next(NoticeDown)
    assert (notice.request_id, notice.state) == (asked.id, RequestState.WITHDRAWN)
    with pytest.raises(WrongState):
        await agent.answer(*question)
    assert (await technician.requests(agent.sid))[asked.id].state is RequestState.WITHDRAWN


async def test_handing_back_the_view_hands_back_control(technician: Technician, agent: AgentWire) -> None:
    view = await technician.ask(agent.sid)
    await agent.allow_next()
    control = await technician.ask(agent.sid, Capability.CONTROL)
    await agent.allow_next()
    await technician.withdraw(agent.sid, view.id)
    found = await technician.requests(agent.sid)
    assert (found[view.id].state, found[view.id].cause) == (RequestState.REVOKED, Cause.TECHNICIAN)
    assert (found[control.id].state, found[control.id].cause) == (RequestState.REVOKED, Cause.VIEW_ENDED)
    told = {(await agent.next(NoticeDown)).request_id for _ in range(2)}
    assert told == {view.id, control.id}
    with pytest.raises(WrongState):
        await technician.withdraw(agent.sid, view.id)


async def test_stopping_control_leaves_the_view(technician: Technician, agent: AgentWire) -> None:
    view = await technician.ask(agent.sid)
    await agent.allow_next()
    control = await technician.ask(agent.sid, Capability.CONTROL)
    await agent.allow_next()
    await agent.revoke(control.id, cause=Cause.STOP_CONTROL)
    found = await technician.requests(agent.sid)
    assert found[view.id].state is RequestState.LIVE
    assert found[control.id].cause is Cause.STOP_CONTROL
    assert agent.heard_nothing(NoticeDown)


async def test_an_open_question_for_control_goes_with_the_view(
    technician: Technician, agent: AgentWire
) -> None:
    view = await technician.ask(agent.sid)
    await agent.allow_next()
    control = await technician.ask(agent.sid, Capability.CONTROL)
    question = await agent.question()
    await agent.revoke(view.id)
    with pytest.raises(WrongState):
        await agent.answer(*question)
    assert (await technician.requests(agent.sid))[control.id].state is RequestState.WITHDRAWN


async def test_what_is_not_there_cannot_be_taken_back(technician: Technician, agent: AgentWire) -> None:
    with pytest.raises(NotFound):
        await technician.withdraw(agent.sid, new_id())


async def test_a_question_nobody_answers_times_out(
    technician: Technician, agent: AgentWire, service_client: Connect
) -> None:
    grants = await Store.open(await service_client("consent"), Bucket.GRANTS, GrantEntry)
    asked = await technician.ask(agent.sid)
    await grants.change(f"{agent.org}.{agent.sid}.{asked.id}", _overdue)
    notice = await agent.next(NoticeDown)
    assert (notice.request_id, notice.state, notice.by) == (asked.id, RequestState.TIMED_OUT, Party.SYSTEM)
    with pytest.raises(AskingBlocked):
        await technician.ask(agent.sid)


async def test_a_grant_runs_out(technician: Technician, agent: AgentWire, service_client: Connect) -> None:
    grants = await Store.open(await service_client("consent"), Bucket.GRANTS, GrantEntry)
    view = await technician.ask(agent.sid)
    await agent.allow_next()
    control = await technician.ask(agent.sid, Capability.CONTROL)
    await agent.allow_next()
    await grants.change(f"{agent.org}.{agent.sid}.{view.id}", _overdue)
    told = {(notice.request_id, notice.state) for notice in [await agent.next(NoticeDown) for _ in range(2)]}
    assert told == {(view.id, RequestState.EXPIRED), (control.id, RequestState.REVOKED)}
    assert (await technician.requests(agent.sid))[view.id].cause is Cause.EXPIRED


async def test_the_end_of_the_session_ends_everything(technician: Technician, agent: AgentWire) -> None:
    view = await technician.ask(agent.sid)
    await agent.allow_next()
    control = await technician.ask(agent.sid, Capability.CONTROL)
    await technician.end(agent.sid)
    expected = {view.id: RequestState.REVOKED, control.id: RequestState.WITHDRAWN}
    await until(lambda: _are(technician, agent, expected))


async def test_a_session_that_ended_while_nobody_listened_is_closed_later(
    bus_settings: BusSettings, service_client: Connect
) -> None:
    """The event and the signed end are gone; the bucket still tells."""
    grants = await Store.open(await service_client("consent"), Bucket.GRANTS, GrantEntry)
    async with running(bus_settings) as first:
        technician = Technician(first, org=f"org-{new_id()[:8]}")
        sid, agent = await technician.in_session()
        async with agent:
            await agent.hello()
            view = await technician.ask(sid)
            await agent.allow_next()
            key = f"{technician.org}.{sid}.{view.id}"
            live = await grants.get(key)
            assert live is not None
            await technician.end(sid)
            await until(lambda: _are(technician, agent, {view.id: RequestState.REVOKED}))
    await grants.change(key, lambda _: live.value)
    async with running(bus_settings) as second:
        technician.services = second
        await until(lambda: _are(technician, agent, {view.id: RequestState.REVOKED}))


async def _are(technician: Technician, agent: AgentWire, states: dict[str, RequestState]) -> bool:
    found = await technician.requests(agent.sid)
    return {request_id: found[request_id].state for request_id in states} == states


async def _refusal(technician: Technician, agent: AgentWire) -> str:
    try:
        await technician.ask(agent.sid)
    except BeistandError as error:
        return error.code
    return ""


def _overdue(entry: GrantEntry) -> GrantEntry:
    past = entry.asked_at - domain.SLACK - timedelta(seconds=1)
    return entry.model_copy(update={"answer_until": past, "expires_at": entry.expires_at and past})
