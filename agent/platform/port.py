"""What differs by platform, as small ports; the adapters stand beside this file, `__init__` chooses one.

A window is named by its native id (X11 window, HWND, CGWindowID), a place by desktop pixels.
"""

from collections.abc import Collection
from typing import Protocol


class DesktopGone(Exception):
    """The display cannot be reached (any more)."""


class ChangesUnknown(Exception):
    """This display does not tell of changes: poll."""


class Desktop(Protocol):
    """Windows of this desktop. Thread-safe; what cannot be found out is answered so that less is allowed."""

    def is_window_visible(self, window: int) -> bool:
        """Whether a person can see the whole of this window of ours now: mapped, on screen, uncovered."""

    def is_own_at(self, x: int, y: int, own: Collection[int]) -> bool:
        """Whether a press at this place would reach a window of ours, its frame included.

        `own` are window ids of ours; on X11 they stand for every window of the same client.
        """

    def is_own_focused(self, own: Collection[int]) -> bool:
        """Whether a key would reach a window of ours."""

    def close(self) -> None:
        """Give the connection back."""


class Changes(Protocol):
    """Tells when the screen may have changed; used by one thread, except `interrupt`."""

    def wait(self, timeout: float) -> bool:
        """Wait for a change, an interrupt or `timeout` seconds; whether the screen is worth a look now.

        Raises DesktopGone.
        """

    def found(self) -> None:
        """The look was worth it: the picture had changed."""

    def interrupt(self) -> None:
        """Let `wait` return. From any thread, also after `close`."""

    def close(self) -> None:
        """Stop watching."""
