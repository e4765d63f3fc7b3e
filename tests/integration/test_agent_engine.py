"""The engine without windows against real services on a real bus: what a person at the device can rely on."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from agent.port import Answer, Phase
from beistand.bus.connection import connect
from beistand.bus.settings import BusSettings
from beistand.protocol import messages, subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import (
    InputText,
    Lease,
    MediaDown,
    Party,
    RequestState,
    RequestView,
    SessionState,
)
from beistand.protocol.records import Cause
from tests.support.core_services import PATIENCE_S, Technician
from tests.support.person import Person, person_by_http, until

pytestmark = pytest.mark.integration


@pytest.fixture
async def person(services: Client) -> AsyncIterator[Person]:
    async with person_by_http(services) as person:
        yield person


@pytest.fixture
async def relay(bus_settings: BusSettings) -> AsyncIterator[Client]:
    client = await connect(bus_settings, "relay")
    yield client
    await client.close()


async def _join(technician: Technician, person: Person) -> str:
    created = await technician.create()
    await person.joins(created.code)
    return created.session.id


async def _becomes(technician: Technician, sid: str, request_id: str, state: RequestState) -> RequestView:
    async def is_so() -> bool:
        nonlocal found
        found = (await technician.requests(sid)).get(request_id)
        return found is not None and found.state is state

    found: RequestView | None = None
    await until(is_so)
    if found is None:
        raise LookupError
    return found


async def _ends(technician: Technician, sid: str) -> messages.SessionView:
    async def is_so() -> bool:
        return (await technician.get(sid)).state is SessionState.ENDED

    await until(is_so)
    return await technician.get(sid)


async def test_join_ask_allow_stop_ask_again_end(technician: Technician, person: Person) -> None:
    sid = await _join(technician, person)
    assert (person.view.organisation, person.view.technician) == ("Acme", "Tina")

    asked = await technician.ask(sid)
    first = await person.allows()
    assert first == asked.id
    assert person.gate.live_views() == (first,)
    assert person.media.started == [first]
    assert (await technician.requests(sid))[first].state is RequestState.LIVE

    person.engine.stop_sharing()
    assert person.gate.live_views() == ()  # before anything was sent
    stopped = await _becomes(technician, sid, first, RequestState.REVOKED)
    assert (stopped.closed_by, stopped.cause) == (Party.CUSTOMER, Cause.STOP_SHARING)
    await person.sees(lambda view: "sharing_stopped" in view.notices and not view.accesses)
    assert person.media.streams == {}

    await technician.ask(sid)
    second = await person.allows()
    assert second != first
    person.engine.ask_end()
    assert person.gate.live_views() == ()
    person.engine.confirm_end()
    view = await person.sees(lambda view: view.phase is Phase.ENDED)
    assert (view.ended_by, view.ended_cause, view.accesses) == (Party.CUSTOMER, Cause.END_SESSION, ())
    ended = await _ends(technician, sid)
    assert (ended.ended_by, ended.cause) == (Party.CUSTOMER, Cause.END_SESSION)
    assert (await _becomes(technician, sid, second, RequestState.REVOKED)).cause is Cause.END_SESSION


async def test_the_end_question_pauses_and_goes_on(
    technician: Technician, person: Person, relay: Client
) -> None:
    sid = await _join(technician, person)
    leases = await relay.subscribe(subjects.up(technician.org, sid, subjects.Up.LEASE))
    await relay.flush()
    await technician.ask(sid)
    view = await person.allows()
    person.engine.ask_end()
    assert not person.gate.may_capture(view)
    await person.sees(lambda seen: seen.confirming_end)
    await _hears(leases, Lease(grant_ids=(view,), paused=True))
    person.engine.cancel_end()
    assert person.gate.may_capture(view)
    await _hears(leases, Lease(grant_ids=(view,), paused=False))


async def _hears(subscription: object, lease: Lease) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async for message in subscription.messages:  # type: ignore[attr-defined]
            if messages.parse(Lease, message.data) == lease:
                return


async def test_control_needs_its_own_yes_and_stops_alone(
    technician: Technician, person: Person, relay: Client
) -> None:
    sid = await _join(technician, person)
    await technician.ask(sid)
    view = await person.allows()
    await _type(relay, technician, sid, view, "before the yes")
    await technician.ask(sid, Capability.CONTROL)
    control = await person.allows()
    await _type(relay, technician, sid, control, "Grüße")
    await _typed(person, "Grüße")

    person.engine.stop_control()
    assert not person.gate.may_inject(control)
    assert person.gate.may_capture(view)
    assert person.injector.releases
    await _type(relay, technician, sid, control, "after")
    await _becomes(technician, sid, control, RequestState.REVOKED)
    await person.sees(lambda seen: [access.capability for access in seen.accesses] == [Capability.VIEW])
    assert person.injector.typed == "Grüße"


async def _type(relay: Client, technician: Technician, sid: str, grant_id: str, text: str) -> None:
    subject = subjects.input_of_grant(technician.org, sid, grant_id)
    await relay.publish(subject, messages.encode(InputText(text=text)))
    await relay.flush()


async def _typed(person: Person, text: str) -> None:
    async def is_so() -> bool:
        return person.injector.typed == text

    await until(is_so)


async def test_pictures_leave_under_their_grant_only(
    technician: Technician, person: Person, relay: Client
) -> None:
    sid = await _join(technician, person)
    await technician.ask(sid)
    view = await person.allows()
    frames = await relay.subscribe(subjects.media(technician.org, sid, view))
    credit = MediaDown(grant_id=view, key_frame=True)
    await relay.publish(subjects.down(technician.org, sid, subjects.Down.MEDIA), messages.encode(credit))
    await relay.flush()

    async def has_credit() -> bool:
        return bool(person.media.credits)

    await until(has_credit)
    publish = person.media.streams[view]
    await asyncio.to_thread(publish, b"one")
    assert (await frames.next_msg(PATIENCE_S)).data == b"one"
    person.engine.stop_sharing()
    publish(b"after the stop")
    await _becomes(technician, sid, view, RequestState.REVOKED)
    await relay.flush()
    assert frames.pending_msgs == 0


async def test_deny_and_block(technician: Technician, person: Person) -> None:
    sid = await _join(technician, person)
    asked = await technician.ask(sid)
    person.says(await person.question(), Answer.BLOCK)
    await _becomes(technician, sid, asked.id, RequestState.DENIED)
    assert person.gate.live_views() == ()
    assert not any(view.indicator_wanted for view in person.seen)


async def test_without_a_visible_indicator_nothing_is_granted(technician: Technician, person: Person) -> None:
    sid = await _join(technician, person)
    person.shows_indicator = False
    asked = await technician.ask(sid)
    person.says(await person.question(), Answer.ALLOW)
    await person.sees(lambda view: view.indicator_wanted)
    await _becomes(technician, sid, asked.id, RequestState.DENIED)
    assert person.media.started == []


async def test_a_lost_indicator_ends_what_is_live(technician: Technician, person: Person) -> None:
    sid = await _join(technician, person)
    asked = await technician.ask(sid)
    await person.allows()
    person.engine.indicator_shown(visible=False)
    assert person.gate.live_views() == ()
    revoked = await _becomes(technician, sid, asked.id, RequestState.REVOKED)
    assert revoked.cause is Cause.INDICATOR_LOST


async def test_windows_that_hang_end_what_is_live(technician: Technician, person: Person) -> None:
    sid = await _join(technician, person)
    asked = await technician.ask(sid)
    await person.allows()
    person.shows_indicator = (
        False  # nothing is told any more: neither that the bar is seen nor that it is not
    )
    revoked = await _becomes(technician, sid, asked.id, RequestState.REVOKED)
    assert revoked.cause is Cause.INDICATOR_LOST
    assert person.gate.live_views() == ()


async def test_a_proven_bar_keeps_what_is_live(technician: Technician, person: Person) -> None:
    sid = await _join(technician, person)
    await technician.ask(sid)
    grant = await person.allows()
    [since] = [access.seconds_left for access in person.view.accesses]
    view = await person.sees(lambda seen: not seen.accesses or seen.accesses[0].seconds_left <= since - 4)
    assert [access.grant_id for access in view.accesses] == [grant]


async def test_the_technician_takes_back_and_hands_back(technician: Technician, person: Person) -> None:
    sid = await _join(technician, person)
    asked = await technician.ask(sid)
    await person.question()
    await technician.withdraw(sid, asked.id)
    await person.sees(lambda view: not view.questions and "request_withdrawn" in view.notices)

    await technician.ask(sid)
    view = await person.allows()
    await technician.withdraw(sid, view)
    await person.sees(lambda seen: not seen.accesses and "technician_gave_back" in seen.notices)
    assert not person.gate.is_open(view)


async def test_chat_goes_both_ways_without_any_grant(technician: Technician, person: Person) -> None:
    sid = await _join(technician, person)
    await technician.chat(sid, "Guten Tag")
    await person.sees(lambda view: [line.text for line in view.chat] == ["Guten Tag"])
    person.engine.send_chat("Hello")
    await person.sees(lambda view: view.chat[-1].text == "Hello" and view.chat[-1].delivered)
    assert await technician.transcript(sid) == ["Guten Tag", "Hello"]


async def test_the_technician_ends(technician: Technician, person: Person) -> None:
    sid = await _join(technician, person)
    await technician.ask(sid)
    await person.allows()
    await technician.end(sid)
    view = await person.sees(lambda view: view.phase is Phase.ENDED)
    assert (view.ended_by, view.ended_cause) == (Party.TECHNICIAN, Cause.TECHNICIAN)
    assert person.gate.live_views() == ()
    person.engine.start_over()
    await person.sees(lambda view: view.phase is Phase.CODE)
    await _join(technician, person)


async def test_a_wrong_code(technician: Technician, person: Person) -> None:
    created = await technician.create()
    wrong = f"{(int(created.code) + 1) % 10**9:09d}"
    person.engine.look_up(wrong)
    await person.sees(lambda view: view.phase is Phase.CODE and view.problem == "code_refused")
    await person.joins(f" {created.code[:3]} {created.code[3:6]} {created.code[6:]} ")
