"""Answers over the real bus: only the customer's device makes a grant, and only exactly what was asked."""

import secrets
from datetime import timedelta
from typing import Any

import pytest

from beistand.bus.store import Bucket, Store
from beistand.protocol import records, subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BadSignature, NotFound, WrongState
from beistand.protocol.messages import GrantEntry, Party, RequestState
from beistand.protocol.records import Ask, Cause, DecidedBy, Outcome
from services.consent import domain
from tests.integration.conftest import Connect
from tests.support.agent_wire import AgentWire, new_id
from tests.support.core_services import Technician, until

pytestmark = pytest.mark.integration


@pytest.fixture
def service_settings() -> dict[str, Any]:
    """A question may follow a no at once."""
    return {"consent_pause_s": 0}


async def test_a_yes_is_countersigned_and_live(technician: Technician, agent: AgentWire) -> None:
    asked = await technician.ask(agent.sid)
    ask, ask_jws = await agent.question()
    assert (ask.request_id, ask.reason, ask.technician_name) == (asked.id, "printer", "Tina")
    entry = await agent.answer(ask, ask_jws)
    assert entry is not None
    assert entry.position == 2  # after hello and question
    assert entry.expires_at == records.expiry(entry.recorded_at, ask.duration_s)
    live = await _request(technician, agent, ask)
    assert (live.state, live.expires_at) == (RequestState.LIVE, entry.expires_at)


async def test_the_same_yes_again_gets_the_same_answer(technician: Technician, agent: AgentWire) -> None:
    await technician.ask(agent.sid)
    jws = agent.decide(*await agent.question())
    first = await agent.send(subjects.Up.DECISION, "decision", jws)
    assert await agent.send(subjects.Up.DECISION, "decision", jws) == first


async def test_a_no_is_a_no(technician: Technician, agent: AgentWire) -> None:
    await technician.ask(agent.sid)
    ask, ask_jws = await agent.question()
    entry = await agent.answer(ask, ask_jws, outcome=Outcome.DENIED)
    assert entry is not None
    assert entry.expires_at is None
    denied = await _request(technician, agent, ask)
    assert (denied.state, denied.closed_by) == (RequestState.DENIED, Party.CUSTOMER)


async def test_the_devices_own_time_out_is_recorded(technician: Technician, agent: AgentWire) -> None:
    await technician.ask(agent.sid)
    ask, ask_jws = await agent.question()
    await agent.answer(ask, ask_jws, outcome=Outcome.TIMED_OUT, decided_by=DecidedBy.TIMEOUT)
    assert (await _request(technician, agent, ask)).state is RequestState.TIMED_OUT


