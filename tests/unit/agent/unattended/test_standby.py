"""Being there: when the next attempt comes, and what an idle device does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent.unattended import backoff
from agent.unattended.delivery import Delivery
from agent.unattended.line import Address, Ears
from agent.unattended.standby import BEAT_EVERY_S, LOOK_EVERY_S, Standby
from agent.unattended.store import Store, waiting_for
from beistand.protocol.errors import BadSignature, BeistandError, Ended, TicketRefused, Unavailable
from beistand.protocol.messages import Call, DeviceState, Message, Recorded, StandingUp
from beistand.protocol.records import Why
from beistand.protocol.subjects import DeviceUp
from tests.support.person import PATIENCE_S, until
from tests.support.questions import ORG
from tests.support.standing import ADevice

pytestmark = pytest.mark.unit
DEVICE = ADevice()


class FakeLine:
    """A line that a test cuts."""

    def __init__(self, ears: Ears) -> None:
        self.ears = ears
        self.is_cut = False

    async def say(self, verb: DeviceUp, message: Message) -> None:  # noqa: ARG002
        if self.is_cut:
            raise Unavailable

    async def send(self, record: StandingUp) -> Recorded:  # noqa: ARG002
        raise Unavailable

    async def check(self) -> None:
        if self.is_cut:
            raise Unavailable

    async def close(self) -> None:
        self.is_cut = True


class World(Standby):
    """A device in a world where waiting costs no time: what it waits for is written down."""

    def __init__(self, door: list[type[BeistandError] | float]) -> None:
        self.now = 0.0
        self.door = door
        """One after the other: how an attempt is refused, or for how long it is let in."""
        self.pauses: list[float] = []
        self.number = self.asked_otherwise = 0
        self.is_over = asyncio.Event()
        super().__init__(self, self.connect, chance=lambda: 1.0, monotonic=lambda: self.now)

    async def connect(self, address: Address, ears: Ears) -> FakeLine:
        assert address.number == self.number
        if not self.door:
            self.is_over.set()
            await asyncio.Event().wait()
        answer = self.door.pop(0)
        if not isinstance(answer, float):
            raise answer
        self.stays = answer
        return FakeLine(ears)

    async def _rest(self, seconds: float, *, until: asyncio.Event | None = None) -> bool:
        if until is None:
            self.pauses.append(seconds)
            self.now += seconds
            return False
        self.now += min(seconds, self.stays)
        self.stays -= min(seconds, self.stays)
        if self.stays <= 0:
            until.set()
        return False

    def next_address(self) -> Address:
        self.number += 1
        return Address(("nats://127.0.0.1",), ORG, DEVICE.device_id, self.number, DEVICE.seed)

    def connected(self, line: Any) -> None:
        pass

    def disconnected(self, line: Any) -> None:
        pass

    def refused_often(self) -> None:
        self.asked_otherwise += 1

    def looked(self) -> None:
        pass

    def called(self, call: Call) -> None:
        pass

    def gone(self, state: DeviceState) -> None:
        pass


async def test_refused_again_and_again_it_asks_another_way_once() -> None:
    world = await _lived(*[TicketRefused] * (backoff.REFUSED_OFTEN + 5))
    assert world.asked_otherwise == 1
    assert (await _lived(*[Unavailable] * 50)).asked_otherwise == 0


async def _pauses(*door: type[BeistandError] | float) -> list[float]:
    return (await _lived(*door)).pauses


async def _lived(*door: type[BeistandError] | float) -> World:
    world = World(list(door))
    running = asyncio.ensure_future(world.run())
    await asyncio.wait_for(world.is_over.wait(), PATIENCE_S)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return world


async def test_attempts_become_rarer_and_begin_anew_after_a_good_connection() -> None:
    assert await _pauses(Unavailable, Unavailable, Unavailable, 3600.0, Unavailable) == [8, 16, 32, 4, 8]


async def test_a_server_that_cuts_off_at_once_is_not_hammered() -> None:
    assert await _pauses(1.0, 1.0, 1.0) == [8, 16, 32]


async def test_often_refused_it_asks_seldom_and_never_stops() -> None:
    pauses = await _pauses(*[TicketRefused] * (backoff.REFUSED_OFTEN + 5), 3600.0)
    assert pauses[backoff.REFUSED_OFTEN - 1 : -1] == [backoff.SELDOM_S] * 6
    assert pauses[-1] == backoff.FIRST_S


async def test_no_server_is_no_refusal() -> None:
    pauses = await _pauses(*[Unavailable] * 50)
    assert max(pauses) == backoff.LONGEST_S


def test_an_idle_device_looks_up_twice_a_minute_at_most() -> None:
    assert LOOK_EVERY_S >= 30
    assert BEAT_EVERY_S >= 60


# --- handing over --------------------------------------------------------------------------------------


class Door:
    """The gateway's public door, answering as a test says."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.says: list[type[BeistandError] | None] = []

    async def post(self, gateway: str, record: StandingUp) -> Recorded:
        assert gateway == DEVICE.gateway
        says = self.says.pop(0) if self.says else None
        if says is not None:
            raise says
        self.taken.append(record.jws)
        return Recorded(entry_jws=DEVICE.entry(record.jws))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
async def delivery(store: Store, door: Door) -> AsyncIterator[Delivery]:
    delivery = Delivery(store, post=door.post, line=lambda _: None, chance=lambda: -0.3)
    running = asyncio.ensure_future(delivery.run())
    yield delivery
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _records(store: Store) -> list[str]:
    """A pause and the withdrawal after it, both kept."""
    standing, pause = DEVICE.standing().switched(paused=True, key=DEVICE.key, device_time=DEVICE.enrolled_at)
    withdrawal = standing.withdrawn(Why.WITHDRAWN, key=DEVICE.key, device_time=DEVICE.enrolled_at)
    for record in (pause, withdrawal):
        store.keep(waiting_for(standing, record))
    return [pause.jws, withdrawal.jws]


async def _is_empty(store: Store) -> None:
    async def is_so() -> bool:
        return not store.waiting()

    await until(is_so)


async def test_records_are_handed_over_in_their_order(store: Store, door: Door, delivery: Delivery) -> None:
    door.says = [Unavailable, BadSignature, None, Unavailable]
    records = _records(store)
    delivery.wake()
    await _is_empty(store)
    assert door.taken == records


async def test_an_enrolment_that_is_over_settles_it(store: Store, door: Door, delivery: Delivery) -> None:
    door.says = [Ended, Ended]
    _records(store)
    delivery.wake()
    await _is_empty(store)
    assert door.taken == []


async def test_an_answer_that_proves_nothing_settles_nothing(store: Store, delivery: Delivery) -> None:
    standing = ADevice().standing()  # whose consent service is another
    record = standing.withdrawn(Why.WITHDRAWN, key=DEVICE.key, device_time=DEVICE.enrolled_at)
    store.keep(waiting_for(standing, record.model_copy(update={"device_id": DEVICE.device_id})))
    delivery.wake()
    assert not await delivery.hand_over()
    assert len(store.waiting()) == 1
