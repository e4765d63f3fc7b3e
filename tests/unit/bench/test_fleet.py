"""A lean device speaks enough NATS, however the bytes come, and waits as the agent waits."""

import asyncio
import base64
import json

import pytest

from beistand.bus.callout import _check_signature  # the door's own check of what a client proves
from beistand.protocol import ids
from bench.fleet import FIRST_PAUSE_S, LONGEST_PAUSE_S, Device, Fleet, Identity, Wire, pause

pytestmark = pytest.mark.unit

SAID = (
    b'INFO {"nonce":"abc"}\r\n'
    b"PING\r\nPONG\r\n"
    b"MSG bst.devdown.o.d.call 1 6\r\nPING\r\n\r\n"
    b"HMSG s 1 4 11\r\nabcdINFO {}\r\n\r\n"
    b'INFO {"cluster":"x"}\r\n+OK\r\n'
)


class Written(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.data += bytes(data)

    def is_closing(self) -> bool:
        return False


def device(number: int = 7) -> Device:
    found = Device(Identity(number), ("127.0.0.1", 1), "demo", lambda _: None)
    found.number = 3
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_what_is_heard_is_understood_in_pieces_of_any_size(size: int) -> None:
    wire, written = Wire(one := device()), Written()
    wire.connection_made(written)
    for start in range(0, len(SAID), size):
        wire.data_received(SAID[start : start + size])
    assert wire.signed_in.done()
    assert one.heard == 2, "a payload is stepped over, whatever stands in it"
    assert written.data.count(b"PONG\r\n") == 1
    assert written.data.count(b"CONNECT ") == 1


async def test_it_signs_in_as_the_door_wants_it() -> None:
    one = device()
    connect, *subscriptions = one.sign_in("abc").decode().splitlines()
    offered = json.loads(connect.removeprefix("CONNECT "))
    _check_signature(offered["nkey"], offered["sig"], "abc")
    assert base64.urlsafe_b64decode(offered["sig"] + "==")
    assert offered["auth_token"] == f"device.demo.{ids.device_id(offered['nkey'])}.3"
    assert offered["name"] == "device"
    assert subscriptions == [
        f"SUB bst.devdown.demo.{one.device_id}.> 1",
        f"SUB _INBOX.{one.device_id}.> 2",
        "PING",
    ]


async def test_every_attempt_shows_a_higher_number() -> None:
    one = device()
    assert not await one._once()  # nobody listens at port 1
    assert (one.number, one.attempts) == (4, 1)


def test_the_same_device_is_the_same_in_every_process() -> None:
    assert Identity(5).key == Identity(5).key
    assert len({Identity(number).key for number in range(50)}) == 50


def test_waiting_grows_to_a_minute_and_is_spread() -> None:
    assert all(0 <= pause(0) <= FIRST_PAUSE_S for _ in range(50))
    late = [pause(40) for _ in range(200)]
    assert max(late) <= LONGEST_PAUSE_S
    assert max(late) - min(late) > LONGEST_PAUSE_S / 2


async def test_a_fleet_says_when_the_last_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Fleet("one", "nats://127.0.0.1:1", "demo")
    fleet.tasks = {number: asyncio.create_task(asyncio.sleep(0)) for number in range(2)}
    fleet._changed(1)
    assert capsys.readouterr().out == ""
    fleet._changed(1)
    assert json.loads(capsys.readouterr().out)["there"] == "one"
    await asyncio.gather(*fleet.tasks.values())
