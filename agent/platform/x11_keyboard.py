"""The keyboard under X11, through pynput: any character on any layout, keys that have none are borrowed.

pynput sends characters as synthetic events, which many programs ignore, but keys given by keysym through
XTEST, as if they had been pressed. So every key is given by a keysym that names the right key code.
"""

import ctypes
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import Xlib.X

from agent.platform.port import Stroke
from agent.platform.x11 import open_display
from agent.platform.x11_layout import LEVEL3_SHIFT, Layout, has_cases

BORROWED = 12
"""Spare key codes used at most; the one used longest ago is used again."""
LAG_S = 0.05
"""A program may read the map so much later than the key: no borrowed key changes its meaning sooner."""
GROUP_SHIFT = 13
"""Bits 13 and 14 of the modifier state are the group (XKB protocol)."""
UNICODE_KEYSYM = 0x0100_0000
MARKER = 0x1000_5A00
"""A range of keysyms that nobody uses."""
F21 = 0xFFD2

# Linux key codes of the letters and digits by their place, plus 8 (evdev keycodes of XKB).
_ROWS = (
    ("Digit", "1234567890", 10),
    ("Key", "QWERTYUIOP", 24),
    ("Key", "ASDFGHJKL", 38),
    ("Key", "ZXCVBNM", 52),
)
PLACES = {kind + key: first + index for kind, keys, first in _ROWS for index, key in enumerate(keys)}


