"""H.264 by x264 through PyAV: Annex B, parameter sets before each key frame. GPL code (docs/licences.md)."""

from agent.engine.convert import Chroma
from agent.engine.encode import Line
from agent.engine.video import VideoEncoder
from beistand.protocol.frames import Codec

# A search of +-128 pixels finds scrolled and dragged content: a third of the bytes of plain ultrafast.
SEARCH = "cabac=1:me=umh:merange=128:8x8dct=1:partitions=i4x4,i8x8"
CAPS = {
    # 20 Mbit/s, 1 Mbit at once, but never unreadable: nearly halves a key frame; the rest follows.
    Line.WIDE: "vbv-maxrate=20000:vbv-bufsize=1000:qpmax=32",
    # 100 kbit for a frame, 300 at once: what moves loses sharpness, not frames; it has it back when it rests.
    Line.THIN: "vbv-maxrate=3000:vbv-bufsize=300",
}
LARGE = 2 * 1024
"""A frame of so many bytes leaves something to sharpen: what scrolls is at 33 to 40 dB. Once the screen
rests, a few more frames of the same picture do (x264 lowers its quantiser in steps)."""
REFINES = {Line.WIDE: 8, Line.THIN: 24}


def options(line: Line) -> dict[str, str]:
    """What x264 is told."""
    params = f"{SEARCH}:{CAPS[line]}"
    return {"preset": "ultrafast", "tune": "zerolatency", "crf": "23", "x264-params": params}


class H264(VideoEncoder):
    """See `encode.Encoder`."""

    codec = Codec.H264

    def __init__(
        self, width: int, height: int, *, chroma: Chroma = Chroma.HALF, line: Line = Line.WIDE
    ) -> None:
        super().__init__("libx264", width, height, options=options(line), chroma=chroma)
        self._line = line

    def refines_after(self, size: int) -> int:
        """See `encode.Encoder`."""
        return REFINES[self._line] if size >= LARGE else 0
