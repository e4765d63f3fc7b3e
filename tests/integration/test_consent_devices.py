"""Enrolled devices at the consent service, over the real bus: enrolled, heard, and what rests on them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from beistand.bus.settings import BusSettings
from beistand.protocol import signing, subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import (
    BadSignature,
    BeistandError,
    Ended,
    InvalidMessage,
    NotFound,
    OutsideTerms,
    Unavailable,
    WrongState,
)
from beistand.protocol.messages import DeviceState, Recorded, RequestState, SessionState
from beistand.protocol.records import DecidedBy, Entry, Outcome, Standby, Why
from beistand.protocol.terms import Technician as Named
from tests.integration.conftest import Door
from tests.support.agent_wire import AgentWire
from tests.support.consent_stage import ORG, Stage, some_terms, staged
from tests.support.core_services import new_id
from tests.support.enrolled import Enrolled

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(bus_settings: BusSettings, door: Door) -> AsyncIterator[Stage]:
    async with staged(bus_settings, door) as stage:
        yield stage


@pytest.fixture
async def agent(stage: Stage) -> AsyncIterator[AgentWire]:
    """A person's computer in an attended session."""
    async with stage.session() as wire:
        yield wire


def entry_of(agent: AgentWire, recorded: Recorded) -> Entry:
    assert recorded.entry_jws is not None
    return signing.verify(recorded.entry_jws, signing.raw_key(agent.joined.consent_key), Entry)


async def enrols(agent: AgentWire, jws: str) -> Recorded:
    return await agent.send(subjects.Up.ENROLMENT, "enrolment", jws)


# --- enrolling ----------------------------------------------------------------------------------------


async def test_a_persons_yes_enrols_the_key_it_names(stage: Stage, agent: AgentWire) -> None:
    device, decision, jws = await stage.allowed(agent)
    recorded = await enrols(agent, device.enrol(decision, jws))
    entry = entry_of(agent, recorded)
    assert (entry.org, entry.sid, entry.position) == (ORG, device.device_id, 0)
    assert (entry.record_hash, entry.expires_at) == (device.enrolment_hash, None)
    (news,) = stage.told
    assert (news.device_id, news.jws, news.organisation_name) == (
        device.device_id,
        device.enrolment_jws,
        "Acme",
    )
    assert news.enrolled_by == Named(id=stage.technician.technician_id, name="Tina")


async def test_the_question_names_who_asks_unless_it_is_for_everybody(stage: Stage, agent: AgentWire) -> None:
    somebody = Named(id=new_id(), name="Olaf")
    terms = some_terms(stage.technician, technicians=(somebody,))
    await stage.technician.ask(agent.sid, Capability.UNATTENDED, terms=terms)
    ask, _ = await agent.question()
    assert ask.terms is not None
    me = Named(id=stage.technician.technician_id, name="Tina")
    assert ask.terms.technicians == (me, somebody)


async def test_an_enrolment_brought_again_gets_the_same_answer(stage: Stage, agent: AgentWire) -> None:
    device, decision, jws = await stage.allowed(agent)
    first = await enrols(agent, device.enrol(decision, jws))
    await agent.revoke(decision.request_id)
    assert await enrols(agent, device.enrolment_jws) == first
    assert [news.jws for news in stage.told] == [device.enrolment_jws] * 2


@pytest.mark.parametrize("end", ["withdrawn", "given_up", "cloned"])
async def test_an_enrolment_replayed_after_its_end_enrols_nothing(
    stage: Stage, agent: AgentWire, end: str
) -> None:
    device = await stage.enrolled(agent)
    if end == "withdrawn":
        await stage.brings(device.brings(device.withdraw()))
    else:
        await stage.note(device, DeviceState(end))
    stage.told.clear()
    with pytest.raises(Ended):
        await enrols(agent, device.enrolment_jws)
    assert stage.told == []


async def test_an_enrolment_replayed_ends_no_pause(stage: Stage, agent: AgentWire) -> None:
    device = await stage.enrolled(agent)
    pause = device.standby(paused=True)
    await stage.brings(device.brings(pause))
    await enrols(agent, device.enrolment_jws)
    assert stage.told[-1].jws == pause


