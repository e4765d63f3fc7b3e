"""Lean enrolled devices (`python -m bench.fleet NAME URL ORG`): real sign-ins, nothing behind them.

Each is a socket that speaks NATS: signs the nonce with its key, shows its connection number, listens, beats.
A lost connection is tried again as the agent does it, with a number raised by one. Told {"start": [first,
end]}, {"leave": [first, end]} and {"count": NAME}; tells `there` whenever all that should be are connected.
"""

import asyncio
import base64
import hashlib
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import nkeys

from beistand.protocol import ids, subjects
from beistand.protocol.messages import Beat
from beistand.protocol.subjects import DeviceUp
from beistand.runtime import settle_memory
from bench.workers import orders, tell

BEAT_EVERY_S = 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
SIGNED_IN_WITHIN_S = 10.0


@dataclass(frozen=True)
class Identity:
    """The `number`th device of a fleet; the same in every process."""

    number: int

    @property
    def seed(self) -> bytes:
        """Raw Ed25519."""
        return hashlib.sha256(f"bench device {self.number}".encode()).digest()

    def pair(self) -> Any:
        """The key as NATS uses it."""
        return nkeys.from_seed(nkeys.encode_seed(self.seed, nkeys.PREFIX_BYTE_USER))

    @property
    def key(self) -> str:
        """Public, in nkey form."""
        public: bytes = self.pair().public_key
        return public.decode()


class Wire(asyncio.Protocol):
    """One connection: signs in, answers pings, hands on what is heard."""

    def __init__(self, device: "Device") -> None:
        self._device = device
        self._rest = b""
        self._left = 0
        self.transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        self.signed_in: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        if isinstance(transport, asyncio.Transport):
            self.transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol; lines, and payloads to step over."""
        data = self._rest + data
        while data:
            if self._left:
                stepped = min(self._left, len(data))
                data, self._left = data[stepped:], self._left - stepped
                continue
            line, end, rest = data.partition(b"\r\n")
            if not end:
                break
            data = rest
            self._heard(line)
        self._rest = data

    def connection_lost(self, _error: Exception | None) -> None:
        """See asyncio.Protocol."""
        if not self.over.done():
            self.over.set_result(None)

    def say(self, line: bytes) -> None:
        """Write it, if there is still somebody to write to."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(line)

    def _heard(self, line: bytes) -> None:
        verb, _, rest = line.partition(b" ")
        match verb.upper():
            case b"INFO":
                self.say(self._device.sign_in(json.loads(rest).get("nonce", "")))
            case b"PING":
                self.say(b"PONG\r\n")
            case b"PONG" if not self.signed_in.done():
                self.signed_in.set_result(None)
            case b"MSG" | b"HMSG":
                self._device.heard += 1
                self._left = int(rest.split()[-1]) + 2


@dataclass
class Device:
    """One device and its attempts to be there."""

    identity: Identity
    address: tuple[str, int]
    org: str
    changed: Callable[[int], None]
    device_id: str = ""
    number: int = 0
    is_there: bool = False
    attempts: int = 0
    refused: int = 0
    heard: int = 0
    connected_at: int = 0
    _pair: Any = None

    def __post_init__(self) -> None:
        self._pair = self.identity.pair()
        self.device_id = ids.device_id(self.identity.key)

    def sign_in(self, nonce: str) -> bytes:
        """What a client says first."""
        if not nonce:
            return b""  # not the first INFO: the server tells of its cluster
        signature = base64.urlsafe_b64encode(self._pair.sign(nonce.encode())).rstrip(b"=")
        options = {
            "nkey": self.identity.key,
            "sig": signature.decode(),
            "auth_token": f"device.{self.org}.{self.device_id}.{self.number}",
            "name": "device",
            "lang": "bench",
            "version": "1",
            "protocol": 1,
            "verbose": False,
            "pedantic": False,
            "headers": True,
            "no_responders": True,
        }
        down = subjects.device_down_of(self.org, self.device_id)
        inbox = f"{subjects.inbox_prefix(self.device_id)}.>"
        text = f"CONNECT {json.dumps(options)}\r\nSUB {down} 1\r\nSUB {inbox} 2\r\nPING\r\n"
        return text.encode()

    async def run(self) -> None:
        """Be there until cancelled."""
        attempt = 0
        try:
            while True:
                attempt = 0 if await self._once() else attempt + 1
                await asyncio.sleep(pause(attempt))
        finally:
            self._set(is_there=False)

    async def _once(self) -> bool:
        """One connection, to its end; whether it came to be."""
        self.number += 1
        self.attempts += 1
        loop = asyncio.get_running_loop()
        try:
            _, wire = await loop.create_connection(lambda: Wire(self), *self.address)
        except OSError:
            return False
        try:
            waiting = {wire.signed_in, wire.over}
            await asyncio.wait(waiting, timeout=SIGNED_IN_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
            if not wire.signed_in.done():
                self.refused += 1
                return False
            self._set(is_there=True)
            await self._beat(wire)
            return True
        finally:
            self._set(is_there=False)
            if wire.transport is not None:
                wire.transport.abort()

    async def _beat(self, wire: Wire) -> None:
        beat = Beat().model_dump_json().encode()
        subject = subjects.device_up(self.org, self.device_id, DeviceUp.BEAT).encode()
        wait = random.uniform(0, BEAT_EVERY_S)
        while not (await asyncio.wait({wire.over}, timeout=wait))[0]:
            wire.say(b"PUB %b %d\r\n%b\r\n" % (subject, len(beat), beat))
            wait = BEAT_EVERY_S

    def _set(self, *, is_there: bool) -> None:
        if is_there != self.is_there:
            self.is_there = is_there
            self.connected_at = time.time_ns() if is_there else self.connected_at
            self.changed(1 if is_there else -1)


def pause(attempt: int) -> float:
    """Seconds before the next try: doubling, with full jitter, as the agent waits."""
    return random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempt, 16)))


@dataclass
class Fleet:
    """The devices of this process."""

    name: str
    url: str
    org: str
    devices: dict[int, Device] = field(default_factory=dict)
    tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    there: int = 0

    def start(self, first: int, end: int) -> None:
        """These are to be there from now on."""
        parts = urlsplit(self.url)
        address = (parts.hostname or "127.0.0.1", parts.port or 4222)
        for number in range(first, end):
            known = self.devices.get(number)
            device = known or Device(Identity(number), address, self.org, self._changed)
            self.devices[number] = device
            self.tasks[number] = asyncio.create_task(device.run(), name=f"device {number}")

    async def leave(self, first: int, end: int) -> None:
        """These are gone, without a word."""
        gone = [self.tasks.pop(number) for number in range(first, end)]
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        tell(left=self.name)

    def counts(self) -> None:
        """What came to pass so far."""
        found = self.devices.values()
        tell(
            counts=self.name,
            connected=sum(device.is_there for device in found),
            attempts=sum(device.attempts for device in found),
            refused=sum(device.refused for device in found),
            heard=sum(device.heard for device in found),
            at=sorted(device.connected_at for device in found if device.is_there),
        )

    def _changed(self, step: int) -> None:
        self.there += step
        if step > 0 and self.there == len(self.tasks):
            tell(there=self.name, count=self.there, at=time.time_ns())


async def main(name: str, url: str, org: str) -> None:
    """Do as told until stdin ends."""
    settle_memory()
    fleet = Fleet(name, url, org)
    async for order in orders():
        match order:
            case {"start": [first, end]}:
                fleet.start(first, end)
            case {"leave": [first, end]}:
                await fleet.leave(first, end)
            case {"count": _}:
                fleet.counts()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
