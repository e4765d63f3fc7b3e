"""One monitor's picture, kept from look to look: only what may have changed is read, only what has is copied.

Belongs to one thread; knows no grants and no encoder. The pointer is drawn into the picture.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np

from agent.engine.change import Pixels, Rect, changes, gathered, overlap, whole
from agent.platform import Area, Cursor, NoPixels
from agent.platform import Pixels as Source


class ScreenUnreadable(Exception):
    """No picture right now: a lock screen that forbids it, a change of resolution, or no display at all."""


class ReadingRefused(Exception):
    """Nobody may read the screen any more; what this look has seen so far is no picture."""


Reading = Callable[[], AbstractContextManager[bool]]
"""Entered around every single read of the screen; says whether it may be done."""


@dataclass(frozen=True)
class Monitor:
    """Where the captured picture lies on the desktop, in desktop units (not always pixels: macOS)."""

    left: int
    top: int
    width: int
    height: int
    number: int = 0
    """Its place in the list, 0 is the primary one."""

    def desktop_place(self, x: int, y: int, *, picture: tuple[int, int]) -> tuple[int, int]:
        """The desktop coordinates of a pixel of a `picture` of this (width, height); kept on the monitor."""
        across, down = picture
        right = min(x * self.width // across, self.width - 1)
        below = min(y * self.height // down, self.height - 1)
        return self.left + right, self.top + below


@dataclass(frozen=True)
class Picture:
    """What one look has seen. The pixels are the screen's own memory: the next look changes them in place."""

    pixels: Pixels
    changed: tuple[Rect, ...]
    """What differs from the look before; everything, if there was none of this size."""
    taken_us: int
    """Microseconds of the monotonic clock."""
    monitor: Monitor


