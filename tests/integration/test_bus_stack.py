"""The embedded stack: everything up and ready, all gone afterwards, one line when it cannot start."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest

from beistand.bus.settings import SettingsError
from beistand.cli.stack import Stack, StackSettings

pytestmark = pytest.mark.integration


async def test_everything_starts_is_used_and_stops(tmp_path: Path) -> None:
    async with Stack(StackSettings.on_free_ports(tmp_path)) as stack:
        async with httpx.AsyncClient(base_url=stack.gateway_url) as http:
            right = {"username": stack.user, "password": stack.password}
            signed_in = await http.post("/v1/auth/token", json=right)
            refused = await http.post("/v1/auth/token", json={**right, "password": "wrong"})
        processes, password = dict(stack.processes), stack.password
    assert (signed_in.status_code, refused.status_code) == (200, 401)
    assert {name: process.returncode for name, process in processes.items()} == dict.fromkeys(
        ("session", "consent", "relay", "gateway"), 0
    )
    kept = tmp_path / "technician.password"
    assert kept.read_text().strip() == password
    assert kept.stat().st_mode & 0o777 == 0o600
    for log in (tmp_path / "logs").iterdir():
        assert password not in log.read_text()

    async with Stack(StackSettings.on_free_ports(tmp_path)) as again:
        assert again.password == password
        async with httpx.AsyncClient(base_url=again.gateway_url) as http:
            assert (await http.post("/v1/auth/token", json=right)).status_code == 200
        with pytest.raises(SettingsError, match="in use by another Beistand"):
            await Stack(StackSettings.on_free_ports(tmp_path)).__aenter__()
        again.processes["relay"].kill()
        with pytest.raises(SettingsError, match=r"relay has stopped: .*relay\.log"):
            await asyncio.wait_for(again.wait(), 10)


async def test_a_taken_port_is_one_line_and_leaves_nothing_running(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = await _up(tmp_path, BEISTAND_GATEWAY_PORT=str(port))
    assert answer == (
        1,
        f"beistand: port {port} is taken (Address already in use); choose another with BEISTAND_GATEWAY_PORT",
    )


async def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    code, line = await _up(tmp_path, BEISTAND_RELAY_PORT="many")
    assert code == 1
    assert line.startswith("beistand: BEISTAND_RELAY_PORT: ")


def _free_ports() -> dict[str, str]:
    names = ("NATS", "GATEWAY", "RELAY", "SESSION_HEALTH", "CONSENT_HEALTH", "RELAY_HEALTH")
    return {f"BEISTAND_{name}_PORT": "0" for name in names}


async def _start(state: Path, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "beistand", "up"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "BEISTAND_STATE": str(state), **_free_ports(), **environment},
    )


async def _up(state: Path, **environment: str) -> tuple[int | None, str]:
    """Exit code and error line of `beistand up` that cannot start."""
    process = await _start(state, **environment)
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, errors.decode().strip()


async def test_ctrl_c_stops_everything_and_is_no_failure(tmp_path: Path) -> None:
    process = await _start(tmp_path)
    if process.stdout is None:
        pytest.fail("no pipe")
    shown = b""
    async with asyncio.timeout(60):
        while b"Ctrl-C stops everything" not in shown:
            shown += await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    assert errors == b""
    text = (shown + rest).decode()
    for part in (
        "Console    http://localhost:",
        "User       technician",
        "Password   ",
        "beistand agent --gateway",
    ):
        assert part in text
