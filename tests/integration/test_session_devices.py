"""Enrolled devices over the real bus: the door, presence, calls, and every way it ends."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from beistand.bus import rpc
from beistand.bus.agent import connect_device
from beistand.bus.connection import connect
from beistand.bus.settings import BusSettings
from beistand.conformance.device import agent_key_of
from beistand.protocol import ids, messages, signing, subjects
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
    Ack,
    Beat,
    Call,
    CallAnswer,
    DeviceGone,
    DeviceList,
    DeviceListQuery,
    DeviceQuery,
    DeviceRecorded,
    DeviceState,
    DeviceView,
    OpenDevice,
    SessionState,
    SessionView,
)
from beistand.protocol.records import GENESIS, Enrolment, Hello, Standby, Vouch, Why, Withdrawal
from beistand.protocol.subjects import Service
from beistand.protocol.terms import Rule, Terms
from beistand.protocol.terms import Technician as Named
from services.session import devices, standing
from tests.support.agent_wire import AgentWire
from tests.support.core_services import Technician, new_id, until

pytestmark = pytest.mark.integration
WITHIN_S = 10.0


class Standing:
    """A device that stands ready: the wire and nothing else."""

    def __init__(self, url: str, org: str, consent: Client, **terms: Any) -> None:
        self.url, self.org, self.consent = url, org, consent
        self.seed = secrets.token_bytes(32)
        self.key = agent_key_of(self.seed)
        self.id = ids.device_id(self.key)
        self.number = self.seq = 0
        self.terms = Terms(**{"until": datetime.now(UTC) + timedelta(days=14)} | terms)
        self.enrolment = ""
        self.client: Client | None = None
        self.closed = asyncio.Event()
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self.gone: asyncio.Queue[DeviceGone] = asyncio.Queue()
        self.answers: bool = True
        self.refuses: Rule | None = None

    def record(self, kind: type[Any], **fields: Any) -> str:
        now = datetime.now(UTC)
        record = kind(org=self.org, sid=self.id, seq=self.seq, prev=GENESIS, device_time=now, **fields)
        self.seq += 1
        return signing.sign(record, self.seed)

    async def tell(self, jws: str) -> None:
        by = Named(id="t" * 22, name="Tina")
        said = DeviceRecorded(
            org=self.org, device_id=self.id, jws=jws, organisation_name="Acme", enrolled_by=by
        )
        await rpc.call(self.consent, Service.SESSION_DEVICE_RECORDED, said, Ack)

    async def enrol(self, name: str = "Till 1") -> None:
        self.seq = 0
        self.enrolment = self.record(
            Enrolment,
            device_key=self.key,
            device_name=name,
            platform="linux",
            zone="Europe/Berlin",
            language="de",
            session_id=new_id(),
            request_id=new_id(),
            decision_hash=GENESIS,
            terms=self.terms,
        )
        await self.tell(self.enrolment)

    async def connect(self, number: int | None = None) -> Client:
        self.number = number if number is not None else self.number + 1
        closed = asyncio.Event()

        async def gone() -> None:
            closed.set()

        client = await connect_device(
            [self.url], org=self.org, device_id=self.id, number=self.number, seed=self.seed, on_closed=gone
        )
        self.client, self.closed = client, closed
        await client.subscribe(subjects.device_down_of(self.org, self.id), cb=self._hear)
        await client.flush()
        return client

    async def _hear(self, message: Msg) -> None:
        if message.subject.endswith(".gone"):
            self.gone.put_nowait(messages.parse(DeviceGone, message.data))
            return
        call = messages.parse(Call, message.data)
        self.calls.put_nowait(call)
        if self.answers:
            answer = CallAnswer(session_id=call.session_id, refused=self.refuses)
            await self.say(subjects.DeviceUp.ANSWER, answer)

    async def say(self, verb: subjects.DeviceUp, message: messages.Message) -> None:
        assert self.client is not None
        await rpc.publish(self.client, subjects.device_up(self.org, self.id, verb), message)

    def vouch(self, sid: str, agent_key: str, **changes: Any) -> str:
        said = {
            "org": self.org,
            "sid": sid,
            "device_id": self.id,
            "device_key": self.key,
            "enrolment_hash": signing.hash_of(self.enrolment),
            "agent_key": agent_key,
            "vouched_at": datetime.now(UTC),
        }
        return signing.sign(Vouch(**said | changes), self.seed)


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