class X11Keyboard:
    """See `port.Keyboard`."""

    def __init__(self) -> None:
        self._display = open_display()
        from pynput import keyboard  # at run time: the import needs a display

        self._pynput = keyboard
        self._to_character, self._to_keysym = _translators()
        self._borrowed: OrderedDict[tuple[int, int], tuple[int, float]] = OrderedDict()
        """Keysyms (plain, shifted) -> spare key code and when it was used last, longest ago first."""
        self._repeated: int | None = None
        self._read()

    # --- pynput ----------------------------------------------------------------------------------------

    def press(self, key: Any) -> None:
        """See `port.Keyboard`."""
        self._controller.press(key)

    def release(self, key: Any) -> None:
        """See `port.Keyboard`."""
        self._controller.release(key)

    # --- which key -------------------------------------------------------------------------------------

    def named(self, name: str) -> Any | None:
        """See `port.Keyboard`."""
        self._follow()
        known = getattr(self._pynput.Key, name, None)
        if known is None and name in {"f21", "f22", "f23", "f24"}:
            return self._key_of(F21 + int(name[1:]) - 21)
        return self._key_of(known.value.vk) if known is not None else None

    def level3(self) -> Any | None:
        """See `port.Keyboard`."""
        return self._key_of(LEVEL3_SHIFT)

    def stroke(self, character: str) -> Stroke | None:
        """See `port.Keyboard`."""
        self._follow()
        state = self._display.screen().root.query_pointer().mask
        capitals = bool(state & Xlib.X.LockMask)
        place = self._layout.place(character, group=state >> GROUP_SHIFT & 3, capitals=capitals)
        if place is None:
            return self._borrow(character, capitals=capitals)
        return Stroke(self._key_at(place.keycode), place.shift, place.level3)

    def shortcut(self, character: str, code: str) -> Any | None:
        """See `port.Keyboard`."""
        self._follow()
        for wanted in (character.lower(), character):
            keycode = self._layout.any_key_of(wanted)
            if keycode is not None:
                return self._key_at(keycode)
        return self._key_at(PLACES.get(code, 0))

    def _key_of(self, keysym: int) -> Any | None:
        known = self._layout.keycode(keysym)
        return None if known is None else self._pynput.KeyCode.from_vk(keysym)

    def _key_at(self, keycode: int) -> Any | None:
        keysym = self._layout.keysym(keycode)
        return None if keysym is None else self._pynput.KeyCode.from_vk(keysym)

    # --- borrowed keys ---------------------------------------------------------------------------------

    def _borrow(self, character: str, *, capitals: bool) -> Stroke | None:
        """Give a spare key this character's meaning; with its other case, as Caps Lock may be on."""
        pair = _case_pair(character)
        keysyms = (self._to_keysym(pair[0]), self._to_keysym(pair[1]))
        if not all(keysyms):
            return None
        keycode = self._borrowed_code(keysyms)
        if keycode is None:
            return None
        self._borrowed[keysyms] = (keycode, time.monotonic())
        self._borrowed.move_to_end(keysyms)
        key = self._key_at(keycode)
        if key is None or pair[0] == pair[1]:
            return Stroke(key) if key else None
        return Stroke(key, shift=(character == pair[1]) != capitals)

    def _borrowed_code(self, keysyms: tuple[int, int]) -> int | None:
        """The spare key that has this meaning, by now."""
        if keysyms in self._borrowed:
            return self._borrowed[keysyms][0]
        spares = self._layout.spares()
        if spares and len(self._borrowed) < BORROWED:
            keycode = spares[0]
        elif self._borrowed:
            _, (keycode, used_at) = self._borrowed.popitem(last=False)
            time.sleep(max(0.0, used_at + LAG_S - time.monotonic()))
        else:
            return None
        # The marker is on no other key: by it, pynput finds this one.
        self._display.change_keyboard_mapping(keycode, [(*keysyms, *keysyms, MARKER + keycode)])
        self._display.sync()
        self._read()
        return keycode

    def _give_back(self) -> None:
        for keycode, _ in self._borrowed.values():
            self._display.change_keyboard_mapping(keycode, [(0, 0)])
        self._borrowed.clear()
        self._display.sync()

    # --- the map ---------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Take the keyboard as it is now; pynput reads its own map only when it starts."""
        info = self._display.display.info
        first, count = info.min_keycode, info.max_keycode - info.min_keycode + 1
        rows = self._display.get_keyboard_mapping(first, count)
        self._layout = Layout(first, [tuple(row) for row in rows], self._to_character)
        self._controller = self._pynput.Controller()

    def _follow(self) -> None:
        """Read the map again if it was changed: by the person, or by borrowing."""
        changed = False
        for _ in range(self._display.pending_events()):
            changed |= self._display.next_event().type == Xlib.X.MappingNotify
        if changed:
            self._read()

    # --- repeating -------------------------------------------------------------------------------------

    def hold_repeat(self, *, hold: bool) -> None:
        """See `port.Keyboard`. A key's way up may be late on a bad line: it must not repeat meanwhile."""
        if hold and self._repeated is None:
            self._repeated = self._display.get_keyboard_control().global_auto_repeat
            self._display.change_keyboard_control(auto_repeat_mode=Xlib.X.AutoRepeatModeOff)
            self._display.sync()
        elif not hold and self._repeated is not None:
            self._display.change_keyboard_control(auto_repeat_mode=self._repeated)
            self._display.sync()
            self._repeated = None

    def rest(self) -> None:
        """See `port.Keyboard`."""
        self.hold_repeat(hold=False)
        if self._borrowed:
            self._give_back()

    def close(self) -> None:
        """See `port.Keyboard`."""
        self._display.close()


def _case_pair(character: str) -> tuple[str, str]:
    """Lower and upper case, or the same twice where a character has no such pair."""
    return (character.lower(), character.upper()) if has_cases(character) else (character, character)


def _translators() -> tuple[Callable[[int], str], Callable[[str], int]]:
    """Keysym to character and back: by libxkbcommon, which Qt needs too, else Latin-1 and Unicode only."""
    try:
        library = ctypes.CDLL("libxkbcommon.so.0")
    except OSError:
        return _character, _keysym
    library.xkb_keysym_to_utf32.restype = ctypes.c_uint32
    library.xkb_utf32_to_keysym.restype = ctypes.c_uint32
    return (
        lambda keysym: chr(code) if (code := library.xkb_keysym_to_utf32(keysym)) else "",
        lambda character: int(library.xkb_utf32_to_keysym(ord(character))),
    )


def _character(keysym: int) -> str:
    if keysym in range(0x20, 0x7F) or keysym in range(0xA0, 0x100):
        return chr(keysym)
    return chr(keysym - UNICODE_KEYSYM) if keysym in range(0x0100_0100, 0x0111_0000) else ""


def _keysym(character: str) -> int:
    code = ord(character)
    return code if code in range(0x20, 0x7F) or code in range(0xA0, 0x100) else UNICODE_KEYSYM + code
