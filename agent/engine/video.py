"""What all encoders of PyAV have in common: one frame in, one frame out, and no option that was not taken."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

import av
from av.codec.context import ThreadType
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Colorspace

from agent.engine.change import Pixels, Rect
from agent.engine.convert import Canvas, Chroma
from agent.engine.encode import EncoderUnavailable

NEVER = 2**30
"""No key frame comes by itself: they are large, and asked for when needed."""
BT709_PRIMARIES, SRGB_TRANSFER = 1, 13
"""ITU-T H.273: the primaries of sRGB, and its transfer function (IEC 61966-2-1)."""


class VideoEncoder:
    """One of FFmpeg's encoders at work on a canvas; `width` and `height` are even."""

    def __init__(
        self, name: str, width: int, height: int, *, options: Mapping[str, str], chroma: Chroma
    ) -> None:
        self.width, self.height = width & ~1, height & ~1
        self._canvas = Canvas(self.width, self.height, chroma)
        self._context = _opened(name, self._canvas, dict(options))
        self._count = 0

    def encode(self, picture: Pixels, changed: Iterable[Rect], *, key: bool) -> bytes:
        """See `encode.Encoder`."""
        self._canvas.paint(picture, changed)
        frame = self._canvas.frame
        frame.pts = self._count
        self._count += 1
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return b"".join(bytes(packet) for packet in self._context.encode(frame))

    def close(self) -> None:
        """See `encode.Encoder`. The library frees its memory with the context."""
        del self._context


def _opened(name: str, canvas: Canvas, options: dict[str, str]) -> VideoCodecContext:
    try:
        context = av.CodecContext.create(name, "w")
    except av.codec.codec.UnknownCodecError:
        raise EncoderUnavailable(f"PyAV was built without {name}.") from None
    if not isinstance(context, VideoCodecContext):
        raise EncoderUnavailable(f"{name} encodes no pictures.")
    frame = canvas.frame
    context.width, context.height, context.pix_fmt = frame.width, frame.height, frame.format.name
    context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
    context.gop_size, context.max_b_frames = NEVER, 0
    # More threads would cut the frame in slices: 45 % more bytes when scrolling.
    context.thread_count, context.thread_type = 1, ThreadType.NONE
    context.colorspace, context.color_range = Colorspace.ITU601, ColorRange.MPEG
    # With the matrix alone Chromium assumes BT.709 for all three: reds shift by 17 of 255.
    context.color_primaries, context.color_trc = BT709_PRIMARIES, SRGB_TRANSFER
    context.options = options
    try:
        context.open()
    except (av.error.FFmpegError, OverflowError) as error:
        raise EncoderUnavailable(f"{name} does not open: {error}") from None
    if context.options:  # FFmpeg leaves here what it did not know, and says nothing
        raise EncoderUnavailable(f"{name} did not take {sorted(context.options)}.")
    return context
