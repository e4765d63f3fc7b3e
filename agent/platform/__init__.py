"""Which platform this is, chosen here and nowhere else. See `port` for what the adapters promise."""

import sys
from contextlib import suppress
from functools import cache

from agent.platform.plain_keyboard import PlainKeyboard
from agent.platform.pointer import Pointer
from agent.platform.polling import PollingChanges
from agent.platform.port import (
    Area,
    Changes,
    ChangesUnknown,
    Cursor,
    Desktop,
    DesktopGone,
    Hands,
    HandsHearer,
    HandsUnknown,
    InputDevices,
    Keyboard,
    Mouse,
    NoPixels,
    Pixels,
    Stroke,
)

__all__ = [
    "Area",
    "Changes",
    "Cursor",
    "Desktop",
    "DesktopGone",
    "Hands",
    "HandsHearer",
    "HandsUnknown",
    "InputDevices",
    "Keyboard",
    "Mouse",
    "NoPixels",
    "Pixels",
    "Stroke",
    "indicator_is_visible",
    "open_changes",
    "open_desktop",
    "open_hands",
    "open_input",
    "open_pixels",
]


def open_desktop() -> Desktop:
    """The desktop this process belongs to, or DesktopGone."""
    if sys.platform == "win32":
        from agent.platform.windows import WindowsDesktop

        return WindowsDesktop()
    elif sys.platform == "darwin":  # noqa: RET505  (else, mypy sees unreachable code on each platform)
        from agent.platform.macos import MacDesktop

        return MacDesktop()
    else:
        from agent.platform.x11 import X11Desktop

        return X11Desktop()


def open_input() -> InputDevices:
    """Mouse and keyboard of this desktop, or DesktopGone."""
    if sys.platform in ("win32", "darwin"):
        return InputDevices(PlainKeyboard(), Pointer(), (OSError,))
    else:  # noqa: RET505  (as above)
        from agent.platform.x11 import GONE
        from agent.platform.x11_keyboard import X11Keyboard

        keyboard = X11Keyboard()  # first: it says DesktopGone where pynput cannot be imported
        from pynput._util.xorg import X11Error  # what its controllers raise, and no other name for it

        return InputDevices(keyboard, Pointer(), (*GONE, X11Error))


def open_changes() -> Changes:
    """What tells of changes on this desktop's screen, or DesktopGone."""
    if sys.platform not in ("win32", "darwin"):
        from agent.platform.x11_changes import X11Changes

        with suppress(ChangesUnknown):
            return X11Changes()
    return PollingChanges()


def open_hands(hearer: HandsHearer) -> Hands:
    """What hears the person's own mouse and keyboard; HandsUnknown or DesktopGone."""
    if sys.platform in ("win32", "darwin"):
        from agent.platform.plain_hands import PlainHands

        return PlainHands(hearer)
    else:  # noqa: RET505  (as above)
        from agent.platform.x11_hands import X11Hands

        return X11Hands(hearer)


def open_pixels() -> Pixels:
    """What reads this desktop's screen, or NoPixels."""
    if sys.platform in ("win32", "darwin"):
        from agent.platform.plain_screen import PlainPixels

        return PlainPixels()
    else:  # noqa: RET505  (as above)
        from agent.platform.x11_screen import X11Pixels

        return X11Pixels()


def indicator_is_visible(window: int) -> bool:
    """Whether a person can see the whole of this window of ours now. From any thread; takes some ms."""
    try:
        return _desktop().is_window_visible(window)
    except DesktopGone:
        return False


@cache
def _desktop() -> Desktop:
    return open_desktop()