class Screen:
    """Looks at one monitor, the primary one unless told; opens its source again after a failure."""

    def __init__(self, *, clock_ns: Callable[[], int], open_source: Callable[[], Source]) -> None:
        self._clock_ns = clock_ns
        self._open_source = open_source
        self._source: Source | None = None
        self._wanted = 0
        self._monitor = Monitor(0, 0, 0, 0)
        self.monitors: tuple[Monitor, ...] = ()
        """All there are, as of the latest look that asked."""
        self._believed_until = 0
        self._pixels: Pixels | None = None
        self._pointer: _Drawn | None = None

    def look(self, areas: tuple[Area, ...] | None, reading: Reading) -> Picture:
        """The screen as it is now, where only `areas` may have changed (None: anything).

        Raises ScreenUnreadable, or ReadingRefused as soon as `reading` says no; after either the next look
        sees everything afresh. Nothing but the reads themselves is done inside `reading`.
        """
        now = self._clock_ns()
        try:
            source = self._source = self._source or self._open_source()
            if areas is None or self._pixels is None:
                self._find_monitor(source, now)
            changed = self._see(_Read(source, reading), areas)
        except ReadingRefused:
            self._pixels = self._pointer = None
            raise
        except NoPixels as error:
            self.close()
            raise ScreenUnreadable(str(error)) from None
        if self._pixels is None:
            raise ScreenUnreadable
        return Picture(self._pixels, changed, now // 1000, self._monitor)

    def choose(self, number: int) -> bool:
        """Look at this monitor from the next look on (the primary one while it is not there); is it news?"""
        if number == self._wanted:
            return False
        self._wanted = number
        self._pixels = self._pointer = None
        return True

    def close(self) -> None:
        """Give the display back; the next look opens it again."""
        if self._source is not None:
            self._source.close()
        self._source = self._pixels = self._pointer = None

    def _find_monitor(self, source: Source, now: int) -> None:
        if self._pixels is not None and now < self._believed_until:
            return
        found = enumerate(source.monitors())
        self.monitors = tuple(Monitor(a.x, a.y, a.width, a.height, number) for number, a in found)
        monitor = self.monitors[self._wanted if self._wanted < len(self.monitors) else 0]
        if monitor != self._monitor:
            self._pixels = self._pointer = None
        self._monitor = monitor
        self._believed_until = now + int(source.layout_s * 1e9)

    def _see(self, source: "_Read", areas: tuple[Area, ...] | None) -> tuple[Rect, ...]:
        pixels = self._pixels
        if pixels is not None and self._pointer is not None:
            self._pointer.lift(pixels)
        if pixels is None or areas is None:
            changed = self._see_all(source)
        else:
            changed = [
                found for rect in self._inside(areas) for found in self._see_part(source, pixels, rect)
            ]
        return self._with_pointer(source, changed)

    def _see_all(self, source: "_Read") -> list[Rect]:
        monitor = self._monitor
        seen = source.grab(Area(monitor.left, monitor.top, monitor.width, monitor.height))
        if self._pixels is None or self._pixels.shape != seen.shape:
            self._pixels, self._pointer = seen.copy(), None
            return list(whole(seen))
        return _taken_over(self._pixels, seen, Rect(0, 0, seen.shape[1], seen.shape[0]))

    def _see_part(self, source: "_Read", pixels: Pixels, rect: Rect) -> list[Rect]:
        monitor = self._monitor
        seen = source.grab(Area(monitor.left + rect.x, monitor.top + rect.y, rect.width, rect.height))
        return _taken_over(pixels, seen, rect)

    def _inside(self, areas: tuple[Area, ...]) -> tuple[Rect, ...]:
        """Whole tiles of the picture that cover these parts of the desktop."""
        left, top = self._monitor.left, self._monitor.top
        rects = (Rect(area.x - left, area.y - top, area.width, area.height) for area in areas)
        return gathered(rects, self._monitor.width, self._monitor.height)

    def _with_pointer(self, source: "_Read", changed: list[Rect]) -> tuple[Rect, ...]:
        """Draw the pointer; where it was and where it is has changed, unless it is the same."""
        pixels, before = self._pixels, self._pointer
        if pixels is None:
            return ()
        cursor = source.cursor()
        self._pointer = _Drawn.on(pixels, cursor, self._monitor) if cursor else None
        if not _is_same(before, self._pointer):
            changed += [drawn.rect for drawn in (before, self._pointer) if drawn is not None]
        height, width, _ = pixels.shape
        return gathered(changed, width, height)


@dataclass(frozen=True)
class _Read:
    """The source, where every read has to be allowed."""

    source: Source
    reading: Reading

    def grab(self, area: Area) -> Pixels:
        with self.reading() as allowed:
            if not allowed:
                raise ReadingRefused
            return self.source.grab(area)

    def cursor(self) -> Cursor | None:
        with self.reading() as allowed:
            if not allowed:
                raise ReadingRefused
            return self.source.cursor()


def _taken_over(pixels: Pixels, seen: Pixels, rect: Rect) -> list[Rect]:
    """Copy what differs in this part of the picture; where that was."""
    part = pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
    found = changes(part, seen)
    for each in found:
        place = np.s_[each.y : each.y + each.height, each.x : each.x + each.width]
        part[place] = seen[place]
    return [replace(each, x=rect.x + each.x, y=rect.y + each.y) for each in found]


@dataclass(frozen=True)
class _Drawn:
    """The pointer in the picture, and what it hides."""

    cursor: Cursor
    rect: Rect
    hidden: Pixels

    @classmethod
    def on(cls, pixels: Pixels, cursor: Cursor, monitor: Monitor) -> "_Drawn | None":
        """Draw it, if any of it is on this monitor."""
        height, width, _ = cursor.image.shape
        x, y = cursor.x - monitor.left, cursor.y - monitor.top
        rect = overlap(Rect(x, y, width, height), *whole(pixels))
        if rect is None:
            return None
        place = pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
        hidden = place.copy()
        image = cursor.image[rect.y - y :, rect.x - x :][: rect.height, : rect.width]
        shade = 255 - image[:, :, 3:].astype(np.uint16)
        place[:] = image + (place * shade // 255).astype(np.uint8)
        return cls(cursor, rect, hidden)

    def lift(self, pixels: Pixels) -> None:
        """Put back what it hides."""
        rect = self.rect
        pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = self.hidden


def _is_same(before: _Drawn | None, now: _Drawn | None) -> bool:
    if before is None or now is None:
        return before is now
    return before.rect == now.rect and np.array_equal(before.cursor.image, now.cursor.image)
