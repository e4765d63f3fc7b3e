"""Screen pixels to what the encoder takes (planar YUV 4:2:0, BT.601, limited range), changed parts only.

libyuv by ctypes where it is installed (0.5 ms for 1920x1080), else FFmpeg's scaler (2 ms): the same picture
within rounding.
"""

import ctypes
import ctypes.util
from collections.abc import Callable, Iterable

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from agent.engine.change import Pixels, Rect

Plane = NDArray[np.uint8]


class Canvas:
    """The picture as the encoder sees it, kept from frame to frame; sides are even.

    `planes` is one array of height * 3/2 rows: luma, then both chroma planes, as PyAV's yuv420p wants it.
    """

    def __init__(self, width: int, height: int) -> None:
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise ValueError("A canvas has even sides.")
        self.planes: Plane = np.zeros((height * 3 // 2, width), np.uint8)
        flat = self.planes.reshape(-1)
        luma, chroma = width * height, width * height // 4
        self.y = flat[:luma].reshape(height, width)
        self.u = flat[luma : luma + chroma].reshape(height // 2, width // 2)
        self.v = flat[luma + chroma :].reshape(height // 2, width // 2)
        self._convert: Callable[[Pixels, Rect], None] = _with_libyuv(self) or _with_ffmpeg(self)

    def paint(self, picture: Pixels, rects: Iterable[Rect]) -> None:
        """Convert these parts of `picture` (at least as large as the canvas; what exceeds it is left out)."""
        height, width = self.y.shape
        for rect in rects:
            right = min(rect.x + rect.width, width)
            bottom = min(rect.y + rect.height, height)
            if right > rect.x and bottom > rect.y:
                self._convert(picture, Rect(rect.x, rect.y, right - rect.x, bottom - rect.y))


def _with_libyuv(canvas: Canvas) -> Callable[[Pixels, Rect], None] | None:
    name = ctypes.util.find_library("yuv")
    if name is None:
        return None
    function = ctypes.CDLL(name).ARGBToI420  # "ARGB" is its name for blue green red alpha in memory
    address, number = ctypes.c_void_p, ctypes.c_int
    function.argtypes = (*(address, number) * 4, number, number)
    function.restype = number
    planes = ((canvas.y, 1), (canvas.u, 2), (canvas.v, 2))

    def convert(picture: Pixels, rect: Rect) -> None:
        arguments = _place(picture, rect.x * 4, rect.y)
        for plane, step in planes:
            arguments += _place(plane, rect.x // step, rect.y // step)
        function(*arguments, rect.width, rect.height)

    return convert


def _place(array: NDArray[np.uint8], x: int, y: int) -> list[int]:
    """Address of a byte in the array, and the bytes per row."""
    return [array.ctypes.data + y * array.strides[0] + x, array.strides[0]]


def _with_ffmpeg(canvas: Canvas) -> Callable[[Pixels, Rect], None]:
    """Whole rows at a time: FFmpeg takes no part of a row."""
    scaler = VideoReformatter()
    width = canvas.y.shape[1]

    def convert(picture: Pixels, rect: Rect) -> None:
        end = rect.y + rect.height
        rows = np.ascontiguousarray(picture[rect.y : end, :width])
        frame = av.VideoFrame.from_numpy_buffer(rows, format="bgra")
        painted = scaler.reformat(
            frame,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.AREA,
        )
        for number, (plane, step) in enumerate(((canvas.y, 1), (canvas.u, 2), (canvas.v, 2))):
            source = painted.planes[number]
            part = np.frombuffer(memoryview(source), np.uint8).reshape(-1, source.line_size)
            plane[rect.y // step : end // step] = part[: rect.height // step, : width // step]

    return convert
