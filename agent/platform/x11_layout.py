"""A keyboard map of the X server's core protocol, and which key types a character on it: pure.

Columns of a row are, for both groups ("layouts") of a keyboard: plain 1, shifted 1, plain 2, shifted 2, then
the same once more with level-3 shift, which is AltGr (XKB protocol, "Core protocol compatibility").
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

LEVEL3_SHIFT = 0xFE03
_COLUMNS = ((0, 1, 4, 5), (2, 3, 6, 7))
"""Column of each level (plain, shift, level 3, both), by group."""
_KEYPAD = range(0xFF80, 0xFFBE)
"""Depends on Num Lock, so never used for characters."""

ToCharacter = Callable[[int], str]
"""The character of a keysym, "" if it types none."""


def has_cases(character: str) -> bool:
    """Whether there is another case of it, as one character (so not of "ß")."""
    return character.lower() != character.upper() and len(character.lower()) == len(character.upper()) == 1


@dataclass(frozen=True)
class Place:
    """A key and what must be held with it."""

    keycode: int
    shift: bool
    level3: bool


@dataclass(frozen=True)
class Layout:
    """The keyboard as it is now; `rows` holds the keysyms of each keycode from `first` on."""

    first: int
    rows: Sequence[Sequence[int]]
    to_character: ToCharacter
    _codes: Mapping[int, int] = field(init=False)
    """Keysym -> keycode, as python-xlib and so pynput choose: lowest column, then lowest keycode."""
    _characters: Mapping[int, Mapping[str, Place]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_codes", self._code_table())
        groups = {group: self._character_table(group) for group in range(len(_COLUMNS))}
        object.__setattr__(self, "_characters", groups)

    def keycode(self, keysym: int) -> int | None:
        """The keycode that pynput will press for this keysym."""
        return self._codes.get(keysym)

    def keysym(self, keycode: int) -> int | None:
        """A keysym for which pynput will press this keycode."""
        for each in self._row(keycode):
            if each and self._codes[each] == keycode:
                return each
        return None

    def place(self, character: str, *, group: int, capitals: bool) -> Place | None:
        """The key that types a character while this group is on, and Caps Lock if `capitals`."""
        place = self._characters.get(group, {}).get(character)
        if place is None or not capitals or not has_cases(character):
            return place
        if not self._is_case_pair(place, group):
            return None  # applications would make a capital of it
        return Place(place.keycode, not place.shift, place.level3)

    def any_key_of(self, character: str) -> int | None:
        """The keycode that has a character anywhere: for shortcuts, which go by the key."""
        for table in self._characters.values():
            if character in table:
                return table[character].keycode
        return None

    def spares(self) -> list[int]:
        """Keycodes without a meaning, highest first."""
        return [self.first + index for index, row in enumerate(self.rows) if not any(row)][::-1]

    def _row(self, keycode: int) -> Sequence[int]:
        index = keycode - self.first
        return self.rows[index] if 0 <= index < len(self.rows) else ()

    def _code_table(self) -> dict[int, int]:
        columns = max((len(row) for row in self.rows), default=0)
        table: dict[int, int] = {}
        for column in range(columns):
            for index, row in enumerate(self.rows):
                if column < len(row) and row[column]:
                    table.setdefault(row[column], self.first + index)
        return table

    def _character_table(self, group: int) -> dict[str, Place]:
        has_level3 = LEVEL3_SHIFT in self._codes
        table: dict[str, Place] = {}
        for level, column in enumerate(_COLUMNS[group] if has_level3 else _COLUMNS[group][:2]):
            for index, row in enumerate(self.rows):
                character = self._character(row, column)
                if character and self.keysym(self.first + index):
                    place = Place(self.first + index, bool(level & 1), bool(level & 2))
                    table.setdefault(character, place)
        return table

    def _character(self, row: Sequence[int], column: int) -> str:
        keysym = row[column] if column < len(row) else 0
        character = self.to_character(keysym) if keysym and keysym not in _KEYPAD else ""
        return character if character.isprintable() else ""

    def _is_case_pair(self, place: Place, group: int) -> bool:
        if place.level3:
            return False
        plain, shifted = (self._character(self._row(place.keycode), column) for column in _COLUMNS[group][:2])
        return plain != shifted and plain.upper() == shifted
