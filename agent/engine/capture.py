"""The primary monitor's pixels by mss, with the pointer where mss can draw it; knows no grants, no encoder.

Belongs to one thread. The memory that mss hands out is used as it is: its `.rgb` and `.bgra` copy.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import mss
import numpy as np
from mss.exception import ScreenShotError

from agent.engine.change import Pixels

LAYOUT_S = 1.0
"""How long the monitors' places are believed; mss itself never asks again."""

# mss tells of a lost X server by a failed assertion.
FAILURES = (ScreenShotError, AssertionError)


class ScreenUnreadable(Exception):
    """No picture right now: a lock screen that forbids it, a change of resolution, or no display at all."""


@dataclass(frozen=True)
class Monitor:
    """Where the captured picture lies on the desktop, in desktop units (not always pixels: macOS)."""

    left: int
    top: int
    width: int
    height: int

    def desktop_place(self, x: int, y: int, *, picture: tuple[int, int]) -> tuple[int, int]:
        """The desktop coordinates of a pixel of a `picture` of this (width, height); kept on the monitor."""
        across, down = picture
        right = min(x * self.width // across, self.width - 1)
        below = min(y * self.height // down, self.height - 1)
        return self.left + right, self.top + below


@dataclass(frozen=True)
class Picture:
    """One grab: its pixels, when it was taken (microseconds of the monotonic clock) and from where."""

    pixels: Pixels
    taken_us: int
    monitor: Monitor


class Screen:
    """Takes pictures of the primary monitor; reopens by itself after failures and layout changes."""

    def __init__(self, *, clock_ns: Callable[[], int], display: str | None = None) -> None:
        self._clock_ns = clock_ns
        self._display = display
        self._grabber: mss.MSS | None = None
        self._monitor = Monitor(0, 0, 0, 0)
        self._believed_until = 0

    def grab(self) -> Picture:
        """The screen as it is now, or ScreenUnreadable."""
        now = self._clock_ns()
        if now >= self._believed_until:
            self.close()
        try:
            shot = self._opened(now).grab(_as_mss(self._monitor))
        except FAILURES as error:
            self.close()
            raise ScreenUnreadable(str(error)) from None
        pixels = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
        return Picture(pixels, now // 1000, self._monitor)

    def close(self) -> None:
        """Give the display back; the next grab opens it again."""
        if self._grabber is not None:
            with suppress(*FAILURES):
                self._grabber.close()
            self._grabber = None

    def _opened(self, now: int) -> mss.MSS:
        if self._grabber is None:
            self._grabber = _open(self._display)
            found = self._grabber.primary_monitor
            self._monitor = Monitor(found["left"], found["top"], found["width"], found["height"])
            self._believed_until = now + int(LAYOUT_S * 1e9)
        return self._grabber


def _open(display: str | None) -> mss.MSS:
    if sys.platform in ("win32", "darwin"):
        return mss.MSS()
    return mss.MSS(display=display, with_cursor=True)


def _as_mss(monitor: Monitor) -> dict[str, int]:
    return {"left": monitor.left, "top": monitor.top, "width": monitor.width, "height": monitor.height}
