"""An enrolled device's one connection to the bus outside of sessions. Knows nothing of rules or windows."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from nats.aio.client import Client
from nats.aio.msg import Msg

from beistand.bus import rpc
from beistand.bus.agent import connect_device
from beistand.bus.connection import UNREACHABLE
from beistand.protocol import subjects
from beistand.protocol.errors import BeistandError, InvalidMessage, Unavailable
from beistand.protocol.messages import (
    Call,
    DeviceGone,
    DeviceState,
    Message,
    Recorded,
    StandingUp,
    parse,
)
from beistand.protocol.subjects import DeviceDown, DeviceUp

log = logging.getLogger(__name__)

CHECK_WITHIN_S = 5
REQUEST_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Address:
    """Where a device connects, and as what; `number` is higher at every attempt."""

    urls: tuple[str, ...]
    org: str
    device_id: str
    number: int
    seed: bytes


class Ears(Protocol):
    """Who listens to a line, on its event loop. None of these blocks."""

    def called(self, call: Call) -> None:
        """A technician wants to come in."""

    def gone(self, state: DeviceState) -> None:
        """The enrolment is over on the server's side."""

    def lost(self) -> None:
        """The connection is gone, for good."""


class Line(Protocol):
    """An open connection."""

    async def say(self, verb: DeviceUp, message: Message) -> None:
        """Publish, or Unavailable."""

    async def send(self, record: StandingUp) -> Recorded:
        """A record of the device's chain: the answer, or the BeistandError it names, or Unavailable."""

    async def check(self) -> None:
        """A round trip; Unavailable if the line is none any more."""

    async def close(self) -> None:
        """Nobody is told of it."""


Dial = Callable[[Address, Ears], Awaitable[Line]]
"""One attempt: an open line, or TicketRefused, or Unavailable."""


async def dial(address: Address, ears: Ears) -> Line:
    """The real thing: a `Dial` over NATS."""
    line = _NatsLine(address, ears)
    try:
        await line.open(address)
    except UNREACHABLE as error:
        await line.close()
        raise Unavailable from error
    except BaseException:
        await line.close()
        raise
    return line


class _NatsLine:
    """See `Line`."""

    def __init__(self, address: Address, ears: Ears) -> None:
        self._org, self._device_id = address.org, address.device_id
        self._ears: Ears | None = ears
        self._client: Client | None = None

    async def open(self, address: Address) -> None:
        """Connect and listen."""
        self._client = await connect_device(
            address.urls,
            org=address.org,
            device_id=address.device_id,
            number=address.number,
            seed=address.seed,
            on_closed=self._closed,
        )
        await self._client.subscribe(subjects.device_down_of(self._org, self._device_id), cb=self._down)
        await self._client.flush(CHECK_WITHIN_S)

    async def say(self, verb: DeviceUp, message: Message) -> None:
        """See `Line`."""
        await rpc.publish(self._connected(), subjects.device_up(self._org, self._device_id, verb), message)

    async def send(self, record: StandingUp) -> Recorded:
        """See `Line`."""
        subject = subjects.device_up(self._org, self._device_id, DeviceUp.RECORD)
        return await rpc.request(self._connected(), subject, record, Recorded, timeout=REQUEST_TIMEOUT_S)

    async def check(self) -> None:
        """See `Line`."""
        try:
            await self._connected().flush(CHECK_WITHIN_S)
        except UNREACHABLE as error:
            raise Unavailable from error

    async def close(self) -> None:
        """See `Line`."""
        self._ears = None
        if self._client is not None:
            await self._client.close()

    def _connected(self) -> Client:
        if self._client is None:
            raise Unavailable
        return self._client

    async def _closed(self) -> None:
        if self._ears is not None:
            self._ears.lost()

    async def _down(self, message: Msg) -> None:
        verb = message.subject.rpartition(".")[2]
        try:
            self._hear(verb, message.data)
        except BeistandError as error:
            log.warning("refused", extra={"kind": "device", "code": error.code})

    def _hear(self, verb: str, data: bytes) -> None:
        if self._ears is None:
            return
        if verb == DeviceDown.CALL:
            self._ears.called(parse(Call, data))
        elif verb == DeviceDown.GONE:
            self._ears.gone(parse(DeviceGone, data).state)
        else:
            raise InvalidMessage("Unknown kind of message.")
