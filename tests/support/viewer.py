"""A technician's browser at the relay's door: a real WebSocket client that remembers what it got."""

import asyncio
import json
from contextlib import suppress
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from beistand.protocol import frames
from beistand.protocol.messages import Message, ViewerHello, encode

PATIENCE_S = 10.0
ORIGIN = "http://localhost:8080"
PATH = "/v1/view"


class ViewerClient:
    """One viewer socket. `got` holds texts (dict) and frames (sequence number) as they came."""

    def __init__(
        self, port: int, *, origin: str | None = ORIGIN, path: str = PATH, reads: bool = True
    ) -> None:
        self.got: list[dict[str, Any] | int] = []
        self._url = f"ws://127.0.0.1:{port}{path}"
        self._origin = origin
        self._reads = reads
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
        await self.say(ViewerHello(ticket=ticket))
        return self

    async def until(self, kind: str, **values: Any) -> dict[str, Any]:
        """Wait for a text message of this type with these values."""
        return await self._wait(lambda: next((text for text in self.texts(kind) if _has(text, values)), None))

    async def until_frame(self, seq: int) -> int:
        """Wait for a frame."""
        return await self._wait(lambda: seq if seq in self.frames else None)

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
        return [item for item in self.got if isinstance(item, dict) and item["type"] == kind]

    @property
    def frames(self) -> list[int]:
        return [item for item in self.got if isinstance(item, int)]

    async def _wait(self, found: Any) -> Any:
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(lambda: found() is not None)
            return found()

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self._socket:
                item = frames.parse(message).seq if isinstance(message, bytes) else json.loads(message)
                self.got.append(item)
                async with self._news:
                    self._news.notify_all()


def _has(text: dict[str, Any], values: dict[str, Any]) -> bool:
    return all(text.get(key) == value for key, value in values.items())
