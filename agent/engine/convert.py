"""Screen pixels to what video encoders take (planar YUV, BT.601, limited range), changed parts only.

libyuv by ctypes where it is installed (0.5 ms for 1920x1080), else FFmpeg's scaler (2 ms): the same picture
within rounding.
"""

import ctypes
import ctypes.util
from collections.abc import Callable, Iterable
from enum import Enum

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from agent.engine.change import Pixels, Rect

Plane = NDArray[np.uint8]


class Chroma(Enum):
    """How finely colours are kept; the values are FFmpeg's name, libyuv's function, and pixels per sample."""

    HALF = ("yuv420p", "ARGBToI420", 2)
    FULL = ("yuv444p", "ARGBToI444", 1)


class Canvas:
    """The picture as the encoder sees it, kept from frame to frame; sides are even.

    `frame` is what PyAV encodes; `y`, `u` and `v` are its memory.
    """

    def __init__(self, width: int, height: int, chroma: Chroma = Chroma.HALF) -> None:
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise ValueError("A canvas has even sides.")
        self.frame = av.VideoFrame(width, height, chroma.value[0])
        self._step = chroma.value[2]
        self.y, self.u, self.v = (
            _plane(plane, width // step, height // step)
            for plane, step in zip(self.frame.planes, (1, self._step, self._step), strict=True)
        )
        self._convert: Callable[[Pixels, Rect], None] = _with_libyuv(self, chroma) or _with_ffmpeg(
            self, chroma
        )

    @property
    def planes(self) -> tuple[tuple[Plane, int], ...]:
        """Each plane, and how many pixels of the screen one of its samples stands for in a row."""
        return ((self.y, 1), (self.u, self._step), (self.v, self._step))

    def paint(self, picture: Pixels, rects: Iterable[Rect]) -> None:
        """Convert these parts of `picture` (at least as large as the canvas; what exceeds it is left out)."""
        height, width = self.y.shape
        for rect in rects:
            right = min(rect.x + rect.width, width)
            bottom = min(rect.y + rect.height, height)
            if right > rect.x and bottom > rect.y:
                self._convert(picture, Rect(rect.x, rect.y, right - rect.x, bottom - rect.y))


def _plane(plane: "av.video.plane.VideoPlane", width: int, height: int) -> Plane:
    """The plane's own memory, all zero."""
    rows: Plane = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    rows[:] = 0
    return rows[:height, :width]


def _with_libyuv(canvas: Canvas, chroma: Chroma = Chroma.HALF) -> Callable[[Pixels, Rect], None] | None:
    name = ctypes.util.find_library("yuv")
    if name is None:
        return None
    # "ARGB" is its name for blue green red alpha in memory.
    function = getattr(ctypes.CDLL(name), chroma.value[1])
    address, number = ctypes.c_void_p, ctypes.c_int
    function.argtypes = (*(address, number) * 4, number, number)
    function.restype = number

    def convert(picture: Pixels, rect: Rect) -> None:
        arguments = _place(picture, rect.x * 4, rect.y)
        for plane, step in canvas.planes:
            arguments += _place(plane, rect.x // step, rect.y // step)
        function(*arguments, rect.width, rect.height)

    return convert


def _place(array: NDArray[np.uint8], x: int, y: int) -> list[int]:
    """Address of a byte in the array, and the bytes per row."""
    return [array.ctypes.data + y * array.strides[0] + x, array.strides[0]]


def _with_ffmpeg(canvas: Canvas, chroma: Chroma = Chroma.HALF) -> Callable[[Pixels, Rect], None]:
    """Whole rows at a time: FFmpeg takes no part of a row."""
    scaler = VideoReformatter()
    width = canvas.y.shape[1]

    def convert(picture: Pixels, rect: Rect) -> None:
        end = rect.y + rect.height
        rows = np.ascontiguousarray(picture[rect.y : end, :width])
        frame = av.VideoFrame.from_numpy_buffer(rows, format="bgra")
        painted = scaler.reformat(
            frame,
            format=chroma.value[0],
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.AREA,
        )
        for (plane, step), source in zip(canvas.planes, painted.planes, strict=True):
            part = np.frombuffer(memoryview(source), np.uint8).reshape(-1, source.line_size)
            plane[rect.y // step : end // step] = part[: rect.height // step, : width // step]

    return convert
