"""Child processes that are told and tell by lines of JSON: load that must not share the measurement's loop.

Every time in such a line is `time.time_ns()`, one clock for all processes of a machine.
"""

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

PATIENCE_S = 30.0

News = dict[str, Any]
_told = threading.Lock()


def tell(**news: Any) -> None:
    """In a worker: one line for whoever started it; the first key is its kind, the value whose news it is."""
    with _told:
        print(json.dumps(news), flush=True)


async def orders() -> AsyncIterator[News]:
    """In a worker with an event loop: what it is told, until stdin ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        yield json.loads(line)


class Worker:
    """One child, and what it tells."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._news: dict[tuple[str, str], asyncio.Queue[News]] = {}

    def say(self, **order: Any) -> None:
        """Tell it something."""
        if self._process.stdin is not None:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")

    async def hears(self, kind: str, name: str, *, patience: float = PATIENCE_S) -> News:
        """The next news of this kind from this one."""
        try:
            async with asyncio.timeout(patience):
                return await self._queue(kind, name).get()
        except TimeoutError:
            raise TimeoutError(f"no {kind!r} from {name}") from None

    async def listen(self) -> None:
        """Sort what it tells, until it ends."""
        if self._process.stdout is None:
            return
        async for line in self._process.stdout:
            news = json.loads(line)
            kind = next(iter(news))
            self._queue(kind, str(news[kind])).put_nowait(news)

    def kill(self) -> None:
        """End it."""
        if self._process.returncode is None:
            self._process.kill()

    async def gone(self) -> None:
        """Wait for its end."""
        await self._process.wait()

    def _queue(self, kind: str, name: str) -> asyncio.Queue[News]:
        return self._news.setdefault((kind, name), asyncio.Queue())


@asynccontextmanager
async def worker(
    module: str, *arguments: str, log: Path, inside: Sequence[str] = ()
) -> AsyncIterator[Worker]:
    """`python -m module arguments` while inside, its stderr in `log`; `inside` is put before the command."""
    pipe = asyncio.subprocess.PIPE
    command = (*inside, sys.executable, "-m", module, *arguments)
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=errors)
    found = Worker(process)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(found.listen())
        try:
            yield found
        finally:
            found.kill()
            await found.gone()
