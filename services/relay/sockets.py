"""The viewer's door: a WebSocket server on picows that lets in known origins on one path, and nothing else.

Knows how to write, block, say goodbye and cut; knows nothing of grants or tickets.
"""

import asyncio
import json
import logging
import socket
import struct
from collections.abc import Callable, Collection
from contextlib import suppress
from enum import Enum
from http import HTTPStatus

import picows
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest

from beistand.bus.settings import SettingsError
from beistand.protocol.errors import BeistandError, Forbidden, NotFound, Unavailable
from beistand.protocol.messages import MAX_CONTROL, Message, RelayStopped, encode

PATH = b"/v1/view"
MAX_SOCKETS = 2000
FLUSH_S = 0.1
"""How long the rest of a chunk may still take to leave when a stream was stopped; then the socket is cut."""
FAREWELL_S = 2.0
"""How long a viewer has to answer a close."""
UNSENT_BYTES = 128 * 1024
"""What the kernel may hold unsent: little enough that a stop is not behind old pictures."""
PING_S = 10
GOING_AWAY = 1012

_RESET = struct.pack("ii", 1, 0)
_quiet = logging.getLogger(f"{__name__}.picows")
_quiet.setLevel(logging.ERROR)

SocketEvent = Callable[["ViewerSocket"], None]


class Phase(Enum):
    """A socket's life."""

    OPENING = "opening"
    SERVING = "serving"
    CLOSING = "closing"
    GONE = "gone"


