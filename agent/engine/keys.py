"""What a key event of the browser's means: a table, pure, from KeyboardEvent.key and .code to pynput's names.

Source of the names on the left: https://www.w3.org/TR/uievents-key/. Lock keys, dead keys and media keys
mean nothing here: the character that is typed with them says it all.
"""

_NAMED = {
    "Enter": "enter",
    "Tab": "tab",
    "Backspace": "backspace",
    "Delete": "delete",
    "Insert": "insert",
    "Home": "home",
    "End": "end",
    "PageUp": "page_up",
    "PageDown": "page_down",
    "ArrowUp": "up",
    "ArrowDown": "down",
    "ArrowLeft": "left",
    "ArrowRight": "right",
    "Escape": "esc",
    "ContextMenu": "menu",
    "PrintScreen": "print_screen",
    "Pause": "pause",
} | {f"F{number}": f"f{number}" for number in range(1, 25)}

_MODIFIERS = {"Shift": "shift", "Control": "ctrl", "Alt": "alt", "Meta": "cmd", "OS": "cmd"}

LEVEL_CHOOSER = "AltGraph"
"""Chooses another character on the technician's keyboard: never a key of the customer's."""
SHIFTS = frozenset({"shift_l", "shift_r"})
SHORTCUT_MODIFIERS = frozenset({"ctrl_l", "ctrl_r", "alt_l", "alt_r", "cmd_l", "cmd_r"})
"""With one of these held, a key is a command and not a character."""
MODIFIERS = SHIFTS | SHORTCUT_MODIFIERS
ALTGRAPH_FAKES = frozenset({"ctrl_l", "alt_l", "alt_r"})
"""What browsers under Windows report as held too while AltGraph is."""
OTHER_SIDE = {"shift_r": "shift_l", "ctrl_r": "ctrl_l", "alt_r": "alt_l", "cmd_r": "cmd_l"}
"""For keyboards that have no such key on the right (AltGr instead of Alt)."""
TYPED = {"\n": "enter", "\r": "enter", "\t": "tab"}
"""Characters of a text that are keys."""


def named_key(key: str, code: str) -> str | None:
    """pynput's name of a key that types nothing, or None if there is none."""
    if key in _MODIFIERS:
        return _MODIFIERS[key] + ("_r" if code.endswith("Right") else "_l")
    return _NAMED.get(key)


def is_character(key: str) -> bool:
    """Whether `KeyboardEvent.key` is what is typed, and not the name of a key ("Dead", "AudioVolumeUp")."""
    return len(key) == 1 or not (key.isascii() and key.isalnum())


def identity(key: str, code: str) -> str:
    """The same for a key's way down and its way up, whatever was pressed between."""
    return code or key.lower()
