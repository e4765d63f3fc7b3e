"""Enrolled devices over the real bus: the door, presence, calls, and every way it ends."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from nats.aio.client import Client

from beistand.bus import rpc
from beistand.bus.connection import connect
from beistand.bus.settings import BusSettings
from beistand.protocol import messages, signing, subjects
from beistand.protocol.errors import (
    BadSignature,
    BeistandError,
    DeviceOffline,
    NotFound,
    OutsideTerms,
    TicketRefused,
    WrongState,
)
from beistand.protocol.messages import (
    Beat,
    DeviceList,
    DeviceListQuery,
    DeviceQuery,
    DeviceState,
    DeviceView,
    OpenDevice,
    SessionState,
    SessionView,
)
from beistand.protocol.records import GENESIS, Hello, Standby, Why, Withdrawal
from beistand.protocol.subjects import Service
from beistand.protocol.terms import Rule
from beistand.protocol.terms import Technician as Named
from services.session import devices, standing
from tests.support.agent_wire import AgentWire
from tests.support.core_services import Technician, new_id, until
from tests.support.standing_wire import Standing

pytestmark = pytest.mark.integration
WITHIN_S = 10.0


@pytest.fixture
async def consent(bus_settings: BusSettings, technician: Technician) -> AsyncIterator[Client]:
    assert technician.services.is_connected
    client = await connect(bus_settings, "consent")
    yield client
    await client.close()


@pytest.fixture
async def device(
    bus_settings: BusSettings, technician: Technician, consent: Client
) -> AsyncIterator[Standing]:
    made = Standing(bus_settings.nats_url, technician.org, consent)
    await made.enrol()
    yield made
    if made.client is not None:
        await made.client.close()


async def _get(technician: Technician, device: Standing) -> DeviceView:
    query = DeviceQuery(actor=technician.actor, device_id=device.id)
    return await rpc.call(technician.services, Service.SESSION_DEVICE_GET, query, DeviceView)


async def _open(technician: Technician, device: Standing) -> SessionView:
    asked = OpenDevice(actor=technician.actor, device_id=device.id, reason="printer")
    return await rpc.call(technician.services, Service.SESSION_DEVICE_OPEN, asked, SessionView, timeout=8)


async def _give_up(technician: Technician, device: Standing) -> DeviceView:
    query = DeviceQuery(actor=technician.actor, device_id=device.id)
    return await rpc.call(technician.services, Service.SESSION_DEVICE_GIVE_UP, query, DeviceView)


async def _state(technician: Technician, device: Standing, state: DeviceState) -> None:
    async def is_so() -> bool:
        return (await _get(technician, device)).state is state

    await until(is_so)


async def _visit(technician: Technician, device: Standing) -> AgentWire:
    view = await _open(technician, device)
    call = await asyncio.wait_for(device.calls.get(), WITHIN_S)
    assert (call.session_id, call.reason) == (view.id, "printer")
    return await AgentWire.join(technician.services, call.code)


async def _hello(wire: AgentWire, vouch: str | None) -> None:
    record = Hello(
        org=wire.org,
        sid=wire.sid,
        seq=0,
        prev=GENESIS,
        device_time=datetime.now(UTC),
        agent_key=wire.agent_key,
        language="de",
        platform="linux",
        agent_version="1",
        vouch_jws=vouch,
    )
    signed = messages.SignedUp(type="hello", jws=signing.sign(record, wire.seed))
    subject = subjects.up(wire.org, wire.sid, subjects.Up.HELLO)
    await rpc.request(wire.clients["control"], subject, signed, messages.Recorded)


async def test_an_enrolled_device_is_there_and_then_not(technician: Technician, device: Standing) -> None:
    assert not (await _get(technician, device)).online
    client = await device.connect()
    view = await _get(technician, device)
    assert (view.online, view.name, view.enrolled_by) == (True, "Till 1", "Tina")
    await client.close()

    async def is_gone() -> bool:
        return not (await _get(technician, device)).online

    await until(is_gone)


async def test_a_device_that_was_thought_gone_is_back_with_its_beat(
    technician: Technician, device: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "OFFLINE_AFTER", timedelta(0))
    monkeypatch.setattr(devices, "LATE_WITHIN", timedelta(0))
    await device.connect()

    async def is_gone() -> bool:
        return not (await _get(technician, device)).online

    await until(is_gone)
    monkeypatch.undo()
    await device.say(subjects.DeviceUp.BEAT, Beat())
    monkeypatch.setattr(devices, "LATE_WITHIN", timedelta(0))

    async def is_back() -> bool:
        await device.say(subjects.DeviceUp.BEAT, Beat())
        return (await _get(technician, device)).online

    await until(is_back)


async def test_a_number_seen_before_ends_the_enrolment(technician: Technician, device: Standing) -> None:
    await device.connect(7)
    closed = device.closed
    with pytest.raises(TicketRefused):
        await device.connect(7)
    assert (await asyncio.wait_for(device.gone.get(), WITHIN_S)).state is DeviceState.CLONED
    await asyncio.wait_for(closed.wait(), WITHIN_S)
    await _state(technician, device, DeviceState.CLONED)
    with pytest.raises(TicketRefused):
        await device.connect(8)


async def test_coming_back_with_a_higher_number_is_no_copy(technician: Technician, device: Standing) -> None:
    await device.connect()
    first = device.closed
    await device.connect()
    await asyncio.wait_for(first.wait(), WITHIN_S)
    view = await _get(technician, device)
    assert (view.online, view.state) == (True, DeviceState.ENROLLED)


async def test_other_keys_and_organisations_stay_outside(device: Standing, technician: Technician) -> None:
    right, device.seed = device.seed, secrets.token_bytes(32)
    with pytest.raises(TicketRefused):
        await device.connect()
    device.seed, right_org, device.org = right, device.org, "elsewhere"
    with pytest.raises(TicketRefused):
        await device.connect()
    device.org = right_org
    stranger = Technician(technician.services, org=f"org-{new_id()[:8]}")
    with pytest.raises(NotFound):
        await _get(stranger, device)


async def test_a_device_comes_when_called(technician: Technician, device: Standing) -> None:
    await device.connect()
    wire = await _visit(technician, device)
    async with wire:
        with pytest.raises(BadSignature):
            await _hello(wire, None)
        with pytest.raises(BadSignature):
            await _hello(wire, device.vouch(wire.sid, device.key))
        with pytest.raises(BadSignature):
            await _hello(wire, device.vouch(new_id(), wire.agent_key))
        assert (await technician.get(wire.sid)).state is SessionState.WAITING
        await _hello(wire, device.vouch(wire.sid, wire.agent_key))
        session = await technician.get(wire.sid)
        assert (session.state, session.device_id, session.reason) == ("active", device.id, "printer")
        with pytest.raises(OutsideTerms, match="busy: "):
            await _open(technician, device)
        await _give_up(technician, device)
        assert (await technician.get(wire.sid)).state is SessionState.ENDED
        assert (await asyncio.wait_for(device.gone.get(), WITHIN_S)).state is DeviceState.GIVEN_UP
        await asyncio.wait_for(device.closed.wait(), WITHIN_S)
    with pytest.raises(WrongState):
        await device.enrol()
    with pytest.raises(OutsideTerms, match="given_up: "):
        await _open(technician, device)


async def test_of_two_technicians_at_once_one_wins(technician: Technician, device: Standing) -> None:
    await device.connect()
    other = Technician(technician.services, org=technician.org, name="Tom")
    came = await asyncio.gather(_open(technician, device), _open(other, device), return_exceptions=True)
    lost = [item for item in came if isinstance(item, BaseException)]
    assert [type(item) for item in lost] == [OutsideTerms]
    assert str(lost[0]).startswith("busy: ")
    assert device.calls.qsize() == 1


async def test_who_does_not_answer_is_offline(
    technician: Technician, device: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeviceOffline):
        await _open(technician, device)
    monkeypatch.setattr(standing, "CALL_WITHIN_S", 0.2)
    await device.connect()
    device.answers = False
    with pytest.raises(DeviceOffline):
        await _open(technician, device)
    call = await asyncio.wait_for(device.calls.get(), WITHIN_S)
    assert (await technician.get(call.session_id)).state is SessionState.ENDED
    device.answers, device.refuses = True, Rule.WRONG_DAY
    with pytest.raises(OutsideTerms, match="wrong_day: "):
        await _open(technician, device)


async def test_pause_and_withdrawal(technician: Technician, device: Standing) -> None:
    await device.connect()
    pause, go_on = device.record(Standby, paused=True), device.record(Standby, paused=False)
    await device.tell(pause)
    with pytest.raises(OutsideTerms, match="paused: "):
        await _open(technician, device)
    await device.tell(go_on)
    await device.tell(pause)  # said again, late
    assert (await _get(technician, device)).state is DeviceState.ENROLLED
    view = await _open(technician, device)
    await device.tell(device.record(Withdrawal, why=Why.WITHDRAWN))
    assert (await technician.get(view.id)).state is SessionState.ENDED
    await asyncio.wait_for(device.closed.wait(), WITHIN_S)
    assert (await _get(technician, device)).state is DeviceState.WITHDRAWN
    await device.tell(device.enrolment)  # replayed
    assert (await _get(technician, device)).state is DeviceState.WITHDRAWN
    with pytest.raises(TicketRefused):
        await device.connect()


async def test_outside_the_terms(bus_settings: BusSettings, technician: Technician, consent: Client) -> None:
    named = (Named(id=new_id(), name="Tom"),)
    device = Standing(bus_settings.nats_url, technician.org, consent, technicians=named)
    await device.enrol()
    with pytest.raises(OutsideTerms, match="wrong_technician: "):
        await _open(technician, device)
    assert (await _get(technician, device)).refused is Rule.WRONG_TECHNICIAN


async def test_a_list_comes_in_pages(
    bus_settings: BusSettings, technician: Technician, consent: Client
) -> None:
    for number in range(5):
        await Standing(bus_settings.nats_url, technician.org, consent).enrol(f"Till {number}")
    names: list[str] = []
    after: str | None = None
    while True:
        query = DeviceListQuery(actor=technician.actor, limit=2, after=after)
        page = await rpc.call(technician.services, Service.SESSION_DEVICE_LIST, query, DeviceList)
        names += [item.name for item in page.items]
        after = page.next
        if after is None:
            break
    assert names == [f"Till {number}" for number in range(5)]


async def test_a_storm_makes_no_copies(
    bus_settings: BusSettings, technician: Technician, consent: Client
) -> None:
    storm = [Standing(bus_settings.nats_url, technician.org, consent) for _ in range(100)]
    await asyncio.gather(*(device.enrol() for device in storm))

    async def comes(device: Standing) -> None:
        while True:
            try:
                await device.connect()
            except BeistandError:
                await asyncio.sleep(secrets.randbelow(1000) / 1000)
            else:
                return

    async with AsyncExitStack() as stack:
        await asyncio.wait_for(asyncio.gather(*map(comes, storm)), 60)
        for device in storm:
            assert device.client is not None
            stack.push_async_callback(device.client.close)
        query = DeviceListQuery(actor=technician.actor)
        page = await rpc.call(technician.services, Service.SESSION_DEVICE_LIST, query, DeviceList)
        assert {(item.state, item.online) for item in page.items} == {(DeviceState.ENROLLED, True)}
        assert len(page.items) == len(storm)
