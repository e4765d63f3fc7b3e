"""Windows under macOS, through Quartz (pynput brings the binding). Not run by the tests: Linux only there.

Ours is whatever belongs to this process, so window ids of ours need not be told.
"""

import os
import sys
from collections.abc import Collection, Mapping
from typing import Any

if sys.platform == "darwin":
    import Quartz

    COLUMNS, ROWS = 9, 3
    OPAQUE_ENOUGH = 0.8

    class MacDesktop:
        """See `port.Desktop`. Quartz may be asked from any thread and needs no connection."""

        def close(self) -> None:
            """Nothing to give back."""

        def is_own_at(self, x: int, y: int, own: Collection[int]) -> bool:
            """See `port.Desktop`."""
            for window in _stacked():
                if _has(window, x, y):
                    return _is_own(window, own)
            return False

        def is_own_focused(self, own: Collection[int]) -> bool:
            """See `port.Desktop`: keys go to the process of the frontmost ordinary window."""
            ordinary = [window for window in _stacked() if window["kCGWindowLayer"] == 0]
            return not ordinary or _is_own(ordinary[0], own)

        def await_focus(self, x: int, y: int, *, timeout: float) -> None:
            """See `port.Desktop`. Nothing to wait for: a press moves the keyboard before it returns."""

        def is_window_visible(self, window: int) -> bool:
            """See `port.Desktop`."""
            stacked = _stacked()
            places = [index for index, each in enumerate(stacked) if each["kCGWindowNumber"] == window]
            if not places or stacked[places[0]].get("kCGWindowAlpha", 1.0) < OPAQUE_ENOUGH:
                return False
            points = _points(stacked[places[0]])
            above = [each for each in stacked[: places[0]] if not _is_own(each, ())]
            covered = any(_has(each, x, y) for each in above for x, y in points)
            return not covered and all(_is_on_screen(x, y) for x, y in points)

    def _stacked() -> list[Mapping[str, Any]]:
        """The windows on screen, topmost first."""
        wanted = Quartz.kCGWindowListOptionOnScreenOnly | Quartz.kCGWindowListExcludeDesktopElements
        return list(Quartz.CGWindowListCopyWindowInfo(wanted, Quartz.kCGNullWindowID) or ())

    def _is_own(window: Mapping[str, Any], own: Collection[int]) -> bool:
        return bool(window["kCGWindowOwnerPID"] == os.getpid() or window["kCGWindowNumber"] in own)

    def _has(window: Mapping[str, Any], x: int, y: int) -> bool:
        bounds = window["kCGWindowBounds"]
        inside_x = bounds["X"] <= x < bounds["X"] + bounds["Width"]
        return bool(inside_x and bounds["Y"] <= y < bounds["Y"] + bounds["Height"])

    def _points(window: Mapping[str, Any]) -> list[tuple[int, int]]:
        bounds = window["kCGWindowBounds"]
        left, top = int(bounds["X"]), int(bounds["Y"])
        width, height = int(bounds["Width"]) - 1, int(bounds["Height"]) - 1
        return [
            (left + column * width // (COLUMNS - 1), top + row * height // (ROWS - 1))
            for column in range(COLUMNS)
            for row in range(ROWS)
        ]

    def _is_on_screen(x: int, y: int) -> bool:
        _, _, count = Quartz.CGGetDisplaysWithPoint((x, y), 1, None, None)
        return bool(count)
