"""Whether the indicator can be seen: asked of the real X server, answered as a person would."""

from collections.abc import Iterator

import pytest
import Xlib.X
import Xlib.Xatom

from agent import platform
from agent.platform.x11 import X11Desktop
from tests.support.witness import Witness, witness
from tests.support.xvfb import Screen, xvfb

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with xvfb(width=1000, height=700) as started:
        yield started


@pytest.fixture
def desktop(screen: Screen) -> Iterator[X11Desktop]:
    opened = X11Desktop(screen.display)
    yield opened
    opened.close()


@pytest.fixture
def bar(screen: Screen) -> Iterator[Witness]:
    with witness(screen.display, x=200, y=0, width=600, height=48) as shown:
        yield shown


def test_a_bar_in_the_open_is_visible(desktop, bar):
    assert desktop.is_window_visible(bar.window.id)


def test_a_window_beside_it_does_not_matter(desktop, bar, screen):
    with witness(screen.display, x=200, y=48, width=600, height=100):
        assert desktop.is_window_visible(bar.window.id)


@pytest.mark.parametrize("x", [150, 480, 790])
def test_covered_at_an_end_or_in_the_middle_it_is_not_visible(desktop, bar, screen, x):
    with witness(screen.display, x=x, y=10, width=60, height=100) as cover:
        assert not desktop.is_window_visible(bar.window.id)
        cover.window.configure(stack_mode=Xlib.X.Below)
        cover.display.sync()
        assert desktop.is_window_visible(bar.window.id)


def test_a_cover_that_lets_presses_through_still_hides_it(desktop, bar, screen):
    with witness(screen.display, x=0, y=0, width=1000, height=200) as cover:
        cover.window.shape_rectangles(0, 2, 0, 0, 0, [])  # no input anywhere
        cover.display.sync()
        assert not desktop.is_window_visible(bar.window.id)


def test_a_menu_of_ours_over_it_does_not_hide_it(desktop, bar):
    Witness(bar.display, 300, 20, 100, 200, managed=False)
    assert desktop.is_window_visible(bar.window.id)


@pytest.mark.parametrize("place", [{"x": 401}, {"x": -1}, {"y": -10}, {"y": 660}])
def test_partly_off_the_screen_it_is_not_visible(desktop, bar, place):
    bar.window.configure(**place)
    bar.display.sync()
    assert not desktop.is_window_visible(bar.window.id)


def test_unmapped_transparent_or_gone_it_is_not_visible(desktop, bar):
    opacity = bar.display.intern_atom("_NET_WM_WINDOW_OPACITY")
    bar.window.change_property(opacity, Xlib.Xatom.CARDINAL, 32, [0x20000000])
    bar.display.sync()
    assert not desktop.is_window_visible(bar.window.id)
    bar.window.delete_property(opacity)
    bar.display.sync()
    assert desktop.is_window_visible(bar.window.id)
    bar.window.unmap()
    bar.display.sync()
    assert not desktop.is_window_visible(bar.window.id)
    bar.window.destroy()
    bar.display.sync()
    assert not desktop.is_window_visible(bar.window.id)


def test_with_the_display_gone_nothing_is_visible_and_everything_is_ours(desktop, bar):
    desktop.close()
    assert not desktop.is_window_visible(bar.window.id)
    assert desktop.is_own_at(5, 5, ())
    assert desktop.is_own_focused(())


def test_in_a_frame_it_is_visible_until_it_is_minimised():
    with xvfb(width=1000, height=700, window_manager=True) as managed:
        desktop = X11Desktop(managed.display)
        with witness(managed.display, x=100, y=100, managed=True) as window:
            assert desktop.is_window_visible(window.window.id)
            iconify(window)
            assert not desktop.is_window_visible(window.window.id)
        desktop.close()


# python-xlib leaves its socket open where it cannot connect.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_function_for_the_windows_asks_the_display_of_the_process(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":32999")
    platform._desktop.cache_clear()
    assert not platform.indicator_is_visible(1)
    with xvfb() as here, witness(here.display) as window:
        monkeypatch.setenv("DISPLAY", here.display)
        assert platform.indicator_is_visible(window.window.id)
        platform._desktop().close()
    platform._desktop.cache_clear()


def iconify(window: Witness) -> None:
    """As a program asks its window manager (ICCCM 4.1.4), and wait until it is done."""
    change_state = window.display.intern_atom("WM_CHANGE_STATE")
    message = Xlib.protocol.event.ClientMessage(
        window=window.window, client_type=change_state, data=(32, [3, 0, 0, 0, 0])
    )
    mask = Xlib.X.SubstructureRedirectMask | Xlib.X.SubstructureNotifyMask
    window.window.change_attributes(event_mask=Xlib.X.StructureNotifyMask)
    window.display.screen().root.send_event(message, event_mask=mask)
    window._until(lambda event: event.type == Xlib.X.UnmapNotify)
