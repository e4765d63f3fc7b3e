"""How long closing the gate takes while the real screen is really captured: 1920x1080, a page that scrolls.

A close waits for the grab in flight, if there is one; nothing else in a stop depends on the picture.
"""

import asyncio
import random
import secrets
import threading
import time
from functools import partial

from agent.engine.capture import Screen
from agent.engine.encode import Kind, open_encoder
from agent.engine.gate import Gate, OpenGrant
from agent.engine.stream import ScreenMedia
from agent.platform.x11_changes import X11Changes
from agent.platform.x11_screen import X11Pixels
from beistand.protocol import frames, ids
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import MediaDown
from bench.many import FRAMES_PER_S
from bench.stage import OUT, Found, ms
from bench.workers import PATIENCE_S, worker
from tests.support.xvfb import xvfb

REST_S = (0.05, 0.2)


async def measure(*, stops: int) -> Found:
    """That many closes at random moments of a stream."""
    with xvfb(width=1920, height=1080) as server:
        arguments = (server.display, str(FRAMES_PER_S))
        async with worker("bench.scroller", *arguments, log=OUT / "desktop.log"):
            closes = await asyncio.to_thread(_closes, server.display, stops)
    return Found({"device gate closed, 1920x1080 being captured": closes}, {})


def _closes(display: str, stops: int) -> list[float]:
    gate = Gate()
    media = ScreenMedia(
        gate=gate,
        open_encoder=open_encoder,
        kinds=(Kind.H264,),
        open_screen=partial(Screen, clock_ns=time.monotonic_ns, open_source=partial(X11Pixels, display)),
        open_changes=partial(X11Changes, display),
        clock=time.monotonic,
        on_lost=lambda: None,
    )
    try:
        return [_close_one(gate, media) for _ in range(stops)]
    finally:
        media.close()


def _close_one(gate: Gate, media: ScreenMedia) -> float:
    grant_id = ids.id_from(secrets.token_bytes(16))
    flows = threading.Event()

    def shown(chunk: bytes) -> None:
        flows.set()
        media.credit(MediaDown(grant_id=grant_id, shown=frames.parse(chunk).seq))

    gate.open(OpenGrant(grant_id, Capability.VIEW, "technician", time.monotonic() + 60))
    media.start(grant_id, shown)
    media.credit(MediaDown(grant_id=grant_id, key_frame=True))
    if not flows.wait(PATIENCE_S):
        raise TimeoutError("no picture")
    time.sleep(random.uniform(*REST_S))
    clicked = time.perf_counter_ns()
    gate.close([grant_id])
    closed = time.perf_counter_ns()
    media.stop(grant_id)
    return ms(closed - clicked)
