"""The device's side of unattended access from the first yes to its end, without network and windows."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.port import Answer, Phase, Trouble
from agent.unattended.line import Address, Ears, Line
from agent.unattended.store import Store
from beistand.protocol import ids, signing
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError, Ended, Unavailable
from beistand.protocol.messages import DeviceState, Recorded, StandingUp
from beistand.protocol.records import (
    Cause,
    DecidedBy,
    Decision,
    End,
    Enrolment,
    Hello,
    Outcome,
    Revocation,
    Standby,
    Vouch,
    Why,
    Withdrawal,
)
from beistand.protocol.terms import Rule
from tests.support.person import Person
from tests.support.questions import an_id
from tests.support.standing import some_terms
from tests.support.unattended_stage import CODE, Stage, at_a_device, enrols

pytestmark = pytest.mark.unit


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_a_yes_enrols_this_device(stage: Stage, tmp_path: Path) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        [decision] = stage.of(Decision)
        [enrolment] = stage.of(Enrolment)
        assert (decision.outcome, decision.decided_by) == (Outcome.GRANTED, DecidedBy.PERSON)
        assert decision.device_key == enrolment.device_key
        assert enrolment.sid == ids.device_id(decision.device_key)
        assert decision.terms == enrolment.terms
        assert not any(view.indicator_wanted or view.accesses for view in person.seen)
        assert person.media.started == []
    found = Store(tmp_path).load()
    assert found is not None
    assert found.standing.enrolment == enrolment
    assert found.standing.kept.number == stage.numbers[-1]


async def test_a_no_enrols_nothing(stage: Stage, tmp_path: Path) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await person.joins(CODE)
        stage.ask("unattended", Capability.UNATTENDED, terms=some_terms())
        person.says(await person.question(), Answer.DENY)
        decision = await stage.has(Decision)
        assert (decision.outcome, decision.device_key) == (Outcome.DENIED, None)
    assert Store(tmp_path).load() is None


async def test_what_is_not_proven_stored_is_no_permission(stage: Stage, tmp_path: Path) -> None:
    stage.refuses_enrolment = True
    async with at_a_device(stage, tmp_path) as person:
        await person.joins(CODE)
        stage.ask("unattended", Capability.UNATTENDED, terms=some_terms())
        person.says(await person.question(), Answer.ALLOW)
        await person.sees(lambda view: view.problem == "forbidden")
        assert person.view.unattended is None
    assert not Store(tmp_path).folder.joinpath("device.key").exists()


async def test_a_technician_comes_in_and_gets_what_the_terms_cover(stage: Stage, tmp_path: Path) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        [enrolment] = stage.of(Enrolment)
        assert (await stage.call()).refused is None
        await person.sees(lambda view: view.phase is Phase.SESSION and view.is_unattended)
        assert person.view.visit_reason == "update"
        _vouched(stage.of(Hello)[-1], enrolment)

        stage.ask("view", Capability.VIEW)
        await person.sees(lambda view: [each.capability for each in view.accesses] == [Capability.VIEW])
        stage.ask("control", Capability.CONTROL)
        await person.sees(lambda view: len(view.accesses) == 2)
        assert not any(view.questions for view in person.seen[-20:] if view.is_unattended)
        for decision in stage.of(Decision)[-2:]:
            assert (decision.outcome, decision.decided_by) == (Outcome.GRANTED, DecidedBy.POLICY)
            assert decision.enrolment_hash is not None
        before = len(stage.of(Decision))
        stage.ask("more", Capability.UNATTENDED, terms=some_terms())
        stage.ask("bob", Capability.VIEW, technician_id=an_id("Bob"))
        await stage.has(Decision, count=before + 2)
        for decision in stage.of(Decision)[before:]:
            assert (decision.outcome, decision.decided_by) == (Outcome.DENIED, DecidedBy.POLICY)
            assert decision.enrolment_hash is None
        assert len(person.view.accesses) == 2


def _vouched(hello: Hello, enrolment: Enrolment) -> None:
    assert hello.vouch_jws is not None
    key = signing.public_key_of_agent(enrolment.device_key)
    vouch = signing.verify(hello.vouch_jws, key, Vouch)
    assert (vouch.sid, vouch.device_id, vouch.agent_key) == (hello.sid, enrolment.sid, hello.agent_key)


async def test_without_a_visible_indicator_policy_says_no(stage: Stage, tmp_path: Path) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        await stage.call()
        await person.sees(lambda view: view.phase is Phase.SESSION)
        person.shows_indicator = False
        stage.ask("view", Capability.VIEW)
        decision = await stage.has(Decision, count=2)
        assert (decision.outcome, decision.decided_by) == (Outcome.DENIED, DecidedBy.POLICY)
        assert person.media.started == []


async def test_in_an_attended_session_the_permission_answers_nothing(stage: Stage, tmp_path: Path) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        stage.joins = {"session_id": an_id("attended")}
        await person.joins(CODE)
        stage.ask("view", Capability.VIEW)
        assert (await person.question()).capability is Capability.VIEW
        assert (await stage.call()).refused is Rule.BUSY


async def test_the_end_is_told_until_it_is_seen(stage: Stage, tmp_path: Path) -> None:
    sid = an_id("visit")
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        await _comes_in(stage, person, sid=sid)
        assert person.view.visited == ()
        person.engine.confirm_end()
        assert person.gate.live_views() == ()
        await person.sees(lambda view: bool(view.visited))
        assert (await stage.has(End, count=2)).cause is Cause.END_SESSION
    async with at_a_device(stage, tmp_path) as person:
        [visit] = (await person.sees(lambda view: bool(view.visited))).visited
        assert (visit.id, visit.technician, visit.reason) == (sid, "Tina", "update")
        assert [used.capability for used in visit.used] == [Capability.VIEW]
        person.engine.seen(sid)
        await person.sees(lambda view: not view.visited)
    assert Store(tmp_path).visits() == ()


async def test_a_killed_agent_still_tells_of_the_visit(stage: Stage, tmp_path: Path) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        await _comes_in(stage, person)
        assert len(Store(tmp_path).visits()) == 1


async def _comes_in(stage: Stage, person: Person, sid: str | None = None) -> None:
    assert (await stage.call(sid=sid)).refused is None
    await person.sees(lambda view: view.phase is Phase.SESSION)
    stage.ask(f"view {len(stage.records)}", Capability.VIEW)
    await person.sees(lambda view: bool(view.accesses))


async def test_pausing_ends_it_here_before_anybody_hears(stage: Stage, tmp_path: Path) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        await _comes_in(stage, person)
        line = stage.lines[-1]
        person.engine.pause_unattended()
        assert person.gate.live_views() == ()
        await person.sees(lambda view: view.phase is Phase.ENDED)
        await person.sees(lambda view: view.unattended is not None and view.unattended.paused)
        await person.sees(lambda view: view.unattended is not None and not view.unattended.online)
        assert (await stage.has(Standby)).paused
        await line.is_cut()
    async with at_a_device(stage, tmp_path) as person:
        await person.sees(lambda view: view.unattended is not None and view.unattended.paused)
        number = stage.numbers[-1]
        person.engine.resume_unattended()
        await person.sees(lambda view: view.unattended is not None and view.unattended.online)
        assert stage.numbers[-1] > number
        assert not (await stage.has(Standby, count=2)).paused
        assert (await stage.call()).refused is None
    assert Store(tmp_path).waiting() == []


async def test_withdrawing_destroys_the_key_and_is_handed_over_later(stage: Stage, tmp_path: Path) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        await _comes_in(stage, person)
        stage.is_posting = False
        person.engine.withdraw_unattended()
        assert person.gate.live_views() == ()
        await person.sees(lambda view: view.unattended is None and view.phase is Phase.ENDED)
        assert not Store(tmp_path).folder.joinpath("device.key").exists()
    assert stage.of(Withdrawal) == []
    stage.is_posting = True
    async with at_a_device(stage, tmp_path):
        assert (await stage.has(Withdrawal)).why is Why.WITHDRAWN

    assert Store(tmp_path).load() is None


async def test_a_second_enrolment_replaces_the_first(stage: Stage, tmp_path: Path) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        await enrols(stage, person)
        first, second = stage.of(Enrolment)
        assert (await stage.has(Withdrawal)).sid == first.sid
    found = Store(tmp_path).load()
    assert found is not None
    assert found.standing.device_id == second.sid


@pytest.mark.parametrize(
    ("state", "trouble"),
    [(DeviceState.CLONED, Trouble.CLONED), (DeviceState.GIVEN_UP, Trouble.GIVEN_UP)],
)
async def test_when_the_server_says_it_is_over(
    stage: Stage, tmp_path: Path, state: DeviceState, trouble: Trouble
) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        await _comes_in(stage, person)
        stage.lines[-1].hears("gone", state)
        view = await person.sees(lambda view: view.troubles == (trouble,) and view.unattended is None)
        assert view.phase is Phase.ENDED
        assert person.gate.live_views() == ()
    assert Store(tmp_path).load() is None
    async with at_a_device(stage, tmp_path) as person:
        await person.sees(lambda view: view.troubles == (trouble,))
        person.engine.seen(trouble)
        await person.sees(lambda view: not view.troubles)


@pytest.mark.parametrize("state", [DeviceState.ENROLLED, DeviceState.PAUSED])
async def test_a_message_that_says_nothing_takes_nothing(
    stage: Stage, tmp_path: Path, state: DeviceState
) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        stage.lines[-1].hears("gone", state)
        assert (await stage.call()).refused is None


async def test_the_rules_refuse_and_say_which(stage: Stage, tmp_path: Path) -> None:
    tomorrow = (datetime.now(UTC).weekday() + 3) % 7
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person, days=(tomorrow,))
        assert (await stage.call()).refused is Rule.WRONG_DAY
        assert (await stage.call(who="Bob")).refused is Rule.WRONG_TECHNICIAN
        assert person.view.phase is Phase.CODE


async def test_terms_that_end_meanwhile_end_the_session(stage: Stage, tmp_path: Path) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    shift = timedelta()
    async with at_a_device(stage, tmp_path, wall=lambda: datetime.now(UTC) + shift) as person:
        await enrols(stage, person, until=until)
        await _comes_in(stage, person)
        shift = timedelta(days=2)
        view = await person.sees(lambda view: view.phase is Phase.ENDED)
        assert view.ended_cause is Cause.EXPIRED
        assert person.gate.live_views() == ()
        assert (await stage.has(End, count=2)).cause is Cause.EXPIRED
        assert stage.of(Revocation) == []
        await person.sees(lambda view: view.troubles == (Trouble.EXPIRED,) and view.unattended is None)
    async with at_a_device(stage, tmp_path) as person:
        view = await person.sees(lambda view: view.troubles == (Trouble.EXPIRED,))
        assert view.unattended is None


async def test_a_clock_turned_back_lets_nobody_in(stage: Stage, tmp_path: Path) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    shift = timedelta()
    async with at_a_device(stage, tmp_path, wall=lambda: datetime.now(UTC) + shift) as person:
        await enrols(stage, person, until=until)
        shift = timedelta(days=2)
        assert (await stage.call()).refused is Rule.EXPIRED
        shift = timedelta(days=-300)
        assert (await stage.call()).refused is Rule.EXPIRED
    async with at_a_device(stage, tmp_path) as person:
        await person.sees(lambda view: view.troubles == (Trouble.EXPIRED,))


@pytest.mark.parametrize(
    "otherwise",
    [
        {"org": "other"},
        {"session_id": an_id("another")},
        {"technician_id": an_id("Bob")},
        {"consent_key": "k" * 43},
    ],
)
async def test_a_call_into_another_session_comes_to_nothing(
    stage: Stage, tmp_path: Path, otherwise: dict[str, str]
) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        links = len(stage.links)
        call = stage.look_up

        async def look_up(code: str, agent_key: str) -> object:
            stage.joins = {**stage.joins, **otherwise}
            return await call(code, agent_key)

        person.engine._look_up = look_up  # type: ignore[assignment]
        await stage.call()
        await person.sees(lambda view: view.phase is Phase.JOINING or not view.is_unattended)
        await person.sees(lambda view: view.phase is Phase.CODE)
        assert len(stage.links) == links
        assert person.view.visited == ()


async def test_a_permission_that_was_edited_is_none(stage: Stage, tmp_path: Path) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
    numbers = len(stage.numbers)
    file = Store(tmp_path).folder / "standing.json"
    file.write_bytes(file.read_bytes().replace(b"Acme", b"Evil"))
    async with at_a_device(stage, tmp_path) as person:
        view = await person.sees(lambda view: view.troubles == (Trouble.UNREADABLE,))
        assert view.unattended is None
    assert len(stage.numbers) == numbers


async def test_a_key_taken_away_beside_the_agent_ends_it(stage: Stage, tmp_path: Path) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        await _comes_in(stage, person)
        Store(tmp_path).destroy()
        await person.sees(lambda view: view.phase is Phase.ENDED)
        await person.sees(lambda view: view.unattended is None and not view.troubles)
    assert not Store(tmp_path).folder.joinpath("standing.json").exists()


@pytest.mark.parametrize("says", [Ended, Unavailable])
async def test_refused_again_and_again_the_gateway_is_asked(
    stage: Stage, tmp_path: Path, says: type[BeistandError]
) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    post = stage.post

    async def answers(gateway: str, record: StandingUp) -> Recorded:
        loop.call_soon_threadsafe(asked.set)
        if says is Ended:
            raise says
        return await post(gateway, record)

    stage.post = answers  # type: ignore[method-assign]
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        line = stage.lines[-1]
        line.is_silent = True
        line.loop.call_soon_threadsafe(line.ears._host.refused_often)  # type: ignore[attr-defined]
        await asyncio.wait_for(asked.wait(), 10)
        if says is Ended:
            await person.sees(lambda view: view.troubles == (Trouble.GIVEN_UP,))
            assert not Store(tmp_path).has_key()
            return
        await stage.has(Standby)
    assert Store(tmp_path).load() is not None


async def test_a_number_is_on_disk_before_it_is_shown(stage: Stage, tmp_path: Path) -> None:
    shown: list[tuple[int, int]] = []
    inner = stage.dial_device

    async def dial(address: Address, ears: Ears) -> Line:
        found = Store(tmp_path).load()
        shown.append((address.number, found.standing.kept.number if found else -1))
        return await inner(address, ears)

    stage.dial_device = dial  # type: ignore[method-assign,assignment]
    for _ in range(3):
        async with at_a_device(stage, tmp_path) as person:
            if not shown:
                await enrols(stage, person)
            await person.sees(lambda view: view.unattended is not None and view.unattended.online)
    assert shown == [(1, 1), (2, 2), (3, 3)]


async def test_without_a_place_to_keep_it_no_number_is_shown(stage: Stage, tmp_path: Path) -> None:
    async with at_a_device(stage, tmp_path) as person:
        await enrols(stage, person)
        draft = Store(tmp_path).folder / ".standing.json.part"
        draft.mkdir()
        stage.lines[-1].hears("lost")
        await person.sees(lambda view: view.unattended is not None and not view.unattended.online)
        # Nor can a pause be kept: then there is nothing to be paused any more.
        person.engine.pause_unattended()
        await person.sees(lambda view: view.unattended is None and view.troubles == (Trouble.UNREADABLE,))
    assert len(stage.numbers) == 1
    assert Store(tmp_path).load() is None
