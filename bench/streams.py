"""Light agents (`python -m bench.streams GATEWAY BYTES RATE`): real connections, made-up pictures.

Each joins with a code, allows what is asked and sends frames by the agent's own pacing. Told {"join": name,
"code"} and {"leases": name}; tells `joined`, `live`, and `leases` with the times of the last ones sent.
"""

import asyncio
import secrets
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from agent.engine.key import DeviceKey
from agent.engine.pacing import Pacing
from beistand.conformance.case import Broken
from beistand.protocol import frames, subjects
from beistand.protocol.frames import Codec, Header
from beistand.protocol.messages import Joined, MediaDown
from bench.entry import look_up
from bench.workers import orders, tell
from tests.support.agent_wire import AgentWire

KEY_BYTES = 80_000
LEASE_EVERY_S = 1.0

T = TypeVar("T")


class Stream:
    """One device that shares its made-up screen for as long as it is asked to."""

    def __init__(self, name: str, wire: AgentWire, *, size: int, rate: float) -> None:
        self._name, self._wire = name, wire
        self._size, self._rate = size, rate
        self._grants: list[str] = []
        self._pacing = Pacing()
        self.leased: deque[int] = deque(maxlen=8)

    async def run(self) -> None:
        """Until the process is killed."""
        async with self._wire, asyncio.TaskGroup() as tasks:
            await self._wire.hello()
            tell(joined=self._name)
            for work in (self._allow(), self._lease(), self._credit(), self._send()):
                tasks.create_task(work)

    async def _allow(self) -> None:
        while True:
            ask = await _patiently(self._wire.question)
            await self._wire.answer(*ask)
            self._pacing = Pacing()
            self._grants = [ask[0].request_id]
            await self._tell_lease()
            tell(live=self._name, grant=ask[0].request_id)

    async def _lease(self) -> None:
        await asyncio.sleep(secrets.randbelow(1000) / 1000 * LEASE_EVERY_S)
        while True:
            await self._tell_lease()
            await asyncio.sleep(LEASE_EVERY_S)

    async def _tell_lease(self) -> None:
        await self._wire.lease(*self._grants)
        if self._grants:
            self.leased.append(time.time_ns())

    async def _credit(self) -> None:
        while True:
            credit = await _patiently(lambda: self._wire.next(MediaDown))
            self._pacing.credit(credit.shown, wants_key=credit.key_frame, now=time.monotonic())

    async def _send(self) -> None:
        payload = secrets.token_bytes(KEY_BYTES)
        await asyncio.sleep(secrets.randbelow(1000) / 1000 / self._rate)
        while True:
            await asyncio.sleep(1 / self._rate)
            now = time.monotonic()
            key = self._pacing.wants_key(now)
            if not self._grants or not self._pacing.takes(key=key):
                self._pacing.settle(now)
                continue
            seq = self._pacing.sent(KEY_BYTES if key else self._size, key=key, now=now)
            header = Header(Codec.H264, key, True, 0, seq, int(now * 1e6), 1920, 1080, 0)  # noqa: FBT003
            subject = subjects.media(self._wire.org, self._wire.sid, self._grants[0])
            for chunk in frames.chunks(header, payload if key else payload[: self._size]):
                await self._wire.clients["media"].publish(subject, chunk)


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """`AgentWire` gives up after some seconds, as a test would; a stream waits on."""
    while True:
        try:
            return await ask()
        except (TimeoutError, Broken):
            continue


async def _joined(gateway: str, code: str) -> tuple[Joined, bytes]:
    key = DeviceKey.generate()
    return await look_up(gateway, code, key.agent_key), key.seed


async def main(gateway: str, size: int, rate: float) -> None:
    """Do as told until stdin ends."""
    streams: dict[str, Stream] = {}
    async with asyncio.TaskGroup() as tasks:
        async for order in orders():
            match order:
                case {"join": name, "code": code}:
                    joined, seed = await _joined(gateway, code)
                    streams[name] = Stream(name, AgentWire(joined, seed), size=size, rate=rate)
                    tasks.create_task(streams[name].run())
                case {"leases": name}:
                    tell(leases=name, sent=list(streams[name].leased))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
