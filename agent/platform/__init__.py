"""Which platform this is, chosen here and nowhere else. See `port` for what the adapters promise."""

import sys
from contextlib import suppress
from functools import cache

from agent.platform.polling import PollingChanges
from agent.platform.port import Changes, ChangesUnknown, Desktop, DesktopGone

__all__ = ["Changes", "Desktop", "DesktopGone", "indicator_is_visible", "open_changes", "open_desktop"]


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


def open_changes() -> Changes:
    """What tells of changes on this desktop's screen, or DesktopGone."""
    if sys.platform not in ("win32", "darwin"):
        from agent.platform.x11_changes import X11Changes

        with suppress(ChangesUnknown):
            return X11Changes()
    return PollingChanges()


def indicator_is_visible(window: int) -> bool:
    """Whether a person can see the whole of this window of ours now. From any thread; takes some ms."""
    try:
        return _desktop().is_window_visible(window)
    except DesktopGone:
        return False


@cache
def _desktop() -> Desktop:
    return open_desktop()
