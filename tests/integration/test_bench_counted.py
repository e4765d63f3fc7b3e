"""The counted road carries everything, and counts what the kernel carried for it."""

import asyncio

import pytest

from bench.counted import HEADERS, road_to

pytestmark = pytest.mark.integration

SIZE = 200_000


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def test_bytes_both_ways_and_their_headers_are_counted_also_after_the_end() -> None:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with server, road_to("127.0.0.1", server.sockets[0].getsockname()[1]) as road:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(road.url.rpartition(":")[2]))
        async with asyncio.timeout(10):
            writer.write(bytes(SIZE))
            assert await reader.readexactly(SIZE) == bytes(SIZE)
            writer.write_eof()
            assert await reader.read() == b""
        assert 2 * SIZE + 2 * HEADERS < road.bytes_on_the_wire < 3 * SIZE
        assert road.connections == 1
        writer.close()
        await writer.wait_closed()
