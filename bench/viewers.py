"""Viewer sockets of a measurement (`python -m bench.viewers`): they note when what arrived, and acknowledge.

Told {"watch": name, "url", "origin", "ticket"}. Tells `flows` at the first frame, and `over` with all it
noted. A picows client, because what is measured must not wait for its own clock.
"""

import asyncio
import json
import logging
import time
from typing import Any

import picows
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from beistand.protocol.frames import HEADER
from beistand.protocol.messages import ViewerHello, encode
from beistand.runtime import settle_memory
from bench.workers import orders, tell

_LAST = 2
_quiet = logging.getLogger("bench.viewers.picows")
_quiet.setLevel(logging.ERROR)


class Watch(WSListener):
    """One socket from hello to close."""

    def __init__(self, name: str, ticket: str) -> None:
        self._name, self._ticket = name, ticket
        self._noted: dict[str, Any] = {
            "frames": 0,
            "last_frame": 0,
            "stopped": 0,
            "late_frames": 0,
            "code": 0,
        }

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Show the ticket."""
        transport.send(WSMsgType.TEXT, encode(ViewerHello(ticket=self._ticket)))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Note what came and when."""
        now = time.time_ns()
        if frame.msg_type is WSMsgType.BINARY:
            self._picture(transport, frame, now)
        elif frame.msg_type is WSMsgType.TEXT:
            self._message(json.loads(frame.get_payload_as_bytes()), now)
        elif frame.msg_type is WSMsgType.CLOSE:
            code = int.from_bytes(frame.get_payload_as_bytes()[:2], "big")
            self._noted |= {"closed": now, "code": code}
            transport.send_close(code)  # type: ignore[arg-type]  # any RFC 6455 code, says its C type
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 (picows' signature)
        """It is over."""
        self._noted.setdefault("closed", time.time_ns())
        tell(over=self._name, **self._noted)

    def _picture(self, transport: WSTransport, frame: WSFrame, now: int) -> None:
        noted = self._noted
        noted["last_frame"] = now
        noted["frames"] += 1
        noted["late_frames"] += bool(noted["stopped"])
        _, _, flags, _, seq, *_ = HEADER.unpack_from(frame.get_payload_as_memoryview())
        if flags & _LAST:
            transport.send(WSMsgType.TEXT, b'{"type":"viewer.shown","seq":%d}' % seq)
        if noted["frames"] == 1:
            noted["first_frame"] = now
            tell(flows=self._name)

    def _message(self, message: dict[str, Any], now: int) -> None:
        if message["type"] == "relay.stopped":
            self._noted |= {"stopped": now, "why": message.get("cause") or message["code"]}


async def _watch(order: dict[str, Any]) -> None:
    await picows.ws_connect(
        lambda: Watch(order["watch"], order["ticket"]),
        order["url"],
        extra_headers={"Origin": order["origin"]},
        logger_name=_quiet,
        enable_auto_ping=False,
    )


async def main() -> None:
    """Watch what we are told to."""
    settle_memory()
    async with asyncio.TaskGroup() as tasks:
        async for order in orders():
            tasks.create_task(_watch(order))


if __name__ == "__main__":
    asyncio.run(main())
