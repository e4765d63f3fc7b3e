"""A device's connection on a real nats-server: it comes back, with a higher number, and hears its calls."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client

from agent.unattended import line as lines
from agent.unattended.line import Address
from agent.unattended.standby import Standby
from beistand.bus import child
from beistand.bus.server import find_program
from beistand.protocol import messages, subjects
from beistand.protocol.errors import TicketRefused, Unavailable
from beistand.protocol.messages import Beat, Call, CallAnswer, DeviceGone, DeviceState
from beistand.protocol.subjects import DeviceDown, DeviceUp
from tests.support.person import PATIENCE_S
from tests.support.questions import ORG, an_id
from tests.support.standing import ADevice

pytestmark = pytest.mark.integration


class Server:
    """A nats-server that lets everybody in, or nobody who has not the one token."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self.port = -1

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self, *, token: str = "") -> None:
        for old in self._folder.glob("*.ports"):
            old.unlink()
        door = f'authorization {{ token: "{token}" }}' if token else ""
        config = self._folder / "nats.conf"
        config.write_text(f'listen: "127.0.0.1:{self.port}"\n{door}\n')
        command = [find_program(), "--config", str(config), "--ports_file_dir", str(self._folder)]
        self._process = await child.start(command, log_file=self._folder / "nats.log")
        async with asyncio.timeout(PATIENCE_S):
            while not (found := list(self._folder.glob("*.ports"))) or not found[0].read_text():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        [url] = json.loads(found[0].read_text())["nats"]
        self.port = int(url.rsplit(":", 1)[1])

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            await process.wait()


class Host:
    """Whose device it is, in a test: keeps what happens."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.device = ADevice()
        self.number = 0
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self.gones: asyncio.Queue[DeviceState] = asyncio.Queue()
        self.lines: asyncio.Queue[lines.Line] = asyncio.Queue()
        self.lost: asyncio.Queue[lines.Line] = asyncio.Queue()

    def next_address(self) -> Address:
        self.number += 1
        return Address((self.server.url,), ORG, self.device.device_id, self.number, self.device.seed)

    def connected(self, line: lines.Line) -> None:
        self.lines.put_nowait(line)

    def disconnected(self, line: lines.Line) -> None:
        self.lost.put_nowait(line)

    def refused_often(self) -> None:
        pass

    def looked(self) -> None:
        pass

    def called(self, call: Call) -> None:
        self.calls.put_nowait(call)

    def gone(self, state: DeviceState) -> None:
        self.gones.put_nowait(state)


class Deaf:
    """Hears nothing that is said to a device."""

    def called(self, call: Call) -> None:
        pass

    def gone(self, state: DeviceState) -> None:
        pass

    def lost(self) -> None:
        pass


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path)
    await server.start()
    yield server
    await server.stop()
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
async def host(server: Server) -> AsyncIterator[Host]:
    host = Host(server)
    running = asyncio.ensure_future(Standby(host, lines.dial, chance=lambda: 0.0).run())
    yield host
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _up(host: Host, verb: DeviceUp) -> str:
    return subjects.device_up(ORG, host.device.device_id, verb)


def _down(host: Host, verb: DeviceDown) -> str:
    return subjects.device_down(ORG, host.device.device_id, verb)


async def _services(server: Server) -> Client:
    return await nats.connect(server.url)


async def test_it_beats_hears_and_answers(server: Server) -> None:
    services = await _services(server)
    host = Host(server)
    beats = await services.subscribe(_up(host, DeviceUp.BEAT))
    answers = await services.subscribe(_up(host, DeviceUp.ANSWER))
    await services.flush()
    running = asyncio.ensure_future(Standby(host, lines.dial).run())
    line = await asyncio.wait_for(host.lines.get(), PATIENCE_S)
    assert messages.parse(Beat, (await beats.next_msg(PATIENCE_S)).data) == Beat()
    call = Call(
        code="123456789",
        session_id=an_id("session"),
        organisation_name="Acme",
        technician_id=an_id("Tina"),
        technician_name="Tina",
        reason="update",
        called_at=datetime.now(UTC),
    )
    for nonsense in (b"", b"{}", b"\xff"):
        await services.publish(_down(host, DeviceDown.CALL), nonsense)
    await services.publish(f"bst.devdown.{ORG}.{host.device.device_id}.strange", b"{}")
    await services.publish(_down(host, DeviceDown.CALL), messages.encode(call))
    assert await asyncio.wait_for(host.calls.get(), PATIENCE_S) == call
    await line.say(DeviceUp.ANSWER, CallAnswer(session_id=call.session_id))
    assert (await answers.next_msg(PATIENCE_S)).data == messages.encode(
        CallAnswer(session_id=call.session_id)
    )
    gone = DeviceGone(state=DeviceState.CLONED)
    await services.publish(_down(host, DeviceDown.GONE), messages.encode(gone))
    assert await asyncio.wait_for(host.gones.get(), PATIENCE_S) is DeviceState.CLONED
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await asyncio.wait_for(host.lost.get(), PATIENCE_S) is line
    with pytest.raises(Unavailable):
        await line.check()
    await services.close()


async def test_it_comes_back_with_a_higher_number(server: Server, host: Host) -> None:
    await asyncio.wait_for(host.lines.get(), PATIENCE_S)
    before = host.number
    await server.stop()
    await asyncio.wait_for(host.lost.get(), PATIENCE_S)
    await server.start()
    await asyncio.wait_for(host.lines.get(), PATIENCE_S)
    assert host.number > before


async def test_a_refused_sign_in_is_told_apart_from_no_server(server: Server) -> None:
    host = Host(server)
    await server.stop()
    with pytest.raises(Unavailable):
        await lines.dial(host.next_address(), Deaf())
    await server.start(token="another")
    with pytest.raises(TicketRefused):
        await lines.dial(host.next_address(), Deaf())


async def test_it_signs_in_as_a_device(server: Server) -> None:
    host = Host(server)
    await server.stop()
    await server.start(token=f"device.{ORG}.{host.device.device_id}.1")
    line = await lines.dial(host.next_address(), Deaf())
    await line.check()
    await line.close()
    with pytest.raises(TicketRefused):
        await lines.dial(host.next_address(), Deaf())


async def test_after_sleep_the_line_is_looked_at_at_once(server: Server) -> None:
    """The wall clock jumps while the other stands still: the pause before the next attempt is over."""
    host = Host(server)
    await server.stop()
    ahead = 0.0
    standby = Standby(host, lines.dial, chance=lambda: 1.0, wall=lambda: time.time() + ahead)
    assert not await standby._rest(0.05)
    rest = asyncio.ensure_future(standby._rest(0.3))
    await asyncio.sleep(0)
    ahead = 3600.0
    assert await rest
