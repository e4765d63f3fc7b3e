"""The viewer's socket by itself: a viewer that takes nothing holds up itself, and no stop."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from beistand.protocol.errors import NoGrant
from beistand.protocol.messages import Party, RelayControl, RelayStopped
from services.relay.sockets import Door, ViewerSocket, open_door

pytestmark = pytest.mark.integration

ORIGIN = "http://localhost:8080"
LAST_WORDS = RelayStopped(code="no_grant", by=Party.CUSTOMER)
PICTURE = bytes(400_000)


class Hall:
    """An open door and whoever came through it."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[ViewerSocket] = asyncio.Queue()
        self.door = Door(self.arrived.put_nowait, origins={ORIGIN})
        self.port = 0


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    hall = Hall()
    server = await open_door(hall.door, host="127.0.0.1", port=0)
    hall.port = server.sockets[0].getsockname()[1]
    yield hall
    server.close()
    await hall.door.drain(1012)


@asynccontextmanager
async def deaf(hall: Hall) -> AsyncIterator[tuple[socket.socket, ViewerSocket]]:
    """A viewer whose program stands still after the upgrade."""
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", hall.port)) as raw:
        raw.setblocking(False)
        request = [
            "GET /v1/view HTTP/1.1",
            f"Host: 127.0.0.1:{hall.port}",
            f"Origin: {ORIGIN}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
            "\r\n",
        ]
        await loop.sock_sendall(raw, "\r\n".join(request).encode())
        yield raw, await hall.arrived.get()


def fill(viewer: ViewerSocket) -> None:
    """Write until the socket takes no more."""
    for _ in range(1000):
        if not viewer.frame(PICTURE):
            return
    pytest.fail("the socket took everything")


async def receive_all(raw: socket.socket) -> int:
    """Read to the end; how many bytes came."""
    count = 0
    while part := await asyncio.get_running_loop().sock_recv(raw, 1 << 20):
        count += len(part)
    return count


async def test_a_stop_does_not_wait_for_a_viewer_that_takes_nothing(hall: Hall) -> None:
    async with deaf(hall) as (raw, viewer):
        fill(viewer)
        viewer.stop(LAST_WORDS, code=NoGrant().close_code)
        assert not viewer.is_open
        async with asyncio.timeout(10):
            await hall.door.drain(1012)
        with pytest.raises(ConnectionResetError):
            await receive_all(raw)


async def test_nothing_is_written_after_a_stop(hall: Hall) -> None:
    async with connect(f"ws://127.0.0.1:{hall.port}/v1/view", origin=ORIGIN) as client:  # type: ignore[arg-type]
        viewer = await hall.arrived.get()
        viewer.stop(LAST_WORDS, code=NoGrant().close_code)
        viewer.frame(PICTURE)
        viewer.text(RelayControl(live=True))
        viewer.stop(LAST_WORDS, code=1000)
        assert "relay.stopped" in str(await client.recv())
        with pytest.raises(ConnectionClosedError):
            await client.recv()
        assert client.close_code == 4403


async def test_a_socket_says_when_it_is_blocked_and_when_it_has_drained(hall: Hall) -> None:
    drained = asyncio.Event()
    async with deaf(hall) as (raw, viewer):
        viewer.serve(on_message=lambda _: None, on_drained=drained.set)
        fill(viewer)
        assert not drained.is_set()
        async with asyncio.timeout(10):
            while not drained.is_set():
                await asyncio.get_running_loop().sock_recv(raw, 1 << 20)
        assert viewer.frame(b"x")


async def test_a_viewer_that_leaves_is_noticed(hall: Hall) -> None:
    async with connect(f"ws://127.0.0.1:{hall.port}/v1/view", origin=ORIGIN) as client:  # type: ignore[arg-type]
        viewer = await hall.arrived.get()
        await client.close()
        async with asyncio.timeout(10):
            assert await viewer.first() is None
            await viewer.over()


async def test_a_viewer_that_vanishes_is_noticed(hall: Hall) -> None:
    async with connect(f"ws://127.0.0.1:{hall.port}/v1/view", origin=ORIGIN) as client:  # type: ignore[arg-type]
        viewer = await hall.arrived.get()
        client.transport.abort()
        async with asyncio.timeout(10):
            await viewer.over()
        assert not viewer.is_open


@pytest.mark.parametrize(
    ("size", "is_read"), [(0, True), (65_000, True), (70_000, False), (5_000_000, False)]
)
async def test_a_message_that_is_too_large_is_not_read(hall: Hall, size: int, is_read: bool) -> None:
    async with connect(f"ws://127.0.0.1:{hall.port}/v1/view", origin=ORIGIN) as client:  # type: ignore[arg-type]
        viewer = await hall.arrived.get()
        await client.send("x" * size)
        async with asyncio.timeout(10):
            assert await viewer.first() == (b"x" * size if is_read else None)
