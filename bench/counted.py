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
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _past: int = 0

    @property
    def bytes_on_the_wire(self) -> int:
        """Both ways so far, with TCP's and IP's headers."""
        return self._past + sum(map(_traffic, self._open))

    async def arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either end closes it."""
        there, back = await asyncio.open_connection(*self.target)
        self.connections += 1
        self._open.add(writer)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_carry(reader, back))
                tasks.create_task(_carry(there, writer))
        finally:
            self._open.discard(writer)
            self._past += _traffic(writer)
            writer.transport.abort()
            back.transport.abort()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
    with suppress(OSError):
        sink.close()


def _traffic(writer: asyncio.StreamWriter) -> int:
    found = writer.get_extra_info("socket")
    try:
        told = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TRAFFIC.size)
    except OSError:
        return 0  # closed already; what it carried last is not in the figure
    sent, received, segments_out, segments_in = TRAFFIC.unpack(told)
    return int(sent + received + HEADERS * (segments_out + segments_in))


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
