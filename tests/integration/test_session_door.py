"""The way in, over the real bus: codes, tickets, keys, and everybody who must stay outside."""

import asyncio
import secrets
from collections.abc import Awaitable, Iterator

import pytest

from beistand.bus import rpc
from beistand.protocol import subjects
from beistand.protocol.errors import BeistandError, CodeRefused, InvalidMessage, TicketRefused
from beistand.protocol.messages import Join, Joined, SessionState
from tests.support.agent_wire import AgentWire
from tests.support.core_services import Technician

pytestmark = pytest.mark.integration


async def test_joining_tells_who_asks_and_changes_nothing(technician: Technician) -> None:
    created = await technician.create()
    agent = await AgentWire.join(technician.services, created.code)
    assert agent.joined.organisation_name == "Acme"
    assert (agent.joined.technician_name, agent.joined.technician_id) == ("Tina", technician.technician_id)
    assert (await technician.get(created.session.id)).state is SessionState.WAITING


async def test_five_wrong_tries_kill_a_code(technician: Technician, caplog: pytest.LogCaptureFixture) -> None:
    created = await technician.create()
    for wrong in _wrong(created.code, 5):
        assert await _refusal(AgentWire.join(technician.services, wrong)) == "code_refused"
    assert await _refusal(AgentWire.join(technician.services, created.code)) == "code_refused"
    alarms = [record for record in caplog.records if record.getMessage() == "join code died of wrong tries"]
    assert [vars(alarm)["sid"] for alarm in alarms] == [created.session.id]
    assert created.code[4:] not in caplog.text


async def test_four_wrong_tries_do_not(technician: Technician) -> None:
    created = await technician.create()
    for wrong in _wrong(created.code, 4):
        assert await _refusal(AgentWire.join(technician.services, wrong)) == "code_refused"
    assert (await AgentWire.join(technician.services, created.code)).sid == created.session.id


async def test_guesses_at_once_get_no_more_tries(technician: Technician) -> None:
    created = await technician.create()
    guesses = (AgentWire.join(technician.services, wrong) for wrong in _wrong(created.code, 20))
    refusals = await asyncio.gather(*map(_refusal, guesses))
    assert "" not in refusals
    assert await _refusal(AgentWire.join(technician.services, created.code)) == "code_refused"


async def test_wrong_used_dead_and_unknown_codes_get_one_answer(technician: Technician) -> None:
    used = await technician.create()
    agent = await AgentWire.join(technician.services, used.code)
    ended = await technician.create()
    await technician.end(ended.session.id)
    wrong = await technician.create()
    async with agent:
        codes = [
            used.code,
            ended.code,
            next(_wrong(wrong.code, 1)),
            _unused(used.code, ended.code, wrong.code),
        ]
        details = set()
        for code in codes:
            with pytest.raises(CodeRefused) as refusal:
                await AgentWire.join(technician.services, code)
            details.add((refusal.value.code, refusal.value.detail))
        assert len(details) == 1


async def test_an_ended_sessions_code_place_is_free_again(technician: Technician) -> None:
    """Deleting a code takes only the session's own: the place may be another's by then."""
    ended = await technician.create()
    await technician.end(ended.session.id)
    other = await technician.create()
    assert (await AgentWire.join(technician.services, other.code)).sid == other.session.id


async def test_only_a_real_key_can_join(technician: Technician) -> None:
    created = await technician.create()
    request = Join(code=created.code, agent_key="U" + "A" * 55)
    with pytest.raises(InvalidMessage):
        await rpc.call(technician.services, subjects.Service.SESSION_JOIN, request, Joined)
    assert (await AgentWire.join(technician.services, created.code)).sid == created.session.id


async def test_a_stolen_ticket_is_nothing_without_its_key(technician: Technician) -> None:
    _, agent = await technician.in_session()
    with pytest.raises(TicketRefused):
        await agent.connect("control", seed=secrets.token_bytes(32))
    async with agent:
        await agent.hello()


async def test_the_first_connection_binds_the_session_to_its_key(technician: Technician) -> None:
    created = await technician.create()
    first = await AgentWire.join(technician.services, created.code)
    second = await AgentWire.join(technician.services, created.code)
    async with first:
        with pytest.raises(TicketRefused):
            await second.connect("control")
        await first.hello()
        with pytest.raises(CodeRefused):
            await AgentWire.join(technician.services, created.code)


async def test_of_two_keys_at_once_exactly_one_gets_in(technician: Technician) -> None:
    created = await technician.create()
    agents = [await AgentWire.join(technician.services, created.code) for _ in range(4)]
    outcomes = await asyncio.gather(*(_refusal(agent.connect("control")) for agent in agents))
    assert sorted(outcomes) == ["", "ticket_refused", "ticket_refused", "ticket_refused"]
    for agent in agents:
        await agent.__aexit__()


async def test_an_invented_ticket_opens_nothing(technician: Technician) -> None:
    _, agent = await technician.in_session()
    invented = agent.joined.model_copy(update={"ticket": secrets.token_urlsafe(32)})
    with pytest.raises(TicketRefused):
        await AgentWire(invented, agent.seed).connect("control")


async def test_a_ticket_opens_only_its_own_session(technician: Technician) -> None:
    """The agent names another session's subjects; its credential is for its own."""
    _, victim = await technician.in_session()
    _, agent = await technician.in_session()
    async with victim, agent:
        await victim.hello()
        agent.sid = victim.sid
        assert await _refusal(agent.chat("not mine")) == "unavailable"
        assert await technician.transcript(victim.sid) == []


async def test_a_code_lets_only_so_many_look(technician: Technician) -> None:
    created = await technician.create()
    agents = (AgentWire.join(technician.services, created.code) for _ in range(12))
    outcomes = [await _refusal(agent) for agent in agents]
    assert outcomes == [""] * 8 + ["code_refused"] * 4


async def test_codes_are_shown_once_and_stored_hashed(technician: Technician) -> None:
    created = await technician.create()
    assert created.code not in created.session.model_dump_json()
    assert created.code not in (await technician.get(created.session.id)).model_dump_json()


def _wrong(code: str, count: int) -> Iterator[str]:
    secret = int(code[4:])
    return (f"{code[:4]}{(secret + step) % 100_000:05d}" for step in range(1, count + 1))


def _unused(*codes: str) -> str:
    taken = {code[:4] for code in codes}
    return next(f"{locator:04d}00000" for locator in range(10_000) if f"{locator:04d}" not in taken)


async def _refusal(attempt: Awaitable[object]) -> str:
    """The code of the refusal, '' for none."""
    try:
        await attempt
    except BeistandError as error:
        return error.code
    return ""
