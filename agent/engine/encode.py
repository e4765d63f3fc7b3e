"""Pictures to bytes: the encoder port and its H.264 adapter (x264 through PyAV); knows no grants.

Why this encoder, these options and what they mean for licences: docs/adr/0006-encoder-and-licences.md.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Protocol

import av
from av.codec.context import ThreadType
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Colorspace

from agent.engine.change import Pixels, Rect
from agent.engine.convert import Canvas
from beistand.protocol.frames import Codec

NEVER = 2**30
"""No key frame comes by itself: they are large, and asked for when needed."""

X264 = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "crf": "23",
    # A search of +-128 pixels finds scrolled and dragged content: a third of the bytes of plain ultrafast.
    # The cap (20 Mbit/s, 1 Mbit at once, but never unreadable) nearly halves a key frame; what it leaves
    # out follows in the next frames.
    "x264-params": (
        "cabac=1:me=umh:merange=128:8x8dct=1:partitions=i4x4,i8x8:vbv-maxrate=20000:vbv-bufsize=1000:qpmax=32"
    ),
}


BT709_PRIMARIES, SRGB_TRANSFER = 1, 13
"""ITU-T H.273: the primaries of sRGB, and its transfer function (IEC 61966-2-1)."""


class Encoder(Protocol):
    """Encodes one stream of pictures of one size; not thread-safe."""

    codec: Codec
    width: int
    height: int
    """Size of the encoded picture: even, at most a pixel less than the screen's."""

    def encode(self, picture: Pixels, changed: Iterable[Rect], *, key: bool) -> bytes:
        """The frame that shows `picture`, of which only `changed` differs from the one before.

        With `key` it can be decoded without any frame before it. Never empty.
        """

    def close(self) -> None:
        """Give everything back; the encoder cannot be used again."""


OpenEncoder = Callable[[int, int], Encoder]
"""Takes width and height of the screen in pixels."""


class EncoderUnavailable(Exception):
    """This build has no encoder that takes these options."""


class H264:
    """x264, 4:2:0, one frame out for each frame in, Annex B with parameter sets before each key frame."""

    codec = Codec.H264

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width & ~1, height & ~1
        self._canvas = Canvas(self.width, self.height)
        self._context = _open(self.width, self.height)
        self._count = 0

    def encode(self, picture: Pixels, changed: Iterable[Rect], *, key: bool) -> bytes:
        """See `Encoder`."""
        self._canvas.paint(picture, changed)
        frame = av.VideoFrame.from_numpy_buffer(self._canvas.planes, format="yuv420p")
        frame.pts = self._count
        self._count += 1
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return b"".join(bytes(packet) for packet in self._context.encode(frame))

    def close(self) -> None:
        """See `Encoder`. x264 frees its memory with the context."""
        del self._context


def _open(width: int, height: int) -> VideoCodecContext:
    try:
        context = av.CodecContext.create("libx264", "w")
    except av.codec.codec.UnknownCodecError:
        raise EncoderUnavailable("PyAV was built without libx264.") from None
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
    context.gop_size, context.max_b_frames = NEVER, 0
    # More threads would cut the frame in slices: 45 % more bytes when scrolling.
    context.thread_count, context.thread_type = 1, ThreadType.NONE
    context.colorspace, context.color_range = Colorspace.ITU601, ColorRange.MPEG
    # With the matrix alone Chromium assumes BT.709 for all three: reds shift by 17 of 255.
    context.color_primaries, context.color_trc = BT709_PRIMARIES, SRGB_TRANSFER
    context.options = dict(X264)
    context.open()
    if context.options:  # FFmpeg leaves here what it did not know, and says nothing
        raise EncoderUnavailable(f"libx264 did not take {sorted(context.options)}.")
    return context
