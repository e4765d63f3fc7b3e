"""JPEG of what changed, by libjpeg-turbo (simplejpeg): for browsers without WebCodecs, on fast lines.

The cheapest encoder by far for a key press, and fifteen times x264's bytes when a page scrolls.
"""

from collections.abc import Iterable

import numpy as np
import simplejpeg

from agent.engine.change import Pixels, Rect, gathered
from agent.engine.encode import Line
from beistand.protocol import frames
from beistand.protocol.frames import Codec, Patch

QUALITY = {Line.WIDE: 80, Line.THIN: 50}
BEST = 98
"""Once the screen rests."""


class Jpeg:
    """See `encode.Encoder`. Every pixel keeps its own colour (4:4:4)."""

    codec = Codec.JPEG

    def __init__(self, width: int, height: int, *, line: Line = Line.WIDE) -> None:
        self.width, self.height = width, height
        self._quality = QUALITY[line]
        self._coarse: tuple[Rect, ...] = ()
        """What was sent at less than the best quality."""

    def encode(self, picture: Pixels, changed: Iterable[Rect], *, key: bool) -> bytes:
        """See `encode.Encoder`."""
        everything = (Rect(0, 0, self.width, self.height),)
        rects = everything if key else tuple(changed)
        if not rects:
            rects, self._coarse = self._coarse or everything, ()
            return self._pack(picture, rects, BEST)
        self._coarse = gathered((*self._coarse, *rects), self.width, self.height)
        return self._pack(picture, rects, self._quality)

    def refines_after(self, size: int) -> int:
        """See `encode.Encoder`."""
        return 1 if size else 0

    def close(self) -> None:
        """See `encode.Encoder`; there is nothing to give back."""

    def _pack(self, picture: Pixels, rects: Iterable[Rect], quality: int) -> bytes:
        return frames.pack_patches(Patch(rect.x, rect.y, _encoded(picture, rect, quality)) for rect in rects)


def _encoded(picture: Pixels, rect: Rect, quality: int) -> bytes:
    part = np.ascontiguousarray(picture[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width])
    made: bytes = simplejpeg.encode_jpeg(part, quality, "BGRX", "444", fastdct=False)
    return made
