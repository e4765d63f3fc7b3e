"""Which key types a character: on plain, shifted and AltGr levels, in both groups, with Caps Lock."""

import pytest

from agent.platform.x11_keyboard import _character, _keysym
from agent.platform.x11_layout import LEVEL3_SHIFT, Layout, Place

pytestmark = pytest.mark.unit

ONE, Q, E, A, DEAD, KEYPAD, LEVEL3 = 10, 24, 26, 38, 49, 90, 92
ROWS = {
    ONE: (ord("1"), ord("!"), ord("1"), ord("!")),
    Q: (ord("q"), ord("Q"), ord("q"), ord("Q"), ord("@")),
    E: (ord("é"), ord("2"), ord("é"), ord("2"), 0x1000000 + ord("€")),
    A: (ord("a"), ord("A"), _keysym("ф"), _keysym("Ф")),
    DEAD: (0xFE52, 0xB0, 0xFE52, 0xB0),
    KEYPAD: (0xFFB9, 0, 0xFFB9),
    LEVEL3: (LEVEL3_SHIFT,),
}


def made(rows: dict[int, tuple[int, ...]]) -> Layout:
    return Layout(8, [rows.get(code, (0, 0)) for code in range(8, 100)], _character)


LAYOUT = made(ROWS)


def place(character: str, *, group: int = 0, capitals: bool = False) -> Place | None:
    return LAYOUT.place(character, group=group, capitals=capitals)


def test_levels_say_what_to_hold():
    assert place("q") == Place(Q, False, False)
    assert place("Q") == Place(Q, True, False)
    assert place("@") == Place(Q, False, True)
    assert place("2") == Place(E, True, False)


def test_what_types_nothing_by_itself_is_no_place():
    assert place("^") is None  # a dead key only
    assert place("9") is None  # on the keypad: depends on Num Lock
    assert place("\r") is None
    assert place("😀") is None


def test_each_group_has_its_own_characters():
    assert place("ф", group=1) == Place(A, False, False)
    assert place("a", group=1) is None
    assert place("ф", group=0) is None
    assert place("a", group=3) is None


def test_caps_lock_turns_shift_around_for_letters_only():
    assert place("a", capitals=True) == Place(A, True, False)
    assert place("A", capitals=True) == Place(A, False, False)
    assert place("!", capitals=True) == Place(ONE, True, False)
    assert place("é", capitals=True) is None  # alone on its key: programs make É of it


def test_without_altgr_there_is_no_third_level():
    assert made({Q: ROWS[Q]}).place("@", group=0, capitals=False) is None


def test_shortcuts_take_the_key_wherever_its_character_is():
    assert LAYOUT.any_key_of("ф") == A
    assert LAYOUT.any_key_of("@") == Q
    assert LAYOUT.any_key_of("ö") is None


def test_every_used_key_can_be_named_and_spares_are_the_unused():
    assert all(LAYOUT.keycode(LAYOUT.keysym(code) or 0) == code for code in ROWS)
    assert LAYOUT.keysym(8) is None
    assert LAYOUT.keysym(250) is None
    assert LAYOUT.spares()[0] == 99
    assert not set(LAYOUT.spares()) & set(ROWS)


def test_a_keysym_on_two_keys_names_the_first_only():
    twice = made({20: (ord("x"), 0), 30: (ord("x"), ord("y"))})
    assert twice.keycode(ord("x")) == 20
    assert twice.keysym(30) == ord("y")
