"""A TCP road between two ends that a test can freeze (nothing gets through, nobody is told) or cut.

python -m tests.support.proxy URL      prints its own URL and stays until stdin ends
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 64 * 1024
MEDIA = re.compile(rb'"name": ?"media"')
"""What a device says of itself when it opens its connection for pictures."""


class Road:
    """`url` is what to connect to instead of the target."""

    def __init__(self, target: str) -> None:
        self._host, self._port = urlsplit(target).hostname, urlsplit(target).port
        self._open = asyncio.Event()
        self._open.set()
        self._open_for_media = asyncio.Event()
        self._open_for_media.set()
        self._is_cut = False
        self._fatal = b""
        self.has_passed = asyncio.Event()
        """What `goes_silent_after` waits for has gone through."""
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    def freeze(self) -> None:
        """Like a network that is gone without a FIN."""
        self._open.clear()

    def goes_silent_after(self, words: bytes) -> None:
        """Let these words through to the target, with all before them, and nothing either way after."""
        self._fatal = words
        self.has_passed.clear()

    def jam(self) -> None:
        """Like an uplink that is full of pictures: what is on the media connections waits behind them."""
        self._open_for_media.clear()

    def cut(self) -> None:
        """Like a broker that is down: connections break, new ones break at once."""
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Everything gets through again."""
        self._is_cut = False
        self._fatal = b""
        self._open.set()
        self._open_for_media.set()

    async def arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(self._host, self._port)
        self._writers |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._carry(source, sink, is_answer=source is there))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        is_media = False
        with suppress(OSError):
            while data := await source.read(CHUNK):
                is_media = is_media or MEDIA.search(data) is not None
                await self._open.wait()
                if self._fatal and not is_answer and self._fatal in data:
                    self.freeze()
                    self.has_passed.set()
                if is_media:
                    await self._open_for_media.wait()
                sink.write(data)
                await sink.drain()
        sink.close()


@asynccontextmanager
async def road_to(target: str, *, host: str = "127.0.0.1") -> AsyncIterator[Road]:
    """A road to the address of `target` (a URL with host and port), beginning at a free port of `host`."""
    road = Road(target)
    server = await asyncio.start_server(road.arrived, host, 0)
    road.url = f"{urlsplit(target).scheme}://{host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield road
    finally:
        server.close()
        await road.close()


async def _stay(target: str) -> None:
    async with road_to(target) as road:
        sys.stdout.write(f"{road.url}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_stay(sys.argv[1]))
