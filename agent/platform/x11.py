"""Windows under X11: which are ours, and whether the indicator can be seen; knows no pixels and no input."""

import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import Xlib.display
import Xlib.error
import Xlib.X

from agent.platform.port import DesktopGone

FRAME_DEPTH = 3
"""Window managers put a client at most this deep inside its frame (KWin: frame, wrapper, client)."""
COLUMNS, ROWS = 9, 3
"""Points of a window that are tested for being covered."""
OPAQUE_ENOUGH = 0.8
FOREIGN_S = 2.0
FOCUS_LOOK_S = 0.002
SHAPE_BOUNDING, SHAPE_INPUT = 0, 2
LOST = (Xlib.error.ConnectionClosedError, Xlib.error.DisplayError, OSError)
GONE = (*LOST, Xlib.error.XError)
"""Windows come and go, displays too, between any two requests."""

Window = Any
Point = tuple[int, int]


@dataclass(frozen=True)
class _Area:
    x: int
    y: int
    width: int
    height: int

    def has(self, point: Point) -> bool:
        x, y = point
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height

    def points(self) -> list[Point]:
        """A grid that reaches from corner to corner."""
        columns = [self.x + index * (self.width - 1) // (COLUMNS - 1) for index in range(COLUMNS)]
        rows = [self.y + index * (self.height - 1) // (ROWS - 1) for index in range(ROWS)]
        return [(x, y) for x in columns for y in rows]


def open_display(name: str | None = None) -> Any:
    """A connection of one's own to the X server, quiet about late errors; DesktopGone if there is none."""
    try:
        display = Xlib.display.Display(name)
    except LOST as error:
        raise DesktopGone(str(error)) from None
    display.set_error_handler(lambda *_: None)
    return display


class X11Desktop:
    """See `port.Desktop`. One connection, one question at a time."""

    def __init__(self, name: str | None = None) -> None:
        self._display = open_display(name)
        self._root = self._display.screen().root
        self._client = ~int(self._display.display.info.resource_id_mask)
        self._lock = threading.Lock()
        self._foreign: dict[tuple[int, frozenset[int]], float] = {}
        """When it was found that a window is not of these clients."""

    def close(self) -> None:
        """Give the connection back."""
        with self._lock, suppress(*GONE):
            self._display.close()

    # --- ours or not -----------------------------------------------------------------------------------

    def is_own_at(self, x: int, y: int, own: Collection[int]) -> bool:
        """See `port.Desktop`; also true where the question cannot be answered."""
        with self._lock, suppress(*GONE):
            return self._is_own_at(x, y, self._clients(own))
        return True

    def is_own_focused(self, own: Collection[int]) -> bool:
        """See `port.Desktop`; also true where the question cannot be answered."""
        with self._lock, suppress(*GONE):
            clients = self._clients(own)
            focus = self._display.get_input_focus().focus
            if focus in (Xlib.X.NONE, Xlib.X.PointerRoot) or focus == self._root:
                pointer = self._root.query_pointer()
                return self._is_own_at(pointer.root_x, pointer.root_y, clients)
            return self._asked(focus, clients, lambda: self._is_own(self._ancestors(focus)[-1], clients))
        return True

    def await_focus(self, x: int, y: int, *, timeout: float) -> None:
        """See `port.Desktop`. The window manager holds a click until it has moved the focus (ICCCM 4.1.7)."""
        deadline = time.monotonic() + timeout
        while not self._is_focused_at(x, y) and time.monotonic() < deadline:
            time.sleep(FOCUS_LOOK_S)

    def _is_focused_at(self, x: int, y: int) -> bool:
        with self._lock, suppress(*GONE):
            focus = self._display.get_input_focus().focus
            if focus in (Xlib.X.NONE, Xlib.X.PointerRoot) or focus == self._root:
                return False
            return self._ancestors(focus)[-1] in self._under(x, y)
        return False

    def _clients(self, own: Collection[int]) -> frozenset[int]:
        """The upper bits of a window id name the client that made it."""
        return frozenset(window & self._client for window in own)

    def _is_own_at(self, x: int, y: int, clients: frozenset[int]) -> bool:
        chain = self._under(x, y)
        if any(window.id & self._client in clients for window in chain):
            return True
        return bool(chain) and self._asked(chain[0], clients, lambda: self._is_own(chain[0], clients))

    def _asked(self, window: Window, clients: frozenset[int], is_own: Callable[[], bool]) -> bool:
        """The answer, if it is no, remembered for a moment: a walk through a frame takes the server 4 ms.

        No window of ours gets into a frame or under a focus that was another's, but by a new window or focus.
        """
        now, key = time.monotonic(), (window.id, clients)
        if now - self._foreign.get(key, -FOREIGN_S) < FOREIGN_S:
            return False
        if is_own():
            return True
        self._foreign = {each: at for each, at in self._foreign.items() if now - at < FOREIGN_S} | {key: now}
        return False

    def _is_own(self, top: Window, clients: frozenset[int]) -> bool:
        """Whether this child of the root is ours, or a window manager's frame around a window of ours."""
        maker = top.id & self._client
        level = [top]
        for _ in range(FRAME_DEPTH + 1):
            if any(window.id & self._client in clients for window in level):
                return True
            inside = [window for window in level if window.id & self._client == maker]
            level = [child for window in inside for child in window.query_tree().children]
        return False

    def _under(self, x: int, y: int) -> list[Window]:
        """The windows at a place, outermost first, as the X server would deliver a press there."""
        chain: list[Window] = []
        child = self._root.translate_coords(self._root, x, y).child
        while child != Xlib.X.NONE:
            chain.append(child)
            child = child.translate_coords(self._root, x, y).child
        return chain

    def _ancestors(self, window: Window) -> list[Window]:
        """The window, its parent and so on up to the child of the root."""
        chain = [window]
        while (parent := chain[-1].query_tree().parent) != self._root and parent != Xlib.X.NONE:
            chain.append(parent)
        return chain

    # --- visible or not --------------------------------------------------------------------------------

    def is_window_visible(self, window: int) -> bool:
        """See `port.Desktop`."""
        with self._lock, suppress(*GONE):
            return self._is_visible(self._display.create_resource_object("window", window))
        return False

    def _is_visible(self, window: Window) -> bool:
        if window.get_attributes().map_state != Xlib.X.IsViewable:
            return False
        chain = self._ancestors(window)
        points = self._area(window).points()
        if min(self._opacity(each) for each in chain) < OPAQUE_ENOUGH or not self._are_on_screen(points):
            return False
        reached = all(window in self._under(x, y) or self._is_own_point(x, y, window) for x, y in points)
        return reached and not self._is_covered(chain[-1], points)

    def _is_own_point(self, x: int, y: int, window: Window) -> bool:
        """A menu or dialog of ours over the bar does not hide it from the person."""
        return self._is_own_at(x, y, self._clients([window.id]))

    def _area(self, window: Window) -> _Area:
        geometry = window.get_geometry()
        # "Translate the root's origin" gives the root's place as the window sees it: the way back.
        origin = window.translate_coords(self._root, 0, 0)
        return _Area(-origin.x, -origin.y, geometry.width, geometry.height)

    def _are_on_screen(self, points: list[Point]) -> bool:
        """On the root window and, where the server tells, on a monitor that is on."""
        screens = [_Area(0, 0, self._root.get_geometry().width, self._root.get_geometry().height)]
        if self._display.has_extension("RANDR"):
            found = self._root.xrandr_get_monitors().monitors
            monitors = [_Area(each.x, each.y, each.width_in_pixels, each.height_in_pixels) for each in found]
            screens = monitors or screens
        return all(any(screen.has(point) for screen in screens) for point in points)

    def _opacity(self, window: Window) -> float:
        """1 is opaque; what a person has set on a window for the compositor to obey."""
        atom = self._display.intern_atom("_NET_WM_WINDOW_OPACITY")
        found = window.get_full_property(atom, Xlib.X.AnyPropertyType)
        return float(found.value[0]) / 0xFFFFFFFF if found and len(found.value) else 1.0

    def _is_covered(self, top: Window, points: list[Point]) -> bool:
        """Whether a window above hides one of the points, be it one that lets presses through."""
        stacked = self._root.query_tree().children
        above = stacked[stacked.index(top) + 1 :]
        clients = self._clients([top.id])
        return any(self._hides(window, points) for window in above if not self._is_own(window, clients))

    def _hides(self, window: Window, points: list[Point]) -> bool:
        try:
            attributes = window.get_attributes()
            if attributes.map_state != Xlib.X.IsViewable or attributes.win_class != Xlib.X.InputOutput:
                return False
            area = self._area(window)
            return any(area.has(point) for point in points) and not self._is_stage(window, area)
        except Xlib.error.XError:
            return False  # gone meanwhile

    def _is_stage(self, window: Window, area: _Area) -> bool:
        """The compositor's own overlay, on which it paints everything: as large as the root, for no press."""
        name = f"_NET_WM_CM_S{self._display.get_default_screen()}"
        root = self._root.get_geometry()
        is_whole = (area.x, area.y, area.width, area.height) == (0, 0, root.width, root.height)
        if not is_whole or self._display.get_selection_owner(self._display.intern_atom(name)) == Xlib.X.NONE:
            return False
        return not window.shape_get_rectangles(SHAPE_INPUT).rectangles
