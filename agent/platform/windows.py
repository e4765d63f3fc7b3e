"""Windows under Microsoft Windows, through user32 and dwmapi. Not run by the tests, which have Linux only.

Ours is whatever belongs to this process, so window ids of ours need not be told.
"""

import ctypes
import os
import sys
from collections.abc import Collection
from typing import Any

if sys.platform == "win32":
    from ctypes import wintypes

    GA_ROOT = 2
    CLOAKED = 14
    VIRTUAL_X, VIRTUAL_Y, VIRTUAL_WIDTH, VIRTUAL_HEIGHT = 76, 77, 78, 79
    COLUMNS, ROWS = 9, 3

    class WindowsDesktop:
        """See `port.Desktop`. The functions used are thread-safe and need no connection."""

        def __init__(self) -> None:
            self._user32 = _user32()
            self._dwmapi = ctypes.WinDLL("dwmapi")

        def close(self) -> None:
            """Nothing to give back."""

        def is_own_at(self, x: int, y: int, own: Collection[int]) -> bool:
            """See `port.Desktop`; title bars belong to their window here."""
            return self._is_own(self._user32.WindowFromPoint(wintypes.POINT(x, y)), own)

        def is_own_focused(self, own: Collection[int]) -> bool:
            """See `port.Desktop`. With no foreground window (secure desktop) there is nobody to type to."""
            window = self._user32.GetForegroundWindow()
            return not window or self._is_own(window, own)

        def await_focus(self, x: int, y: int, *, timeout: float) -> None:
            """See `port.Desktop`. Nothing to wait for: a press moves the keyboard before it returns."""

        def _is_own(self, window: int | None, own: Collection[int]) -> bool:
            process = wintypes.DWORD()
            self._user32.GetWindowThreadProcessId(window, ctypes.byref(process))
            return process.value == os.getpid() or (window or 0) in own

        def is_window_visible(self, window: int) -> bool:
            """See `port.Desktop`."""
            area = wintypes.RECT()
            shown = self._user32.IsWindowVisible(window) and not self._user32.IsIconic(window)
            if not shown or self._is_cloaked(window):
                return False
            if not self._user32.GetWindowRect(window, ctypes.byref(area)) or not self._is_on_screen(area):
                return False
            return all(self._is_reached(window, x, y) for x, y in _points(area))

        def _is_cloaked(self, window: int) -> bool:
            """Hidden by the compositor: on another virtual desktop, for one."""
            cloaked = wintypes.DWORD()
            size = ctypes.sizeof(cloaked)
            self._dwmapi.DwmGetWindowAttribute(window, CLOAKED, ctypes.byref(cloaked), size)
            return bool(cloaked.value)

        def _is_on_screen(self, area: wintypes.RECT) -> bool:
            metric = self._user32.GetSystemMetrics
            left, top = metric(VIRTUAL_X), metric(VIRTUAL_Y)
            right, bottom = left + metric(VIRTUAL_WIDTH), top + metric(VIRTUAL_HEIGHT)
            inside = left <= area.left and top <= area.top and area.right <= right and area.bottom <= bottom
            return bool(inside)

        def _is_reached(self, window: int, x: int, y: int) -> bool:
            found = self._user32.WindowFromPoint(wintypes.POINT(x, y))
            return bool(self._user32.GetAncestor(found, GA_ROOT) == window) or self._is_own(found, ())

    def _user32() -> Any:
        """The library with the argument types that are not plain integers."""
        library = ctypes.WinDLL("user32")
        library.WindowFromPoint.argtypes = [wintypes.POINT]
        for name in ("WindowFromPoint", "GetForegroundWindow", "GetAncestor"):
            getattr(library, name).restype = wintypes.HWND
        library.GetAncestor.argtypes = [wintypes.HWND, wintypes.UINT]
        library.GetWindowThreadProcessId.argtypes = [wintypes.HWND, ctypes.c_void_p]
        library.GetWindowRect.argtypes = [wintypes.HWND, ctypes.c_void_p]
        library.IsWindowVisible.argtypes = [wintypes.HWND]
        library.IsIconic.argtypes = [wintypes.HWND]
        return library

    def _points(area: wintypes.RECT) -> list[tuple[int, int]]:
        width, height = area.right - area.left - 1, area.bottom - area.top - 1
        return [
            (area.left + column * width // (COLUMNS - 1), area.top + row * height // (ROWS - 1))
            for column in range(COLUMNS)
            for row in range(ROWS)
        ]
