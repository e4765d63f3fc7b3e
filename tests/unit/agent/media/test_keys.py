"""The key table: every name it gives exists in pynput, and what types a character is not a key."""

import importlib.util
import re
from pathlib import Path

import pytest

from agent.engine import keys

pytestmark = pytest.mark.unit

# Read as text: pynput can be imported on its own platform only, and with a display.
BACKENDS = Path(str(importlib.util.find_spec("pynput").origin)).parent / "keyboard"
KNOWN = {
    backend: set(re.findall(r"^    (\w+) = ", (BACKENDS / f"{backend}.py").read_text(), re.MULTILINE))
    for backend in ("_win32", "_xorg", "_darwin")
}


@pytest.mark.parametrize(
    ("key", "code", "name"),
    [
        ("Shift", "ShiftRight", "shift_r"),
        ("Control", "ControlLeft", "ctrl_l"),
        ("Alt", "", "alt_l"),
        ("Meta", "MetaRight", "cmd_r"),
        ("OS", "OSLeft", "cmd_l"),
        ("ArrowUp", "ArrowUp", "up"),
        ("Enter", "NumpadEnter", "enter"),
        ("F24", "F24", "f24"),
        ("Home", "Numpad7", "home"),
    ],
)
def test_named_keys(key, code, name):
    assert keys.named_key(key, code) == name
    assert not keys.is_character(key)


@pytest.mark.parametrize(
    "key",
    ["Dead", "Process", "Unidentified", "AltGraph", "CapsLock", "NumLock", "AudioVolumeUp", "MediaPlayPause"],
)
def test_keys_that_are_nothing(key):
    assert keys.named_key(key, "") is None
    assert not keys.is_character(key)


@pytest.mark.parametrize("key", ["a", "A", "ß", "€", " ", "😀", "1", "+", "é", "क्ष"])
def test_characters(key):
    assert keys.is_character(key)
    assert keys.named_key(key, "KeyA") is None


def test_every_name_is_a_key_of_pynputs():
    named = {keys.named_key(key, code) for key in keys._NAMED | keys._MODIFIERS for code in ("", "XRight")}
    assert named <= KNOWN["_win32"]
    assert named - {f"f{number}" for number in range(21, 25)} <= KNOWN["_xorg"]
    assert named >= keys.MODIFIERS
    assert set(keys.TYPED.values()) <= named


def test_a_key_is_the_same_key_when_it_goes_up():
    assert keys.identity("A", "KeyA") == keys.identity("a", "KeyA")
    assert keys.identity("A", "") == keys.identity("a", "")
