"""Pixels of an X screen by mss's shared memory, without its copy; knows no pictures and no encoder.

Whole screens and parts cost what the X server takes to copy them (1920x1080: 0.7 ms, a tile: 0.05 ms).
Nothing here goes through libX11, which ends the process when the server is gone.
"""

from contextlib import suppress
from typing import Any

import numpy as np
from mss.exception import ScreenShotError
from mss.linux import xcbgen
from mss.linux.base import ALL_PLANES
from mss.linux.xshmgetimage import MSSImplXShmGetImage

from agent.platform.port import Area, Cursor, Image, NoPixels

FAILURES = (ScreenShotError, AssertionError, OSError)
"""mss tells of a lost X server by a failed assertion."""


class X11Pixels:
    """See `port.Pixels`. One connection, one thread."""

    layout_s = 0.0
    """The server tells of every new layout."""

    def __init__(self, name: str | None = None) -> None:
        try:
            self._screen = _SharedMemory(display=name)
        except FAILURES as error:
            raise NoPixels(str(error)) from None

    def monitors(self) -> list[Area]:
        """See `port.Pixels`."""
        try:
            found: list[Any] = self._screen.monitors()
        except FAILURES as error:
            raise NoPixels(str(error)) from None
        ordered = sorted(found[1:], key=lambda each: not each.get("is_primary", False)) or found
        return [Area(each["left"], each["top"], each["width"], each["height"]) for each in ordered]

    def grab(self, area: Area) -> Image:
        """See `port.Pixels`."""
        place = {"left": area.x, "top": area.y, "width": area.width, "height": area.height}
        try:
            pixels = self._screen.grab(place)
        except FAILURES as error:
            raise NoPixels(str(error)) from None
        return np.frombuffer(pixels, np.uint8).reshape(area.height, area.width, 4)

    def cursor(self) -> Cursor | None:
        """See `port.Pixels`."""
        try:
            found = self._screen.cursor()
        except FAILURES:
            return None
        image = np.frombuffer(found.raw, np.uint8).reshape(found.height, found.width, 4)
        return Cursor(found.left, found.top, image)

    def close(self) -> None:
        """See `port.Pixels`."""
        with suppress(*FAILURES, BufferError):
            self._screen.close()


class _SharedMemory(MSSImplXShmGetImage):
    """mss's own way, falling back to plain requests where it must, but for the copy of what was grabbed."""

    def _grab_xshmgetimage(self, monitor: Any) -> Any:
        size = monitor["width"] * monitor["height"] * 4
        if self.conn is None or self._buf is None or self._shmseg is None or size > self._bufsize:
            raise ScreenShotError("The screen has become larger than the memory for it, or is closed.")
        place = (monitor["left"], monitor["top"], monitor["width"], monitor["height"])
        whole_pixels = (ALL_PLANES, xcbgen.ImageFormat.ZPixmap)
        xcbgen.shm_get_image(self.conn, self.drawable, *place, *whole_pixels, self._shmseg, 0)
        return memoryview(self._buf)[:size]
