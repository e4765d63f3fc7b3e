"""How late and how often pictures arrive over a line: real capture, encoders and pacing, a line in memory.

    .venv/bin/python -m bench.line                       needs Xvfb; about 25 s for each line
    .venv/bin/python -m bench.line --mbit 2 --ms 80 --loss 1

A page scrolls 30 times a second. The line carries bytes one after the other, adds its delay, and holds all up
for a round trip when a packet is lost, as TCP does. "Late" is from the grab to the viewer's having the frame
(10 ms for decoding); a latency that grows shows as a later half slower than the first.
"""

import argparse
import statistics
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from agent.engine.capture import Screen
from agent.engine.encode import Kind, open_encoder
from agent.engine.gate import Gate, OpenGrant
from agent.engine.stream import ScreenMedia
from agent.platform.x11_changes import X11Changes
from agent.platform.x11_screen import X11Pixels
from beistand.protocol import frames
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import MediaDown
from bench.media import Desk
from tests.support.xvfb import xvfb

GRANT = "view".ljust(22, "-")
CODECS = {
    Kind.H264_444: "avc1.F40028",
    Kind.H264: "avc1.640028",
    Kind.VP9: "vp09.00.40.08",
    Kind.JPEG: "jpeg",
}
LINES = ((1000.0, 0.5, 0.0), (20.0, 30.0, 0.0), (2.0, 80.0, 1.0))
"""Mbit/s, ms there and back, % of packets lost."""
PACKET = 1448
DECODE_S = 0.01
RUN_S = 20.0


@dataclass
class Line:
    """Carries chunks to a viewer, and the viewer's credit back."""

    mbit: float
    ms: float
    loss: float
    free_at: float = 0.0
    late: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    keys: int = 0

    def carry(self, chunk: bytes, media: ScreenMedia, random: np.random.Generator) -> None:
        """Send a chunk; its frame's credit follows by itself."""
        header = frames.parse(chunk)
        lost = random.random(-(-len(chunk) // PACKET)) < self.loss / 100
        self.free_at = max(self.free_at, time.monotonic()) + len(chunk) * 8 / (self.mbit * 1e6)
        self.free_at += self.ms / 1000 * bool(lost.any())
        shown = self.free_at + self.ms / 2000 + DECODE_S
        self.sizes.append(len(chunk))
        self.keys += header.is_key and header.is_last
        if header.is_last:
            self.late.append(shown - header.captured_us / 1e6)
            credit = MediaDown(grant_id=GRANT, shown=header.seq)
            timer = threading.Timer(shown + self.ms / 2000 - time.monotonic(), media.credit, [credit])
            timer.daemon = True
            timer.start()


def main() -> None:
    """Run each line and print a line for it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mbit", type=float)
    parser.add_argument("--ms", type=float, default=80.0)
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--encoder", type=Kind, choices=list(Kind), default=Kind.H264)
    asked = parser.parse_args()
    lines = [(asked.mbit, asked.ms, asked.loss)] if asked.mbit else LINES
    for mbit, ms, loss in lines:
        print(_run(Line(mbit, ms, loss), asked.encoder))


def _run(line: Line, kind: Kind) -> str:
    random = np.random.default_rng(1)
    with xvfb(width=1920, height=1080) as server:
        desk = Desk(server.display, 1920, 1080)
        desk.scroll(0)
        desk.display.sync()
        gate = Gate()
        media = ScreenMedia(
            gate=gate,
            open_encoder=open_encoder,
            kinds=(kind,),
            open_screen=lambda: Screen(
                clock_ns=time.monotonic_ns, open_source=lambda: X11Pixels(server.display)
            ),
            open_changes=lambda: X11Changes(server.display),
            clock=time.monotonic,
            on_lost=lambda: None,
        )
        gate.open(OpenGrant(GRANT, Capability.VIEW, "technician", time.monotonic() + 600))
        media.start(GRANT, lambda chunk: line.carry(chunk, media, random))
        media.credit(MediaDown(grant_id=GRANT, key_frame=True, codecs=(CODECS[kind],)))
        _scroll(desk)
        media.close()
        desk.display.close()
    return _line(line, kind)


def _scroll(desk: Desk) -> None:
    begun = time.monotonic()
    for step in range(int(RUN_S * 30)):
        time.sleep(max(begun + step / 30 - time.monotonic(), 0))
        desk.scroll(step)
        desk.display.sync()


def _line(line: Line, kind: Kind) -> str:
    late = [1000 * each for each in line.late[1:]]
    halves = [statistics.median(half) for half in (late[: len(late) // 2], late[len(late) // 2 :])]
    return (
        f"{line.mbit:g} Mbit/s {line.ms:g} ms {line.loss:g} %, {kind}: first {1000 * line.late[0]:.0f} ms, "
        f"late median {statistics.median(late):.0f}, p95 {sorted(late)[int(len(late) * 0.95)]:.0f}, "
        f"halves {halves[0]:.0f} / {halves[1]:.0f} ms; {len(late) / RUN_S:.1f} frames/s, "
        f"{sum(line.sizes) / RUN_S / 1000:.0f} kB/s, {line.keys} key frames (n={len(late)})"
    )


if __name__ == "__main__":
    main()
