"""Input on a real X server: it arrives as meant, never in windows of ours, and nothing stays held."""

import gc
import time
from collections.abc import Iterator

import pytest
import Xlib.display

from agent.engine.gate import Gate, OpenGrant
from agent.engine.inject import DesktopInjector
from agent.platform import open_input
from agent.platform.x11 import X11Desktop
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import InputButton, InputKey, InputMove, InputRelease, InputText, InputWheel
from tests.support.witness import Witness, witness
from tests.support.xvfb import Screen, xvfb

pytestmark = pytest.mark.integration

CONTROL, VIEW = "control".ljust(22, "-"), "view".ljust(22, "-")


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with xvfb(width=1000, height=700) as started:
        yield started
        gc.collect()  # pynput closes its connections when it is collected: while there is a server


@pytest.fixture(autouse=True)
def display(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> Iterator[Xlib.display.Display]:
    monkeypatch.setenv("DISPLAY", screen.display)
    opened = Xlib.display.Display(screen.display)
    yield opened
    opened.close()


@pytest.fixture
def gate() -> Gate:
    gate = Gate()
    for grant_id, capability in ((VIEW, Capability.VIEW), (CONTROL, Capability.CONTROL)):
        gate.open(OpenGrant(grant_id, capability, "technician", time.monotonic() + 600))
    return gate


@pytest.fixture
def injector(screen: Screen, gate: Gate) -> Iterator[DesktopInjector]:
    desktop = X11Desktop(screen.display)
    injector = DesktopInjector(gate=gate, desktop=desktop, devices=open_input(), place=lambda x, y: (x, y))
    yield injector
    injector.close()


@pytest.fixture
def other(screen: Screen) -> Iterator[Witness]:
    """A program of the customer's, with the keyboard focus."""
    with witness(screen.display) as seen:
        seen.focus()
        yield seen


def key(name: str, code: str, action: str) -> InputKey:
    return InputKey.model_validate({"key": name, "code": code, "action": action})


def button(x: int, y: int, action: str, which: str = "left") -> InputButton:
    return InputButton.model_validate({"x": x, "y": y, "button": which, "action": action})


def held_keys(display: Xlib.display.Display) -> list[int]:
    """The keycodes that are down, as the server sees them."""
    bits = display.query_keymap()
    return [code for code in range(256) if bits[code // 8] >> code % 8 & 1]


def held_buttons(display: Xlib.display.Display) -> int:
    return int(display.screen().root.query_pointer().mask) >> 8 & 0x1F


def test_a_click_arrives_where_it_was_aimed(injector, other):
    injector.inject(InputMove(x=30, y=40), CONTROL)
    injector.inject(button(120, 80, "down"), CONTROL)
    injector.inject(button(121, 81, "up"), CONTROL)
    events = [each[:4] for each in other.take()]
    assert ("motion", 0, 30, 40) in events
    assert ("button press", 1, 120, 80) in events
    assert ("button release", 1, 121, 81) in events


@pytest.mark.parametrize(
    ("which", "number"), [("left", 1), ("middle", 2), ("right", 3), ("back", 8), ("forward", 9)]
)
def test_every_button_has_its_number(injector, other, which, number):
    injector.inject(button(10, 10, "down", which), CONTROL)
    injector.inject(button(10, 10, "up", which), CONTROL)
    assert [each[:2] for each in other.take() if each[0] != "motion"] == [
        ("button press", number),
        ("button release", number),
    ]


@pytest.mark.parametrize(("dx", "dy", "number"), [(0, 1, 5), (0, -1, 4), (1, 0, 7), (-1, 0, 6)])
def test_the_wheel_turns_the_browsers_way(injector, other, dx, dy, number):
    injector.inject(InputWheel(x=10, y=10, dx=2 * dx, dy=2 * dy), CONTROL)
    assert [each[1] for each in other.take() if each[0] == "button press"] == [number, number]


def test_named_keys_and_modifiers_go_down_and_up(injector, other, display):
    injector.inject(key("Control", "ControlLeft", "down"), CONTROL)
    injector.inject(key("ArrowLeft", "ArrowLeft", "down"), CONTROL)
    assert held_keys(display) == [37, 113]
    injector.inject(key("ArrowLeft", "ArrowLeft", "up"), CONTROL)
    injector.inject(key("Control", "ControlLeft", "up"), CONTROL)
    assert other.strokes() == [("press", 37), ("press", 113), ("release", 113), ("release", 37)]


def test_events_are_real_ones_and_not_sent_by_a_program(injector, screen):
    """Many programs ignore events that were sent by XSendEvent: those carry a mark."""
    with witness(screen.display) as seen:
        seen.focus()
        marks = []
        seen._take = lambda event: marks.append(event._data.get("send_event", event.type >> 7))
        injector.inject(key("a", "KeyA", "down"), CONTROL)
        injector.inject(key("a", "KeyA", "up"), CONTROL)
        injector.inject(InputText(text="€😀"), CONTROL)
        seen.take()
    assert len(marks) >= 6
    assert not any(marks)


def test_a_held_key_does_not_repeat_by_itself(injector, other, display):
    injector.inject(key("x", "KeyX", "down"), CONTROL)
    assert display.get_keyboard_control().global_auto_repeat == 0
    injector.inject(key("x", "KeyX", "down"), CONTROL)
    injector.inject(key("x", "KeyX", "up"), CONTROL)
    assert [name for name, _ in other.strokes()] == ["press", "release", "press", "release"]
    assert display.get_keyboard_control().global_auto_repeat == 1


@pytest.mark.parametrize("stop", ["close", "pause", "hold", "view", "release", "release_all"])
@pytest.mark.usefixtures("other")
def test_whatever_is_held_goes_up_when_control_ends(injector, gate, display, stop):
    injector.inject(key("Shift", "ShiftLeft", "down"), CONTROL)
    injector.inject(key("Delete", "Delete", "down"), CONTROL)
    injector.inject(key("é", "KeyE", "down"), CONTROL)
    injector.inject(button(50, 50, "down"), CONTROL)
    assert len(held_keys(display)) == 3
    assert held_buttons(display) == 1
    stops = {
        "close": lambda: gate.close({CONTROL}),
        "pause": gate.pause,
        "hold": lambda: gate.hold("dialog"),
        "view": lambda: gate.close({VIEW}),
        "release": lambda: injector.inject(InputRelease(), CONTROL),
        "release_all": injector.release_all,
    }
    stops[stop]()
    assert held_keys(display) == []
    assert held_buttons(display) == 0
    assert display.get_keyboard_control().global_auto_repeat == 1


def test_after_the_gate_closed_nothing_is_injected(injector, gate, other):
    gate.close({CONTROL})
    injector.inject(InputMove(x=5, y=5), CONTROL)
    injector.inject(button(5, 5, "down"), CONTROL)
    injector.inject(key("a", "KeyA", "down"), CONTROL)
    injector.inject(InputText(text="no"), CONTROL)
    assert other.take() == []


def test_without_a_picture_there_is_no_place_to_point_at(screen, gate, other):
    injector = DesktopInjector(
        gate=gate, desktop=X11Desktop(screen.display), devices=open_input(), place=lambda _x, _y: None
    )
    injector.inject(button(5, 5, "down"), CONTROL)
    injector.inject(InputWheel(x=5, y=5, dx=0, dy=1), CONTROL)
    assert [each for each in other.take() if each[0] != "motion"] == []
    injector.close()


def test_our_windows_get_no_press_no_wheel_and_no_key(injector, screen, other, display):
    with witness(screen.display, x=500, y=100, width=300, height=200) as ours:
        injector.own_window(ours.window.id)
        injector.inject(button(600, 200, "down"), CONTROL)
        injector.inject(button(600, 200, "up"), CONTROL)
        injector.inject(InputWheel(x=600, y=200, dx=0, dy=3), CONTROL)
        ours.focus()
        injector.inject(key("Enter", "Enter", "down"), CONTROL)
        injector.inject(key("y", "KeyY", "down"), CONTROL)
        injector.inject(InputText(text="yes"), CONTROL)
        assert [each for each in ours.take() if each[0] != "motion"] == []
        assert other.strokes() == []
        assert held_keys(display) == []
        assert injector.kept_off == 7


def test_other_windows_of_ours_are_ours_too_though_nobody_told(injector, screen):
    with witness(screen.display, x=500, y=100) as ours:
        injector.own_window(ours.window.id)
        popup = Witness(ours.display, 100, 400, 200, 200, managed=False)
        injector.inject(button(150, 450, "down"), CONTROL)
        assert [each for each in popup.take() if each[0] != "motion"] == []


@pytest.mark.usefixtures("other")
def test_what_was_pressed_elsewhere_is_released_over_our_window(injector, screen, display):
    with witness(screen.display, x=500, y=100) as ours:
        injector.own_window(ours.window.id)
        injector.inject(button(50, 50, "down"), CONTROL)
        injector.inject(button(600, 200, "up"), CONTROL)
        assert held_buttons(display) == 0


def test_frames_that_a_window_manager_draws_around_ours_are_ours(monkeypatch):
    with xvfb(width=1000, height=700, window_manager=True) as managed:
        monkeypatch.setenv("DISPLAY", managed.display)
        desktop = X11Desktop(managed.display)
        with witness(managed.display, x=200, y=200, managed=True) as ours:
            frame = ours.window.query_tree().parent
            geometry = frame.get_geometry()
            x, y = geometry.x + geometry.width // 2, geometry.y + 3
            origin = ours.window.translate_coords(ours.display.screen().root, 0, 0)
            assert y < -origin.y, "the title bar is above the window"
            assert desktop.is_own_at(x, y, {ours.window.id})
            assert desktop.is_own_focused({ours.window.id})
            assert not desktop.is_own_at(5, 695, {ours.window.id})
        desktop.close()
