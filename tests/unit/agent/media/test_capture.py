"""Looks at a screen: only what is told is read, only what differs reported, the pointer drawn over it."""

import numpy as np
import pytest

from agent.engine.capture import Screen, ScreenUnreadable
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
        self.pointer: Cursor | None = None
        self.reads: list[Area] = []
        self.is_readable = True

    def monitors(self) -> list[Area]:
        return [self.monitor]

    def grab(self, area: Area) -> Pixels:
        if not self.is_readable:
            raise NoPixels
        self.reads.append(area)
        return self.desktop[area.y : area.y + area.height, area.x : area.x + area.width].copy()

    def cursor(self) -> Cursor | None:
        return self.pointer

    def close(self) -> None:
        pass


@pytest.fixture
def glass() -> Glass:
    return Glass()


@pytest.fixture
def screen(glass: Glass) -> Screen:
    screen = Screen(clock_ns=lambda: 7000, open_source=lambda: glass)
    assert screen.look(None).changed == (EVERYTHING,)
    glass.reads.clear()
    return screen


def arrow(x: int, y: int, *, shade: int = 255) -> Cursor:
    return Cursor(x, y, np.full((16, 16, 4), shade, np.uint8))


def test_only_what_is_told_is_read_and_only_what_differs_is_reported(glass, screen):
    glass.desktop[60:70, 110:300] = 9
    glass.desktop[240, 400] = 9
    seen = screen.look((Area(110, 60, 30, 5), Area(90, 40, 12, 12)))
    assert glass.reads == [Area(100, 50, 64, 64)]
    assert seen.changed == (Rect(0, 0, 64, 64),)
    assert seen.pixels[10, 10, 0] == 9
    assert seen.pixels[190, 300, 0] == 0
    assert (seen.taken_us, seen.monitor.left) == (7, 100)


def test_what_was_painted_the_same_has_not_changed(screen):
    assert screen.look((Area(100, 50, 320, 200),)).changed == ()
    assert screen.look(None).changed == ()


def test_what_is_beside_the_monitor_is_not_read(glass, screen):
    assert screen.look((Area(0, 0, 50, 50), Area(500, 300, 90, 90))).changed == ()
    assert glass.reads == []


def test_the_pointer_is_drawn_and_leaves_nothing_behind(glass, screen):
    glass.pointer = arrow(110, 60)
    seen = screen.look(())
    assert seen.changed == (Rect(0, 0, 64, 64),)
    assert (seen.pixels[10:26, 10:26] == 255).all()
    glass.desktop[50:250, 100:420] = 40
    glass.pointer = arrow(300, 60)
    seen = screen.look((Area(100, 50, 320, 200),))
    assert (seen.pixels[10:26, 10:26] == 40).all()
    assert (seen.pixels[10:26, 200:216] == 255).all()


def test_a_resting_pointer_is_no_change_and_another_one_is(glass, screen):
    glass.pointer = arrow(110, 60)
    screen.look(())
    assert screen.look(()).changed == ()
    glass.pointer = arrow(110, 60, shade=200)
    assert screen.look(()).changed == (Rect(0, 0, 64, 64),)


def test_half_a_pointer_at_the_edge_and_none_beside_the_monitor(glass, screen):
    glass.pointer = arrow(412, 242)
    seen = screen.look(())
    assert (seen.pixels[192:, 312:] == 255).all()
    glass.pointer = arrow(430, 60)
    assert not screen.look(()).pixels.any()


def test_a_transparent_pointer_lets_the_picture_through(glass, screen):
    glass.desktop[:] = 100
    image = np.zeros((16, 16, 4), np.uint8)
    image[:8] = (50, 50, 50, 127)
    glass.pointer = Cursor(100, 50, image)
    seen = screen.look(None)
    assert seen.pixels[0, 0, 0] == 50 + 100 * 128 // 255
    assert seen.pixels[12, 12, 0] == 100


def test_another_place_or_size_of_the_monitor_is_a_new_picture(glass, screen):
    glass.monitor = Area(0, 0, 200, 100)
    seen = screen.look(None)
    assert seen.pixels.shape == (100, 200, 4)
    assert seen.changed == (Rect(0, 0, 200, 100),)


def test_after_a_failure_everything_is_seen_afresh(glass, screen):
    glass.is_readable = False
    with pytest.raises(ScreenUnreadable):
        screen.look(None)
    glass.is_readable = True
    assert screen.look(()).changed == (EVERYTHING,)
