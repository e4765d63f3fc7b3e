"""Pixels by mss as it is, where nothing tells of changes: the whole monitor, the pointer not in it."""

from contextlib import suppress

import mss
import numpy as np
from mss.exception import ScreenShotError

from agent.platform.port import Area, Cursor, Image, NoPixels


class PlainPixels:
    """See `port.Pixels`. Belongs to one thread."""

    layout_s = 1.0
    """How long the monitors' places are believed: nothing tells of a new layout."""

    def __init__(self) -> None:
        self._grabber: mss.MSS | None = None

    def monitors(self) -> list[Area]:
        """See `port.Pixels`; mss never asks again, so it is opened again."""
        self.close()
        try:
            self._grabber = mss.MSS()
            primary, found = self._grabber.primary_monitor, self._grabber.monitors[1:]
        except ScreenShotError as error:
            raise NoPixels(str(error)) from None
        ordered = [primary, *(each for each in found if each != primary)]
        return [Area(each["left"], each["top"], each["width"], each["height"]) for each in ordered]

    def grab(self, area: Area) -> Image:
        """See `port.Pixels`; on macOS the image has more pixels than the area has points."""
        place = {"left": area.x, "top": area.y, "width": area.width, "height": area.height}
        try:
            self._grabber = self._grabber or mss.MSS()
            shot = self._grabber.grab(place)
        except ScreenShotError as error:
            raise NoPixels(str(error)) from None
        return np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)

    def cursor(self) -> Cursor | None:
        """See `port.Pixels`."""
        return None

    def close(self) -> None:
        """See `port.Pixels`."""
        if self._grabber is not None:
            with suppress(ScreenShotError):
                self._grabber.close()
            self._grabber = None
