"""Looks at a screen: only what is told is read, only what differs reported, the pointer drawn over it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import pytest

from agent.engine import capture
from agent.engine.capture import ReadingRefused, Screen, ScreenUnreadable
from agent.engine.change import Pixels, Rect
from agent.platform import Area, Cursor, NoPixels

pytestmark = pytest.mark.unit

EVERYTHING = Rect(0, 0, 320, 200)


class Glass:
    """A desktop in memory, of which the monitor shows a part."""

    layout_s = 0.0

    def __init__(self) -> None:
        self.desktop: Pixels = np.zeros((400, 600, 4), np.uint8)
        self.monitor = Area(100, 50, 320, 200)
        self.others: list[Area] = []
        self.pointer: Cursor | None = None
        self.reads: list[Area] = []
        self.is_readable = True

    def monitors(self) -> list[Area]:
        return [self.monitor, *self.others]

    def grab(self, area: Area) -> Pixels:
        if not self.is_readable:
            raise NoPixels
        self.reads.append(area)
        return self.desktop[area.y : area.y + area.height, area.x : area.x + area.width].copy()

    def cursor(self) -> Cursor | None:
        return self.pointer

    def close(self) -> None:
        pass


def freely() -> AbstractContextManager[bool]:
    return nullcontext(enter_result=True)


@pytest.fixture
def glass() -> Glass:
    return Glass()


@pytest.fixture
def screen(glass: Glass) -> Screen:
    screen = Screen(clock_ns=lambda: 7000, open_source=lambda: glass)
    assert screen.look(None, freely).changed == (EVERYTHING,)
    glass.reads.clear()
    return screen


def arrow(x: int, y: int, *, shade: int = 255) -> Cursor:
    return Cursor(x, y, np.full((16, 16, 4), shade, np.uint8))


def test_only_what_is_told_is_read_and_only_what_differs_is_reported(glass, screen):
    glass.desktop[60:70, 110:300] = 9
    glass.desktop[240, 400] = 9
    seen = screen.look((Area(110, 60, 30, 5), Area(90, 40, 12, 12)), freely)
    assert glass.reads == [Area(100, 50, 64, 64)]
    assert seen.changed == (Rect(0, 0, 64, 64),)
    assert seen.pixels[10, 10, 0] == 9
    assert seen.pixels[190, 300, 0] == 0
    assert (seen.taken_us, seen.monitor.left) == (7, 100)


def test_what_was_painted_the_same_has_not_changed(screen):
    assert screen.look((Area(100, 50, 320, 200),), freely).changed == ()
    assert screen.look(None, freely).changed == ()


def test_what_is_beside_the_monitor_is_not_read(glass, screen):
    assert screen.look((Area(0, 0, 50, 50), Area(500, 300, 90, 90)), freely).changed == ()
    assert glass.reads == []


def test_the_pointer_is_drawn_and_leaves_nothing_behind(glass, screen):
    glass.pointer = arrow(110, 60)
    seen = screen.look((), freely)
    assert seen.changed == (Rect(0, 0, 64, 64),)
    assert (seen.pixels[10:26, 10:26] == 255).all()
    glass.desktop[50:250, 100:420] = 40
    glass.pointer = arrow(300, 60)
    seen = screen.look((Area(100, 50, 320, 200),), freely)
    assert (seen.pixels[10:26, 10:26] == 40).all()
    assert (seen.pixels[10:26, 200:216] == 255).all()


def test_a_resting_pointer_is_no_change_and_another_one_is(glass, screen):
    glass.pointer = arrow(110, 60)
    screen.look((), freely)
    assert screen.look((), freely).changed == ()
    glass.pointer = arrow(110, 60, shade=200)
    assert screen.look((), freely).changed == (Rect(0, 0, 64, 64),)


def test_half_a_pointer_at_the_edge_and_none_beside_the_monitor(glass, screen):
    glass.pointer = arrow(412, 242)
    seen = screen.look((), freely)
    assert (seen.pixels[192:, 312:] == 255).all()
    glass.pointer = arrow(430, 60)
    assert not screen.look((), freely).pixels.any()


def test_a_transparent_pointer_lets_the_picture_through(glass, screen):
    glass.desktop[:] = 100
    image = np.zeros((16, 16, 4), np.uint8)
    image[:8] = (50, 50, 50, 127)
    glass.pointer = Cursor(100, 50, image)
    seen = screen.look(None, freely)
    assert seen.pixels[0, 0, 0] == 50 + 100 * 128 // 255
    assert seen.pixels[12, 12, 0] == 100


def test_another_place_or_size_of_the_monitor_is_a_new_picture(glass, screen):
    glass.monitor = Area(0, 0, 200, 100)
    seen = screen.look(None, freely)
    assert seen.pixels.shape == (100, 200, 4)
    assert seen.changed == (Rect(0, 0, 200, 100),)


def test_after_a_failure_everything_is_seen_afresh(glass, screen):
    glass.is_readable = False
    with pytest.raises(ScreenUnreadable):
        screen.look(None, freely)
    glass.is_readable = True
    assert screen.look((), freely).changed == (EVERYTHING,)


@pytest.mark.parametrize("reads", [0, 1, 2])
def test_a_refused_read_ends_the_look_and_the_next_one_sees_everything(glass, screen, reads):
    left = reads

    @contextmanager
    def reading() -> Iterator[bool]:
        nonlocal left
        left -= 1
        yield left >= 0

    glass.desktop[:] = 9
    with pytest.raises(ReadingRefused):
        screen.look((Area(100, 50, 8, 8), Area(300, 200, 8, 8)), reading)
    assert len(glass.reads) == reads
    seen = screen.look((), freely)
    assert seen.changed == (EVERYTHING,)
    assert (seen.pixels == 9).all()


def test_what_is_made_of_a_read_is_made_outside_of_it(screen, monkeypatch):
    """A stop waits for whoever reads; it must not wait for the comparison as well."""
    inside = False
    compared: list[bool] = []

    @contextmanager
    def reading() -> Iterator[bool]:
        nonlocal inside
        inside = True
        yield True
        inside = False

    compare = capture.changes
    monkeypatch.setattr(capture, "changes", lambda *parts: compared.append(inside) or compare(*parts))
    screen.look(None, reading)
    screen.look((Area(100, 50, 8, 8),), reading)
    assert compared == [False, False]


def test_the_chosen_monitor_is_looked_at_and_the_primary_one_while_it_is_not_there(glass, screen):
    assert screen.choose(1)
    assert not screen.choose(1), "no news"
    assert screen.look((), freely).monitor.number == 0
    glass.others = [Area(420, 50, 100, 80)]
    seen = screen.look(None, freely)
    assert (seen.monitor.number, seen.changed, seen.pixels.shape) == (1, (Rect(0, 0, 100, 80),), (80, 100, 4))
    assert [each.number for each in screen.monitors] == [0, 1]
    glass.others = []
    seen = screen.look(None, freely)
    assert (seen.monitor.number, seen.changed) == (0, (EVERYTHING,))
