"""A technician's browser at the relay's door: a real WebSocket client that remembers what it got."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from beistand.conformance.case import PATIENCE_S, Broken, within
from beistand.protocol import frames
from beistand.protocol.messages import Message, ViewerHello, encode

T = TypeVar("T")


class Viewer:
    """One viewer socket. `got` holds texts (dict) and frames (sequence number) as they came."""

    def __init__(self, url: str, *, origin: str | None, reads: bool = True) -> None:
        self.got: list[dict[str, Any] | int] = []
        self._url = url
        self._origin = origin
        self._reads = reads
        self._is_over = False
        self._news = asyncio.Condition()
        self._socket: ClientConnection
        self._reader: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        limits: dict[str, Any] = {"max_size": None, "compression": None}
        if not self._reads:
            limits |= {"max_queue": 1}
        self._socket = await connect(self._url, origin=self._origin, **limits)  # type: ignore[arg-type]
        self._reader = asyncio.create_task(self._read() if self._reads else asyncio.sleep(0))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader
        self._socket.transport.abort()

    async def say(self, message: Message | str | bytes) -> None:
        """Send a message, or whatever else."""
        with suppress(ConnectionClosed):
            await self._socket.send(encode(message).decode() if isinstance(message, Message) else message)

    async def hello(self, ticket: str) -> Self:
        """Show a ticket."""
        await self.say(ViewerHello(ticket=ticket))
        return self

    async def handled(self) -> None:
        """Return once the relay has taken in everything said so far (it answers a ping in its order)."""
        await within("the relay answers a ping", await self._socket.ping())

    async def until(self, kind: str, **values: Any) -> dict[str, Any]:
        """Wait for a text message of this type with these values."""
        what = f"the viewer gets {kind} {values or ''}".rstrip()
        return await self._wait(
            what, lambda: next((text for text in self.texts(kind) if _has(text, values)), None)
        )

    async def until_frame(self, seq: int) -> int:
        """Wait for a frame."""
        return await self._wait(f"the viewer gets frame {seq}", lambda: seq if seq in self.frames else None)

    def forget(self) -> None:
        """What came so far no longer counts; `until` waits for what is new."""
        self.got.clear()

    async def close_code(self) -> int:
        """Wait for the end of the socket; its close code."""
        async with asyncio.timeout(PATIENCE_S):
            await self._socket.wait_closed()
            await asyncio.wait({self._reader})
        return self._socket.close_code or 0

    async def read_on(self) -> int:
        """Start reading at last, up to the end; the close code."""
        self._reader = asyncio.create_task(self._read())
        return await self.close_code()

    def texts(self, kind: str) -> list[dict[str, Any]]:
        """Messages of one type so far."""
        return [item for item in self.got if isinstance(item, dict) and item["type"] == kind]

    @property
    def frames(self) -> list[int]:
        """Sequence numbers of the pictures so far."""
        return [item for item in self.got if isinstance(item, int)]

    def frames_after(self, kind: str, **values: Any) -> list[int]:
        """Pictures that came after the first text message of this type with these values."""
        for place, item in enumerate(self.got):
            if isinstance(item, dict) and item["type"] == kind and _has(item, values):
                return [later for later in self.got[place:] if isinstance(later, int)]
        return []

    async def _wait(self, what: str, found: Callable[[], T | None]) -> T:
        async def there() -> T | None:
            async with self._news:
                await self._news.wait_for(lambda: self._is_over or found() is not None)
                return found()

        result = await within(what, there())
        if result is None:
            raise Broken(f"{what}: the socket was closed with {self._socket.close_code} instead")
        return result

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self._socket:
                item = frames.parse(message).seq if isinstance(message, bytes) else json.loads(message)
                self.got.append(item)
                await self._tell()
        self._is_over = True
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


def _has(text: dict[str, Any], values: dict[str, Any]) -> bool:
    return all(text.get(key) == value for key, value in values.items())
