"""A road to the broker whose traffic is counted as the kernel counts it: bytes, segments, their headers."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 64 * 1024
HEADERS = 20 + 32
"""Bytes of IPv4 and of TCP with time stamps, for every segment, acknowledgements included."""
TRAFFIC = struct.Struct("=120xQQII")
"""`tcpi_bytes_acked`, `_bytes_received`, `_segs_out`, `_segs_in` of struct tcp_info (linux/tcp.h)."""


@dataclass
class Road:
    """`url` is what to connect to instead of the broker."""

    target: tuple[str, int]
    url: str = ""
    connections: int = 0
    _counted: dict[socket.socket, int] = field(default_factory=dict)
    """What each connection carried when it was last looked at."""

    @property
    def bytes_on_the_wire(self) -> int:
        """Both ways so far, with TCP's and IP's headers."""
        for one in self._counted:
            self._look(one)
        return sum(self._counted.values())

    async def arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either end closes it."""
        there, back = await asyncio.open_connection(*self.target)
        self.connections += 1
        ours = writer.get_extra_info("socket")
        self._counted[ours] = 0
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._carry(reader, back, ours))
                tasks.create_task(self._carry(there, writer, ours))
        finally:
            writer.transport.abort()
            back.transport.abort()

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, ours: socket.socket
    ) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                self._look(ours)
                sink.write(data)
                await sink.drain()
        self._look(ours)
        with suppress(OSError):
            sink.close()

    def _look(self, one: socket.socket) -> None:
        """Keep what a connection carried; of one that is closed, what it had carried before."""
        with suppress(OSError):
            told = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TRAFFIC.size)
            sent, received, segments_out, segments_in = TRAFFIC.unpack(told)
            self._counted[one] = sent + received + HEADERS * (segments_out + segments_in)


@asynccontextmanager
async def road_to(host: str, port: int) -> AsyncIterator[Road]:
    """A road to this address, from a free port of the same host."""
    road = Road((host, port))
    server = await asyncio.start_server(road.arrived, host, 0)
    road.url = f"nats://{host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield road
    finally:
        server.close()