async def test_an_enrolment_of_another_session_is_none(stage: Stage, agent: AgentWire) -> None:
    device, decision, jws = await stage.allowed(agent)
    async with stage.session() as other:
        for session_id in (agent.sid, other.sid):
            with pytest.raises(BadSignature):
                await enrols(other, device.enrol(decision, jws, session_id=session_id))
    assert stage.told == []


FORGERIES: dict[str, dict[str, Any]] = {
    "longer": {"terms": {"until": datetime(2036, 1, 1, tzinfo=UTC)}},
    "another question": {"request_id": new_id()},
    "another decision": {"decision_hash": "x" * 43},
    "another organisation": {"org": "other"},
    "another id": {"sid": new_id()},
    "another key": {"device_key": Enrolled().key},
    "a stranger's signature": {"by": bytes(range(32))},
    "not the first": {"seq": 1},
    "another past": {"prev": "x" * 43},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
async def test_an_enrolment_that_is_not_what_was_allowed_is_none(
    stage: Stage, agent: AgentWire, forgery: dict[str, Any]
) -> None:
    device, decision, jws = await stage.allowed(agent)
    with pytest.raises(BadSignature):
        await enrols(agent, device.enrol(decision, jws, **forgery))
    assert stage.told == []
    await enrols(agent, device.enrol(decision, jws))


async def test_a_no_a_closed_yes_and_another_yes_enrol_nothing(stage: Stage, agent: AgentWire) -> None:
    no = await stage.allowed(agent, outcome=Outcome.DENIED, device_key=None)
    closed = await stage.allowed(agent)
    await agent.revoke(closed[1].request_id)
    await stage.technician.ask(agent.sid)
    ask, ask_jws = await agent.question()
    view_jws = agent.decide(ask, ask_jws)
    await agent.send(subjects.Up.DECISION, "decision", view_jws)
    for device, decision, jws in (no, closed):
        with pytest.raises(BadSignature):
            await enrols(agent, device.enrol(decision, jws))
    view = closed[1].model_copy(update={"request_id": ask.request_id})
    with pytest.raises(BadSignature):
        await enrols(agent, Enrolled(org=ORG).enrol(view, view_jws))
    assert stage.told == []


async def test_one_yes_enrols_one_device(stage: Stage, agent: AgentWire) -> None:
    device, decision, jws = await stage.allowed(agent)
    await enrols(agent, device.enrol(decision, jws))
    with pytest.raises(BadSignature):
        await enrols(agent, Enrolled(org=ORG).enrol(decision, jws))
    with pytest.raises(BadSignature):
        await enrols(agent, device.enrol(decision, jws, device_name="another desk"))
    assert len(stage.told) == 1


async def test_a_yes_names_a_key_for_unattended_access_and_for_nothing_else(
    stage: Stage, agent: AgentWire
) -> None:
    with pytest.raises(BadSignature):
        await stage.allowed(agent, device_key=None)
    await stage.technician.ask(agent.sid)
    ask, ask_jws = await agent.question()
    with pytest.raises(BadSignature):
        await agent.answer(ask, ask_jws, device_key=Enrolled().key)


async def test_without_the_session_service_it_is_brought_again(stage: Stage, agent: AgentWire) -> None:
    device, decision, jws = await stage.allowed(agent)
    stage.trouble = Unavailable()
    with pytest.raises(Unavailable):
        await enrols(agent, device.enrol(decision, jws))
    stage.trouble = None
    recorded = await enrols(agent, device.enrolment_jws)
    assert entry_of(agent, recorded).position == 0
    assert [news.jws for news in stage.told] == [device.enrolment_jws]


# --- what a device says later ---------------------------------------------------------------------------


async def test_a_pause_its_end_and_the_withdrawal_are_recorded_and_told(
    stage: Stage, agent: AgentWire
) -> None:
    device = await stage.enrolled(agent)
    said = [device.standby(paused=True), device.standby(paused=False), device.withdraw()]
    entries = [entry_of(agent, await stage.brings(device.brings(jws))) for jws in said]
    assert [entry.position for entry in entries] == [1, 2, 3]
    assert [news.jws for news in stage.told] == [device.enrolment_jws, *said]
    again = await stage.brings(device.brings(said[-1]))
    assert entry_of(agent, again) == entries[-1]


async def test_a_record_brought_again_undoes_nothing(stage: Stage, agent: AgentWire) -> None:
    device = await stage.enrolled(agent)
    pause, on = device.standby(paused=True), device.standby(paused=False)
    first = await stage.brings(device.brings(pause))
    await stage.brings(device.brings(on))
    assert await stage.brings(device.brings(pause)) == first
    assert stage.told[-1].jws == on


@pytest.mark.parametrize("end", ["withdrawn", "given_up", "cloned"])
async def test_after_the_end_nothing_is_heard_but_a_withdrawal(
    stage: Stage, agent: AgentWire, end: str
) -> None:
    device = await stage.enrolled(agent)
    before = device.standby(paused=False)
    await stage.brings(device.brings(before))
    if end == "withdrawn":
        await stage.brings(device.brings(device.withdraw()))
    else:
        await stage.note(device, DeviceState(end))
    place = device.seq, device.prev
    for jws in (before, device.standby(paused=False)):
        with pytest.raises(Ended):
            await stage.brings(device.brings(jws))
    device.seq, device.prev = place
    last = device.withdraw(Why.WITHDRAWN if end == "withdrawn" else Why(end))
    if end == "withdrawn":
        with pytest.raises(Ended):
            await stage.brings(device.brings(last))
        return
    recorded = await stage.brings(device.brings(last))
    assert await stage.brings(device.brings(last)) == recorded


async def test_only_the_devices_signature_counts(stage: Stage, agent: AgentWire) -> None:
    device, other = await stage.enrolled(agent), Enrolled(org=ORG)
    good = device.forge(Standby, paused=True)
    refused: list[tuple[type[BeistandError], dict[str, Any]]] = [
        (BadSignature, {"jws": device.forge(Standby, paused=True, by=other.seed)}),
        (BadSignature, {"jws": device.forge(Standby, paused=True, sid=other.device_id)}),
        (BadSignature, {"jws": device.forge(Standby, paused=True, prev="x" * 43)}),
        (BadSignature, {"jws": device.forge(Standby, paused=True, seq=0)}),
        (BadSignature, {"jws": device.enrolment_jws}),
        (BadSignature, {"jws": "x" * 100}),
        (BadSignature, {"jws": good, "type": "withdrawal"}),
        (NotFound, {"jws": good, "device_id": other.device_id}),
        (BadSignature, {"jws": good, "device_id": agent.sid}),
        (NotFound, {"jws": good, "org": "other"}),
    ]
    stage.told.clear()
    for error, changes in refused:
        with pytest.raises(error):
            await stage.brings(device.brings(**{"jws": good, **changes}))
    assert stage.told == []
    await stage.brings(device.brings(good))


async def test_a_gap_in_the_chain_waits_for_what_is_missing(stage: Stage, agent: AgentWire) -> None:
    device = await stage.enrolled(agent)
    pause, on = device.standby(paused=True), device.standby(paused=False)
    with pytest.raises(BadSignature):
        await stage.brings(device.brings(on))
    await stage.brings(device.brings(pause))
    await stage.brings(device.brings(on))


# --- what rests on it -----------------------------------------------------------------------------------


async def asks(stage: Stage, agent: AgentWire, capability: Capability = Capability.VIEW) -> Any:
    await stage.technician.ask(agent.sid, capability)
    return await agent.question()


def by_policy(device: Enrolled) -> dict[str, Any]:
    return {"decided_by": DecidedBy.POLICY, "enrolment_hash": device.enrolment_hash}


async def test_in_an_attended_session_no_policy_says_yes(stage: Stage, agent: AgentWire) -> None:
    device = await stage.enrolled(agent)
    ask, ask_jws = await asks(stage, agent)
    place = agent.seq, agent.prev
    with pytest.raises(BadSignature):
        await agent.answer(ask, ask_jws, **by_policy(device))
    agent.seq, agent.prev = place
    requests = await stage.technician.requests(agent.sid)
    assert requests[ask.request_id].state is RequestState.ASKED
    await agent.answer(ask, ask_jws)


async def test_in_its_own_session_the_device_answers_by_policy(stage: Stage, agent: AgentWire) -> None:
    device = await stage.enrolled(agent)
    async with stage.session(device_id=device.device_id) as visit:
        for capability in (Capability.VIEW, Capability.CONTROL):
            ask, ask_jws = await asks(stage, visit, capability)
            entry = await visit.answer(ask, ask_jws, **by_policy(device))
            assert entry is not None
            assert entry.expires_at is not None
        states = {item.state for item in (await stage.technician.requests(visit.sid)).values()}
        assert states == {RequestState.LIVE}
        with pytest.raises(WrongState):
            await stage.technician.ask(visit.sid, Capability.UNATTENDED, terms=some_terms(stage.technician))


async def test_another_devices_standing_yes_counts_for_nothing(stage: Stage, agent: AgentWire) -> None:
    device, other = await stage.enrolled(agent), Enrolled(org=ORG)
    async with stage.session() as second:
        other = await stage.enrolled(second)
    async with stage.session(device_id=device.device_id) as visit:
        ask, ask_jws = await asks(stage, visit)
        place = visit.seq, visit.prev
        for changes in (by_policy(other), {"decided_by": DecidedBy.POLICY}):
            with pytest.raises(BadSignature):
                await visit.answer(ask, ask_jws, **changes)
            visit.seq, visit.prev = place
        await visit.answer(ask, ask_jws, **by_policy(device))
    async with stage.session(device_id=Enrolled().device_id) as visit:
        with pytest.raises(BadSignature):
            await visit.answer(*await asks(stage, visit), **by_policy(device))


@pytest.mark.parametrize("end", ["paused", "withdrawn", "given_up", "cloned"])
async def test_what_is_paused_or_over_allows_nothing(stage: Stage, agent: AgentWire, end: str) -> None:
    device = await stage.enrolled(agent)
    async with stage.session(device_id=device.device_id) as visit:
        ask, ask_jws = await asks(stage, visit)
        if end == "paused":
            await stage.brings(device.brings(device.standby(paused=True)))
        elif end == "withdrawn":
            await stage.brings(device.brings(device.withdraw()))
        else:
            await stage.note(device, DeviceState(end))
        with pytest.raises(OutsideTerms, match=f"^{end}: "):
            await visit.answer(ask, ask_jws, **by_policy(device))
        requests = await stage.technician.requests(visit.sid)
        assert requests[ask.request_id].state is RequestState.ASKED


async def test_a_standing_yes_is_for_whom_it_names(stage: Stage, agent: AgentWire) -> None:
    device = await stage.enrolled(agent)
    stage.technician.technician_id = new_id()
    async with stage.session(device_id=device.device_id) as visit:
        with pytest.raises(OutsideTerms, match=r"^wrong_technician: "):
            await visit.answer(*await asks(stage, visit), **by_policy(device))


async def test_nothing_outlasts_the_standing_yes(stage: Stage, agent: AgentWire) -> None:
    until = datetime.now(UTC) + timedelta(minutes=2)
    device = await stage.enrolled(agent, terms=some_terms(stage.technician, until=until))
    async with stage.session(device_id=device.device_id) as visit:
        entry = await visit.answer(*await asks(stage, visit), **by_policy(device))
        assert entry is not None
        assert entry.expires_at is not None
        assert abs((entry.expires_at - until).total_seconds()) < 2


async def test_a_yes_is_no_word_in_a_session_that_is_over(stage: Stage, agent: AgentWire) -> None:
    device, decision, jws = await stage.allowed(agent)
    ended = {"state": SessionState.ENDED, "ended_at": datetime.now(UTC)}
    await stage.sessions.change(f"{ORG}.{agent.sid}", lambda entry: entry.model_copy(update=ended))
    await agent.revoke(decision.request_id)
    with pytest.raises(BadSignature):
        await enrols(agent, device.enrol(decision, jws))


async def test_what_is_no_device_record_is_not_understood(stage: Stage) -> None:
    with pytest.raises((InvalidMessage, NotFound)):
        await stage.brings(Enrolled(org=ORG).brings("x" * 20))
