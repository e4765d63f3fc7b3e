"""Two thousand enrolled devices on one machine's stack: coming, being there, coming back after the broker.

Their enrolments are written to the store as the session service would keep them (two thousand attended
sessions would measure something else). From there on all is real: nats-server, the services, the sign-ins.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from beistand.bus.connection import connect
from beistand.bus.permissions import Bucket
from beistand.bus.settings import BusSettings
from beistand.bus.store import Store
from beistand.cli.stack import Stack, StackSettings
from beistand.protocol import ids, signing
from beistand.protocol.messages import DeviceEntry, DeviceList, DeviceState, DeviceView
from beistand.protocol.terms import DEFAULT_TERM, Technician, Terms
from bench.fleet import Identity
from bench.processes import Usage, usage
from bench.workers import Worker, worker

ORG = "beistand"
PROCESSES = 2
AT_ONCE = 100
"""Entries that are written at the same time."""
PATIENCE_S = 180.0
LOOK_EVERY_S = 0.5
SETTLE_S = 5.0
GOAL_S = 30.0

Row = dict[str, Any]


@dataclass
class Found:
    """What one run found: rows of figures by process, and single figures."""

    devices: int
    figures: Row = field(default_factory=dict)
    services: dict[str, Row] = field(default_factory=dict)

    def note(self, phase: str, rows: Mapping[str, Row]) -> None:
        """Keep what each process cost in this phase."""
        for name, row in rows.items():
            kept = self.services.setdefault(name, {})
            kept.update({f"{phase}: {key}": value for key, value in row.items()})


class Meter:
    """CPU and memory of the stack's processes over a phase."""

    def __init__(self, processes: Callable[[], Mapping[str, int]]) -> None:
        self._processes = processes
        self._before = self._now()
        self._at = time.monotonic()

    def rows(self) -> dict[str, Row]:
        """Since this was made; a process that is new since counts from its start."""
        seconds = time.monotonic() - self._at
        return {name: self._row(name, now, seconds) for name, now in self._now().items()}

    def _row(self, name: str, now: Usage, seconds: float) -> Row:
        before = self._before.get(name)
        is_same = before is not None and before.cpu_s <= now.cpu_s
        used = now.cpu_s - before.cpu_s if is_same and before is not None else now.cpu_s
        return {"CPU s": round(used, 2), "CPU %": round(100 * used / seconds, 2), "MiB": now.resident}

    def _now(self) -> dict[str, Usage]:
        return {name: usage(pid) for name, pid in self._processes().items()}


@dataclass
class Stage:
    """A stack, the workers that play its devices, and a technician who looks at the list."""

    stack: Stack
    fleets: list[Worker]
    technician: httpx.AsyncClient
    share: int
    """Devices of each worker: the first has 0 to share, the next from there on."""

    def processes(self) -> dict[str, int]:
        """The stack's, by name."""
        server = self.stack.server._process
        found = {name: process.pid for name, process in self.stack.processes.items()}
        return found if server is None else {"nats-server": server.pid, **found}

    async def start(self) -> float:
        """All devices come at once; seconds until the last was there."""
        begun = time.time_ns()
        for number, fleet in enumerate(self.fleets):
            fleet.say(start=[number * self.share, (number + 1) * self.share])
        return await self.all_there(begun)

    async def all_there(self, since: int) -> float:
        """Seconds from `since` (ns) until every device that should be is connected."""
        there = [
            await fleet.hears("there", f"fleet-{number}", patience=PATIENCE_S)
            for number, fleet in enumerate(self.fleets)
        ]
        last: int = max(news["at"] for news in there)
        return round((last - since) / 1e9, 2)

    async def counts(self) -> Row:
        """What the fleets counted, together."""
        total: Row = {"connected": 0, "attempts": 0, "refused": 0}
        for number, fleet in enumerate(self.fleets):
            fleet.say(count=f"fleet-{number}")
            told = await fleet.hears("counts", f"fleet-{number}")
            total = {key: value + told[key] for key, value in total.items()}
        return total

    async def listed(self) -> DeviceList:
        """The list as a technician gets it, all pages of it."""
        items: list[DeviceView] = []
        after: dict[str, str] | None = {}
        while after is not None:
            answer = await self.technician.get("/v1/devices", params={"limit": "200", **after})
            page = DeviceList.model_validate_json(answer.raise_for_status().content)
            items += page.items
            after = {"after": page.next} if page.next else None
        return DeviceList(items=tuple(items))

    async def right_after(self, expected: set[str], *, patience: float = PATIENCE_S) -> float | None:
        """Seconds until the list says online of exactly these; None if it never does."""
        begun = time.monotonic()
        while time.monotonic() - begun < patience:
            online = {device.id for device in (await self.listed()).items if device.online}
            if online == expected:
                return round(time.monotonic() - begun, 2)
            await asyncio.sleep(LOOK_EVERY_S)
        return None


