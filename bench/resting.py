"""The real agent, enrolled by real clicks, at rest in its tray: CPU, traffic, memory and what that is."""

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from beistand.cli.stack import Stack, StackSettings
from beistand.protocol.messages import DeviceList
from beistand.protocol.terms import DEFAULT_TERM
from bench import counted
from bench.counted import Road
from bench.processes import resident_by_kind, usage
from bench.tray_host import TrayHost, tray
from demo.customer import customer
from demo.desktop import Desktop, desktop, stop

PATIENCE_S = 30.0
LOOK_EVERY_S = 0.25
SETTLE_S = 10.0
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Found:
    """Figures, and MiB by what they are."""

    figures: dict[str, Any]
    memory: dict[str, float]


@dataclass(frozen=True)
class Desk:
    """A stack whose road is counted, a desktop with a tray, and the technician's HTTP client."""

    stack: Stack
    road: Road
    screen: Desktop
    tray: TrayHost
    technician: httpx.AsyncClient
    folder: Path

    async def is_online(self) -> bool:
        """Whether the list has a device that is there."""
        answer = (await self.technician.get("/v1/devices")).raise_for_status()
        return any(device.online for device in DeviceList.model_validate_json(answer.content).items)

    async def is_offline(self) -> bool:
        """Whether no device is there."""
        return not await self.is_online()


async def measure(*, program: Sequence[str], seconds: float, out: Path) -> Found:
    """Enrol, end the session, start the agent as it starts at sign-in, and let it rest for `seconds`.

    `program` is the command `beistand`.
    """
    async with AsyncExitStack() as scene:
        desk = await _laid(scene, out)
        await _enrol(desk, program)
        print("  the agent is enrolled", flush=True)
        await _until(desk.is_offline)
        process = await scene.enter_async_context(_at_rest(desk, program, out))
        await _until(desk.is_online)
        await asyncio.sleep(SETTLE_S)
        return await _rest(desk, process.pid, seconds)


async def _laid(scene: AsyncExitStack, out: Path) -> Desk:
    state = Path(scene.enter_context(tempfile.TemporaryDirectory(prefix="beistand-bench-")))
    port = _free_port()
    road = await scene.enter_async_context(counted.road_to(HOST, port))
    settings = StackSettings.on_free_ports(state / "stack").model_copy(
        update={"nats_port": port, "agent_nats_urls": road.url}
    )
    stack = await scene.enter_async_context(Stack(settings))
    screen = await scene.enter_async_context(desktop(log=out / "desktop.log"))
    host = scene.enter_context(tray(screen.environment["DISPLAY"]))
    technician = httpx.AsyncClient(base_url=stack.gateway_url, timeout=PATIENCE_S)
    scene.push_async_callback(technician.aclose)
    body = {"username": stack.user, "password": stack.password}
    token = (await technician.post("/v1/auth/token", json=body)).raise_for_status().json()["access_token"]
    technician.headers["authorization"] = f"Bearer {token}"
    folder = state / "customer"
    folder.mkdir()
    return Desk(stack, road, screen, host, technician, folder)


async def _enrol(desk: Desk, program: Sequence[str]) -> None:
    """A real attended session, in which the person says yes with a click."""
    created = (await desk.technician.post("/v1/sessions")).raise_for_status().json()
    gateway = desk.stack.gateway_url
    async with customer(desk.screen, gateway=gateway, folder=desk.folder, program=program) as helped:
        await helped.joins(created["code"])
        until = (datetime.now(UTC) + DEFAULT_TERM).isoformat()
        terms = {"technician_ids": [], "until": until, "days": list(range(7)), "from_minute": 0}
        body = {"capability": "unattended", "reason": "measurement", "terms": {**terms, "to_minute": 24 * 60}}
        where = f"/v1/sessions/{created['id']}"
        (await desk.technician.post(f"{where}/requests", json=body)).raise_for_status()
        await helped.answers("consent-allow")
        await _until(desk.is_online)
        (await desk.technician.post(f"{where}/end")).raise_for_status()


@asynccontextmanager
async def _at_rest(
    desk: Desk, program: Sequence[str], out: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The agent as it starts at sign-in: no window, and nothing that a test would want to know from it."""
    options = ("--background", "--gateway", desk.stack.gateway_url, "--state", str(desk.folder / "agent"))
    with (out / "agent.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(*program, "agent", *options),
            env=desk.screen.environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        await stop(process)


async def _rest(desk: Desk, pid: int, seconds: float) -> Found:
    connections, carried = desk.road.connections, desk.road.bytes_on_the_wire
    before, begun = usage(pid), time.monotonic()
    await asyncio.sleep(seconds)
    after, passed = usage(pid), time.monotonic() - begun
    figures = {
        "seconds": round(passed, 1),
        "CPU, % of one core": after.since(before, seconds=passed),
        "on the wire with TCP/IP headers, B/s": round((desk.road.bytes_on_the_wire - carried) / passed, 1),
        "resident with its tray, MiB": after.resident,
        "of that nobody else's, MiB": after.own,
        "threads": after.threads,
        "icons in the tray": desk.tray.icons,
        "new connections meanwhile": desk.road.connections - connections,
    }
    return Found(figures, resident_by_kind(pid))


async def _until(question: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await question():  # noqa: ASYNC110  (what is asked lies in another process)
            await asyncio.sleep(LOOK_EVERY_S)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])