FORGERIES: dict[str, dict[str, Any]] = {
    "wrong key": {"seed": secrets.token_bytes(32)},
    "widened": {"capability": Capability.CONTROL},
    "longer": {"duration_s": 12 * 3600},
    "other technician": {"technician_id": new_id()},
    "other name": {"technician_name": "Somebody"},
    "other reason": {"reason": "harmless"},
    "other nonce": {"nonce": new_id()},
    "other question's text": {"ask_hash": "x" * 43},
    "other session": {"sid": new_id()},
    "other organisation": {"org": "elsewhere"},
    "allowed by policy": {"decided_by": DecidedBy.POLICY},
    "allowed by a time-out": {"decided_by": DecidedBy.TIMEOUT},
    "allowed and blocked": {"block": True},
    "a gap in the chain": {"seq": 7},
    "a fork of the chain": {"seq": 0},
    "another past": {"prev": "x" * 43},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_answer_grants_nothing(
    technician: Technician, agent: AgentWire, forgery: dict[str, Any]
) -> None:
    await technician.ask(agent.sid)
    ask, ask_jws = await agent.question()
    place = agent.seq, agent.prev
    with pytest.raises(BadSignature):
        await agent.answer(ask, ask_jws, **forgery)
    assert (await _request(technician, agent, ask)).state is RequestState.ASKED
    agent.seq, agent.prev = place
    await agent.answer(ask, ask_jws)
    assert (await _request(technician, agent, ask)).state is RequestState.LIVE


async def test_an_answer_from_another_session_is_worth_nothing(
    technician: Technician, agent: AgentWire
) -> None:
    _, other = await technician.in_session()
    async with other:
        await other.hello()
        await technician.ask(other.sid)
        stolen = other.decide(*await other.question())
    await technician.ask(agent.sid)
    ask, _ = await agent.question()
    with pytest.raises(BadSignature):
        await agent.send(subjects.Up.DECISION, "decision", stolen)
    assert (await _request(technician, agent, ask)).state is RequestState.ASKED


async def test_an_earlier_yes_cannot_be_used_again(technician: Technician, agent: AgentWire) -> None:
    await technician.ask(agent.sid)
    ask, ask_jws = await agent.question()
    jws = agent.decide(ask, ask_jws)
    await agent.send(subjects.Up.DECISION, "decision", jws)
    await agent.revoke(ask.request_id)
    await technician.ask(agent.sid)
    again, _ = await agent.question()
    with pytest.raises(WrongState):
        await agent.send(subjects.Up.DECISION, "decision", jws)
    states = {item.id: item.state for item in (await technician.requests(agent.sid)).values()}
    assert states == {ask.request_id: RequestState.REVOKED, again.request_id: RequestState.ASKED}


async def test_an_answer_to_nothing_is_not_found(technician: Technician, agent: AgentWire) -> None:
    await technician.ask(agent.sid)
    ask, ask_jws = await agent.question()
    with pytest.raises(NotFound):
        await agent.answer(ask, ask_jws, request_id=new_id())


async def test_a_yes_after_the_deadline_grants_nothing_and_keeps_the_chain(
    technician: Technician, agent: AgentWire, service_client: Connect
) -> None:
    grants = await Store.open(await service_client("consent"), Bucket.GRANTS, GrantEntry)
    await technician.ask(agent.sid)
    ask, ask_jws = await agent.question()
    await grants.change(f"{agent.org}.{agent.sid}.{ask.request_id}", _long_unanswered)
    with pytest.raises(WrongState):
        await agent.answer(ask, ask_jws)
    await until(lambda: _is(technician, agent, ask, RequestState.TIMED_OUT))
    # The late record is part of the chain all the same: the next answer continues it.
    await technician.ask(agent.sid)
    await agent.allow_next()


async def test_revoked_before_the_answer_arrives_stays_revoked(
    technician: Technician, agent: AgentWire
) -> None:
    await technician.ask(agent.sid)
    ask, ask_jws = await agent.question()
    decision = agent.decide(ask, ask_jws)
    with pytest.raises(BadSignature):
        await agent.revoke(ask.request_id)
    assert (await _request(technician, agent, ask)).state is RequestState.REVOKED
    with pytest.raises(WrongState):
        await agent.send(subjects.Up.DECISION, "decision", decision)
    assert (await _request(technician, agent, ask)).state is RequestState.REVOKED


async def test_a_revocation_sent_again_is_harmless(technician: Technician, agent: AgentWire) -> None:
    await technician.ask(agent.sid)
    ask = await agent.allow_next()
    jws = agent.sign(records.Revocation, grant_ids=(ask.request_id,), cause=Cause.STOP_SHARING)
    first = await agent.send(subjects.Up.REVOKED, "revocation", jws)
    closed = await _request(technician, agent, ask)
    assert await agent.send(subjects.Up.REVOKED, "revocation", jws) == first
    assert await _request(technician, agent, ask) == closed
    assert agent.entry_of(first, jws) is not None


async def test_a_forged_revocation_or_one_of_others_grants_stops_nothing(
    technician: Technician, agent: AgentWire
) -> None:
    await technician.ask(agent.sid)
    ask = await agent.allow_next()
    _, other = await technician.in_session()
    async with other:
        await other.hello()
        await other.revoke(ask.request_id)
        stolen = other.sign(records.Revocation, grant_ids=(ask.request_id,), cause=Cause.STOP_SHARING)
        with pytest.raises(BadSignature):
            await agent.send(subjects.Up.REVOKED, "revocation", stolen)
    assert (await _request(technician, agent, ask)).state is RequestState.LIVE


async def test_a_lost_indicator_is_not_called_the_customers_wish(
    technician: Technician, agent: AgentWire
) -> None:
    await technician.ask(agent.sid)
    ask = await agent.allow_next()
    await agent.revoke(ask.request_id, cause=Cause.INDICATOR_LOST)
    closed = await _request(technician, agent, ask)
    assert (closed.closed_by, closed.cause) == (Party.SYSTEM, Cause.INDICATOR_LOST)


async def test_records_that_overtake_each_other_all_count(technician: Technician, agent: AgentWire) -> None:
    """Pause on, pause off, revoke: sent in the wrong order, recorded in the right one."""
    await technician.ask(agent.sid)
    ask = await agent.allow_next()
    on = agent.sign(records.Pause, paused=True)
    off = agent.sign(records.Pause, paused=False)
    with pytest.raises(BadSignature):
        await agent.send(subjects.Up.PAUSE, "pause", off)
    await agent.send(subjects.Up.PAUSE, "pause", on)
    await agent.send(subjects.Up.PAUSE, "pause", off)
    jws = agent.sign(records.Revocation, grant_ids=(ask.request_id,), cause=Cause.STOP_SHARING)
    entry = agent.entry_of(await agent.send(subjects.Up.REVOKED, "revocation", jws), jws)
    assert entry is not None
    assert entry.position == 5


async def _request(technician: Technician, agent: AgentWire, ask: Ask) -> Any:
    return (await technician.requests(agent.sid))[ask.request_id]


async def _is(technician: Technician, agent: AgentWire, ask: Ask, state: RequestState) -> bool:
    return (await _request(technician, agent, ask)).state is state


def _long_unanswered(entry: GrantEntry) -> GrantEntry:
    past = entry.asked_at - domain.SLACK - timedelta(seconds=1)
    return entry.model_copy(update={"answer_until": past})