async def measure(*, devices: int, seconds: float, out: Path) -> Found:
    """`devices` come, stay for `seconds`, some leave, the broker restarts, and the others come back."""
    found = Found(devices)
    async with AsyncExitStack() as scene:
        stage = await _staged(scene, devices, out)
        everybody = [ids.device_id(Identity(number).key) for number in range(devices)]
        await _come(stage, found, set(everybody))
        await _stay(stage, found, seconds)
        gone = await _leave(stage, found, everybody)
        await _restart(stage, found, set(everybody) - gone)
    return found


async def _staged(scene: AsyncExitStack, devices: int, out: Path) -> Stage:
    state = scene.enter_context(tempfile.TemporaryDirectory(prefix="beistand-bench-"))
    stack = await scene.enter_async_context(Stack(StackSettings.on_free_ports(Path(state))))
    await _enrol(stack, devices)
    print(f"  {devices} devices are enrolled", flush=True)
    fleets = [
        await scene.enter_async_context(
            worker("bench.fleet", f"fleet-{number}", stack.server.url, ORG, log=out / "fleet.log")
        )
        for number in range(PROCESSES)
    ]
    technician = httpx.AsyncClient(base_url=stack.gateway_url, timeout=30)
    scene.push_async_callback(technician.aclose)
    body = {"username": stack.user, "password": stack.password}
    token = (await technician.post("/v1/auth/token", json=body)).raise_for_status().json()["access_token"]
    technician.headers["authorization"] = f"Bearer {token}"
    return Stage(stack, fleets, technician, devices // PROCESSES)


async def _enrol(stack: Stack, devices: int) -> None:
    settings = BusSettings(nats_url=stack.server.url, keys=stack.keys)
    client = await connect(settings, "session", purpose="bench")
    try:
        store = await Store.open(client, Bucket.DEVICES, DeviceEntry)
        entries = [_entry(number) for number in range(devices)]
        for first in range(0, devices, AT_ONCE):
            some = entries[first : first + AT_ONCE]
            await asyncio.gather(*(store.create(f"{ORG}.{entry.device_id}", entry) for entry in some))
    finally:
        await client.close()


def _entry(number: int) -> DeviceEntry:
    now, key = datetime.now(UTC), Identity(number).key
    return DeviceEntry(
        org=ORG,
        device_id=ids.device_id(key),
        device_key=key,
        name=f"Desk {number:04}",
        platform="Linux",
        zone="Europe/Berlin",
        terms=Terms(until=now + DEFAULT_TERM),
        organisation_name="Bench",
        enrolled_at=now,
        enrolled_by=Technician(id="bench-technician-00000", name="Bench"),
        enrolment_hash=signing.hash_of(key),
        state=DeviceState.ENROLLED,
        changed_at=now,
    )


async def _come(stage: Stage, found: Found, everybody: set[str]) -> None:
    meter = Meter(stage.processes)
    found.figures["all connected at first, s"] = await stage.start()
    found.figures["list right after that, s"] = await stage.right_after(everybody)
    found.note("coming", meter.rows())
    found.figures["first storm"] = await stage.counts()
    print(f"  all there after {found.figures['all connected at first, s']} s", flush=True)


async def _stay(stage: Stage, found: Found, seconds: float) -> None:
    await asyncio.sleep(SETTLE_S)
    meter = Meter(stage.processes)
    await asyncio.sleep(seconds)
    found.note("idle", meter.rows())
    begun = time.monotonic()
    size = len((await stage.technician.get("/v1/devices")).content)
    found.figures["one list, ms"] = round(1000 * (time.monotonic() - begun), 1)
    found.figures["one list, kB"] = round(size / 1000, 1)


async def _leave(stage: Stage, found: Found, everybody: list[str]) -> set[str]:
    """One in twenty is gone; whose ids."""
    leaving = max(1, len(everybody) // 20)
    stage.fleets[0].say(leave=[0, leaving])
    await stage.fleets[0].hears("left", "fleet-0")
    gone = set(everybody[:leaving])
    found.figures["devices that left"] = leaving
    found.figures["list right after they left, s"] = await stage.right_after(set(everybody) - gone)
    return gone


async def _restart(stage: Stage, found: Found, still: set[str]) -> None:
    before = await stage.counts()
    meter = Meter(stage.processes)
    await stage.stack.server.stop()
    begun = time.time_ns()
    await stage.stack.server.start()
    found.figures["broker away, s"] = round((time.time_ns() - begun) / 1e9, 2)
    begun = time.time_ns()
    absorbed = await stage.all_there(begun)
    print(f"  all back after {absorbed} s", flush=True)
    found.figures["all connected after a restart of the broker, s"] = absorbed
    found.figures["list right after that again, s"] = await stage.right_after(still)
    found.note("restart", meter.rows())
    after = await stage.counts()
    found.figures["storm after the restart"] = {
        key: after[key] - before[key] for key in ("attempts", "refused")
    }
    states = [device.state for device in (await stage.listed()).items]
    found.figures["taken for copies of a key"] = states.count(DeviceState.CLONED)
    found.figures["in the list"] = len(states)
