"""Picture chunks on their way from the media threads to the connection; drops rather than queues.

The gate is asked again right before a chunk leaves. Knows no encoder and no NATS.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from agent.engine.gate import Gate
from agent.engine.ports import Media, Publish
from beistand.protocol.errors import Unavailable
from beistand.protocol.messages import MediaDown

WAITING = 64
"""Chunks that may wait for the connection: more than two whole frames never need."""


class PicturePump:
    """Starts and stops a stream per view grant, and sends what they make."""

    def __init__(self, *, gate: Gate, media: Media, send: Callable[[str, bytes], Awaitable[None]]) -> None:
        self._gate = gate
        self._media = media
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(WAITING)
        self._streams: dict[str, bool] = {}
        """Grant -> whether a viewer has given credit yet."""

    def keep(self, views: frozenset[str]) -> None:
        """Have exactly these views stream."""
        for grant_id in self._streams.keys() - views:
            del self._streams[grant_id]
            self._media.stop(grant_id)
        for grant_id in views - self._streams.keys():
            self._streams[grant_id] = False
            self._media.start(grant_id, self._publisher(grant_id))

    def credit(self, message: MediaDown) -> None:
        """What viewers have shown; ignored for a grant that does not stream."""
        if message.grant_id in self._streams:
            self._streams[message.grant_id] = True
            self._media.credit(message)

    def restart(self) -> None:
        """Chunks may have got lost: every stream that has a viewer starts again with a key frame."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        for grant_id in [grant_id for grant_id, has_viewer in self._streams.items() if has_viewer]:
            self._media.credit(MediaDown(grant_id=grant_id, key_frame=True))

    async def run(self) -> None:
        """Send what comes until cancelled."""
        while True:
            grant_id, chunk = await self._waiting.get()
            if not self._gate.may_capture(grant_id):
                continue
            try:
                await self._send(grant_id, chunk)
            except Unavailable:
                continue  # the stream starts again when the connection is back

    def _publisher(self, grant_id: str) -> Publish:
        def publish(chunk: bytes) -> None:
            # A closed loop raises: then nothing leaves the device any more, which is all right.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._put, grant_id, chunk)

        return publish

    def _put(self, grant_id: str, chunk: bytes) -> None:
        if self._waiting.full():
            self.restart()
            return
        self._waiting.put_nowait((grant_id, chunk))
