"""What a technician types is what a real text field of the customer's shows, whatever both layouts are."""

import gc
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import Xlib.display
import Xlib.X
import Xlib.XK
from Xlib.ext import xtest

from agent.engine.gate import Gate, OpenGrant
from agent.engine.inject import DesktopInjector
from agent.platform import open_input
from agent.platform.x11 import X11Desktop
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import InputKey, InputText
from tests.support.witness import witness
from tests.support.xvfb import Screen, xvfb

pytestmark = pytest.mark.integration

CONTROL, VIEW = "control".ljust(22, "-"), "view".ljust(22, "-")
LAYOUTS = ["de", "us", "fr"]
SOON_S = 15.0


class TextBox:
    """A Qt program with a text field that has the keyboard."""

    def __init__(self, screen: Screen) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.text_box"],
            env=screen.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.window: int = json.loads(self._lines.get(timeout=SOON_S))
        self.text = ""

    def wait_for(self, wanted: str) -> None:
        """Until the field shows this; else the assertion says what it showed."""
        try:
            while self.text != wanted:
                self.text = json.loads(self._lines.get(timeout=SOON_S if len(self.text) < len(wanted) else 1))
        except queue.Empty:
            assert self.text == wanted

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line)


@pytest.fixture(scope="module", params=LAYOUTS)
def screen(request: pytest.FixtureRequest) -> Iterator[Screen]:
    with xvfb(width=1000, height=700) as started:
        set_layout(started, request.param)
        yield started
        gc.collect()  # pynput closes its connections when it is collected: while there is a server