class ViewerSocket(WSListener):
    """One viewer's socket. The first message is awaited with `first`; later ones go where `serve` says."""

    def __init__(self, *, opened: SocketEvent, gone: SocketEvent) -> None:
        self._opened, self._gone = opened, gone
        self._phase = Phase.OPENING
        self._first: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()
        self._on_message: Callable[[bytes | None], None] = _ignore
        self._on_drained: Callable[[], None] = _nothing
        self._transport: WSTransport

    # --- for the relay ----------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether anything can still be said."""
        return self._phase in (Phase.OPENING, Phase.SERVING)

    async def first(self) -> bytes | None:
        """The first message; None if it was no text, or the viewer went away."""
        return await self._first

    def serve(self, *, on_message: Callable[[bytes | None], None], on_drained: Callable[[], None]) -> None:
        """From now on messages go to `on_message` (None: not a text message); earlier ones were dropped."""
        if self._phase is Phase.OPENING:
            self._phase = Phase.SERVING
            self._on_message, self._on_drained = on_message, on_drained

    async def over(self) -> None:
        """Wait until nothing more can be said: closing has begun, on either side."""
        await self._over.wait()

    def text(self, message: Message) -> None:
        """Send a message."""
        if self.is_open:
            self._transport.send(WSMsgType.TEXT, encode(message))

    def frame(self, chunk: bytes) -> bool:
        """Send a chunk; false: part of it waits, write no more until drained."""
        if self.is_open:
            self._transport.send(WSMsgType.BINARY, chunk)
        return not self._waiting

    def stop(self, last_words: RelayStopped, *, code: int) -> None:
        """Say why and close."""
        self.text(last_words)
        self.close(code)

    def close(self, code: int) -> None:
        """Close; a viewer that does not take it is cut off, with whatever still waits for it."""
        if not self.is_open:
            return
        self._transport.send_close(code)  # type: ignore[arg-type]  # any RFC 6455 code, says its C type
        self._take_leave()

    def _take_leave(self) -> None:
        self._enter(Phase.CLOSING)
        loop = asyncio.get_running_loop()
        loop.call_later(FLUSH_S, self._cut_if_waiting)
        loop.call_later(FAREWELL_S, self._cut)

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        self._over.set()
        if not self._first.done():
            self._first.set_result(None)

    @property
    def _waiting(self) -> bool:
        return self._transport.underlying_transport.get_write_buffer_size() > 0

    def _cut_if_waiting(self) -> None:
        if self._phase is Phase.CLOSING and self._waiting:
            self._cut()

    def _cut(self) -> None:
        """Reset the connection, so that the kernel drops what it holds as well."""
        if self._phase is Phase.GONE:
            return
        raw = self._transport.underlying_transport.get_extra_info("socket")
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.disconnect(graceful=False)

    # --- for picows -------------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is done."""
        self._transport = transport
        # Zero: told as soon as anything waits, and again when nothing does. What may wait is ours to decide.
        transport.underlying_transport.set_write_buffer_limits(high=0)
        raw = transport.underlying_transport.get_extra_info("socket")
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self._opened(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame from the viewer."""
        if frame.msg_type is WSMsgType.CLOSE:
            return self._closed_by_viewer(transport)
        if transport.is_close_frame_sent and self.is_open:
            # picows has refused a frame (too large, broken) and goes on reading for a moment.
            return self._take_leave()
        if frame.msg_type is WSMsgType.PONG:
            return None
        whole = frame.msg_type is WSMsgType.TEXT and frame.fin
        message = frame.get_payload_as_bytes() if whole else None
        if self._phase is Phase.SERVING:
            return self._on_message(message)
        if self._phase is Phase.OPENING and not self._first.done():
            self._first.set_result(message)
        return None

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 (picows' signature)
        """The connection is over."""
        self._enter(Phase.GONE)
        self._gone(self)

    def pause_writing(self) -> None:
        """Something waits; `frame` has said so."""

    def resume_writing(self) -> None:
        """Nothing waits any more."""
        if self._phase is Phase.SERVING:
            self._on_drained()

    def _closed_by_viewer(self, transport: WSTransport) -> None:
        if self.is_open:
            self._enter(Phase.CLOSING)
            transport.send_close(picows.WSCloseCode.OK)
        transport.disconnect()


def _ignore(message: bytes | None) -> None:
    """Nobody listens yet."""


def _nothing() -> None:
    """Nothing to do."""


class Door:
    """Decides on upgrade requests: one path, known origins, a bounded number of sockets."""

    def __init__(self, arrived: SocketEvent, *, origins: Collection[str]) -> None:
        self._arrived = arrived
        self._origins = frozenset(origins)
        self._sockets: set[ViewerSocket] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def request(self, request: WSUpgradeRequest) -> ViewerSocket | picows.WSUpgradeResponseWithListener:
        """A socket to be opened, or the refusal to answer with."""
        if request.path != PATH:
            return _refusal(NotFound())
        # A missing origin is no browser of ours, "null" is a sandboxed page: neither is in the list.
        origins = request.headers.getall("Origin", [])
        if len(origins) != 1 or origins[0].lower() not in self._origins:
            return _refusal(Forbidden("This origin is not allowed."))
        if len(self._sockets) >= MAX_SOCKETS:
            return _refusal(Unavailable("Too many viewers here."))
        return ViewerSocket(opened=self._opened, gone=self._gone)

    async def drain(self, code: int) -> None:
        """Close every socket with this code and wait until all are gone (they are cut if they linger)."""
        for viewer in tuple(self._sockets):
            viewer.close(code)
        await self._empty.wait()

    def _opened(self, viewer: ViewerSocket) -> None:
        self._sockets.add(viewer)
        self._empty.clear()
        self._arrived(viewer)

    def _gone(self, viewer: ViewerSocket) -> None:
        self._sockets.discard(viewer)
        if not self._sockets:
            self._empty.set()


def _refusal(error: BeistandError) -> picows.WSUpgradeResponseWithListener:
    problem = {
        "type": f"urn:beistand:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
    }
    headers = {"Content-Type": "application/problem+json"}
    status = HTTPStatus(error.status)
    body = json.dumps(problem).encode()
    response = picows.WSUpgradeResponse.create_error_response(status, body, headers)
    return picows.WSUpgradeResponseWithListener(response, None)


async def open_door(door: Door, *, host: str, port: int) -> asyncio.Server:
    """Listen for viewers; port 0 takes a free one. SettingsError if the port is taken."""
    try:
        return await picows.ws_create_server(
            door.request,
            host,
            port,
            logger_name=_quiet,
            enable_auto_ping=True,
            auto_ping_idle_timeout=PING_S,
            auto_ping_reply_timeout=PING_S,
            max_frame_size=MAX_CONTROL,
        )
    except OSError as error:
        raise SettingsError(f"cannot listen on {host} port {port}: {error.strerror}") from None