@pytest.fixture(autouse=True)
def display(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> Iterator[Xlib.display.Display]:
    monkeypatch.setenv("DISPLAY", screen.display)
    opened = Xlib.display.Display(screen.display)
    yield opened
    opened.close()


@pytest.fixture
def injector(screen: Screen) -> Iterator[DesktopInjector]:
    gate = Gate()
    for grant_id, capability in ((VIEW, Capability.VIEW), (CONTROL, Capability.CONTROL)):
        gate.open(OpenGrant(grant_id, capability, "technician", time.monotonic() + 600))
    desktop = X11Desktop(screen.display)
    injector = DesktopInjector(gate=gate, desktop=desktop, devices=open_input(), place=lambda x, y: (x, y))
    yield injector
    injector.close()


@pytest.fixture
def box(screen: Screen, display: Xlib.display.Display) -> Iterator[TextBox]:
    opened = TextBox(screen)
    try:
        window = display.create_resource_object("window", opened.window)
        focus(display, window)
        yield opened
    finally:
        opened.close()


def focus(display: Xlib.display.Display, window: object) -> None:
    deadline = time.monotonic() + SOON_S
    while window.get_attributes().map_state != Xlib.X.IsViewable:
        assert time.monotonic() < deadline, "the text box did not appear"
    window.set_input_focus(Xlib.X.RevertToPointerRoot, Xlib.X.CurrentTime)
    display.sync()


def set_layout(screen: Screen, layout: str) -> None:
    subprocess.run(["setxkbmap", "-display", screen.display, layout], check=True)


def type_keys(injector: DesktopInjector, *events: tuple[str, str]) -> None:
    """Down and up of each (key, code), as a browser reports them; "+" before a key: down, "-": up."""
    for name, code in events:
        actions = {"+": ["down"], "-": ["up"]}.get(name[0] if len(name) > 1 else "", ["down", "up"])
        plain = name[1:] if len(actions) == 1 else name
        for action in actions:
            event = {"key": plain, "code": code, "action": action}
            injector.inject(InputKey.model_validate(event), CONTROL)


def test_text_arrives_letter_for_letter(injector, box):
    text = "Grüße € @ {} ß é"
    injector.inject(InputText(text=text), CONTROL)
    box.wait_for(text)


def test_any_script_and_emoji_arrive(injector, box):
    text = "Привет, κόσμε! 你好 ŁódźŐ → ½ 👍🏽 «x» \\|~^`´¨"
    injector.inject(InputText(text=text), CONTROL)
    box.wait_for(text)


def test_lines_and_tabs_are_keys_and_other_controls_are_nothing(injector, box):
    injector.inject(InputText(text="a\n\tb\x07\x1bc"), CONTROL)
    box.wait_for("a\n\tbc")


def test_a_german_keyboards_keys_type_what_they_say(injector, box):
    type_keys(injector, ("+Shift", "ShiftLeft"), ("G", "KeyG"), ("/", "Digit7"), ("?", "Minus"))
    type_keys(injector, ("-Shift", "ShiftLeft"), ("ß", "Minus"), ("ä", "Quote"), ("1", "Numpad1"))
    type_keys(injector, ("+AltGraph", "AltRight"), ("@", "KeyQ"), ("€", "KeyE"), ("{", "Digit7"))
    type_keys(injector, ("-AltGraph", "AltRight"), ("z", "KeyY"), (" ", "Space"), ("é", "KeyE"))
    box.wait_for("G/?ßä1@€{z é")


def test_altgr_under_windows_is_reported_as_control_and_altgr(injector, box):
    type_keys(injector, ("+Control", "ControlLeft"), ("+AltGraph", "AltRight"), ("@", "KeyQ"))
    type_keys(injector, ("-Control", "ControlLeft"), ("-AltGraph", "AltRight"), ("x", "KeyX"))
    box.wait_for("@x")


def test_shortcuts_go_by_the_character_of_the_key(injector, box):
    type_keys(
        injector, ("a", "KeyA"), ("b", "KeyB"), ("+Control", "ControlLeft"), ("a", "KeyA"), ("x", "KeyX")
    )
    type_keys(injector, ("-Control", "ControlLeft"), ("y", "KeyY"))
    box.wait_for("y")
    type_keys(injector, ("+Control", "ControlLeft"), ("v", "KeyV"), ("-Control", "ControlLeft"))
    box.wait_for("yab")


def test_text_is_typed_whatever_is_held(injector, box):
    type_keys(injector, ("+Control", "ControlLeft"), ("+Shift", "ShiftLeft"))
    injector.inject(InputText(text="aB@"), CONTROL)
    type_keys(injector, ("-Shift", "ShiftLeft"), ("-Control", "ControlLeft"))
    box.wait_for("aB@")


def test_editing_keys_work(injector, box):
    injector.inject(InputText(text="abc"), CONTROL)
    type_keys(injector, ("ArrowLeft", "ArrowLeft"), ("Backspace", "Backspace"), ("Home", "Home"))
    type_keys(injector, ("Delete", "Delete"), ("End", "End"), ("Enter", "NumpadEnter"), ("!", "Digit1"))
    box.wait_for("c\n!")


def test_the_customers_caps_lock_changes_nothing(injector, box, display):
    lock = display.keysym_to_keycode(Xlib.XK.XK_Caps_Lock)
    tap(display, lock)
    try:
        text = "aBc ÄäÉé Жж 1! 你😀€½"
        injector.inject(InputText(text=text), CONTROL)
        box.wait_for(text)
    finally:
        tap(display, lock)


def test_keysyms_are_right_for_programs_that_read_the_core_map(injector, screen, display):
    """As `xev` would show them, and for keys that had to be borrowed too."""
    with witness(screen.display) as seen:
        seen.focus()
        for character in "aZ7@€é😀":
            injector.inject(InputText(text=character), CONTROL)
        typed = [(code, state) for name, code, *_, state in seen.take() if name == "press"]
        assert [keysym for each in typed if (keysym := core_keysym(display, *each))] == [
            *map(ord, "aZ7@"),
            0x20AC,
            0xE9,
            0x1000000 + ord("😀"),
        ]


def test_borrowed_keys_are_given_back(injector, display):
    before = display.get_keyboard_mapping(8, 248)
    injector.inject(InputText(text="😀ж"), CONTROL)
    assert display.get_keyboard_mapping(8, 248) != before
    injector.release_all()
    meant = [[keysym for keysym in row if keysym] for row in display.get_keyboard_mapping(8, 248)]
    assert meant == [[keysym for keysym in row if keysym] for row in before]


def test_a_layout_changed_meanwhile_is_followed(injector, box, screen, request):
    injector.inject(InputText(text="y@"), CONTROL)
    box.wait_for("y@")
    layout = request.node.callspec.params["screen"]
    set_layout(screen, "us" if layout == "de" else "de")
    try:
        injector.inject(InputText(text="zß@"), CONTROL)
        box.wait_for("y@zß@")
    finally:
        set_layout(screen, layout)


def tap(display: Xlib.display.Display, keycode: int) -> None:
    for kind in (Xlib.X.KeyPress, Xlib.X.KeyRelease):
        xtest.fake_input(display, kind, keycode)
    display.sync()


def core_keysym(display: Xlib.display.Display, keycode: int, state: int) -> int:
    """What a core client makes of a key event; 0 for modifiers."""
    column = (1 if state & Xlib.X.ShiftMask else 0) + (4 if state & Xlib.X.Mod5Mask else 0)
    keysym = display.get_keyboard_mapping(keycode, 1)[0][column]
    return 0 if 0xFE00 <= keysym <= 0xFFFF else int(keysym)
