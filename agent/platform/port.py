"""What differs by platform, as small ports; the adapters stand beside this file, `__init__` chooses one.

A window is named by its native id (X11 window, HWND, CGWindowID), a place by desktop pixels.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:  # loaded with the first session only: 15 MiB that a resting agent does not need
    import numpy as np
    from numpy.typing import NDArray


class DesktopGone(Exception):
    """The display cannot be reached (any more)."""


class ChangesUnknown(Exception):
    """This display does not tell of changes: poll."""


class HandsUnknown(Exception):
    """This desktop does not tell the person's own mouse and keyboard from injected input."""


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

    def await_focus(self, x: int, y: int, *, timeout: float) -> None:
        """Wait until keys reach the window at this place, at most `timeout` seconds."""

    def close(self) -> None:
        """Give the connection back."""


class NoPixels(Exception):
    """No pixels right now: forbidden, another resolution, or no display at all."""


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the desktop in its units (pixels, but on macOS points), origin top left."""

    x: int
    y: int
    width: int
    height: int


Image: TypeAlias = "NDArray[np.uint8]"
"""Height x width x 4: blue, green, red and an ignored byte; in a cursor that is alpha, premultiplied."""


@dataclass(frozen=True)
class Cursor:
    """How the pointer looks, and where the image's top left is on the desktop."""

    x: int
    y: int
    image: Image


class Pixels(Protocol):
    """Reads the screen; belongs to one thread. Everything may raise NoPixels but `cursor` and `close`."""

    layout_s: float
    """How long what `monitors` said is believed without being told of a change, in seconds."""

    def monitors(self) -> list[Area]:
        """Where the monitors are now, the primary one first."""

    def grab(self, area: Area) -> Image:
        """What is there now, without the pointer; good until the next grab."""

    def cursor(self) -> Cursor | None:
        """The pointer; None where it cannot be read."""

    def close(self) -> None:
        """Give the display back."""


class Changes(Protocol):
    """Tells when the screen may have changed; used by one thread, except `interrupt`."""

    def wait(self, timeout: float) -> bool:
        """Wait for a change, an interrupt or `timeout` seconds; whether the screen is worth a look now.

        Raises DesktopGone.
        """

    def areas(self) -> tuple[Area, ...] | None:
        """What to look at: all that was painted since the last call; None: everything, and the layout, too.

        To be called right before the look. Raises DesktopGone.
        """

    def found(self) -> None:
        """The look was worth it: the picture had changed."""

    def interrupt(self) -> None:
        """Let `wait` return. From any thread, also after `close`."""

    def close(self) -> None:
        """Stop watching."""


class HandsHearer(Protocol):
    """Whom `Hands` tells; called on a thread that does nothing else, and may wait for an act of input."""

    def touched(self) -> None:
        """The person moved, pressed or released something of their own. Called often."""

    def stop_key_pressed(self) -> None:
        """The person pressed the stop key (`chord.StopKey`)."""

    def deafened(self) -> None:
        """Nothing is heard any more: the display is gone."""


class Hands(Protocol):
    """Hears the person's own mouse and keyboard, and never what is injected; keeps nothing of it."""

    @property
    def has_stop_key(self) -> bool:
        """Whether the stop key is heard wherever the keyboard is."""

    def close(self) -> None:
        """Hear nothing any more. Does not wait; what is being told may still be told."""


@dataclass(frozen=True)
class Stroke:
    """How a character is typed: pynput's key, and the shifts it needs (None: it does not matter)."""

    key: Any
    shift: bool | None = None
    level3: bool | None = None


class Keyboard(Protocol):
    """The customer's keyboard as pynput can play it. Used under its owner's lock."""

    def press(self, key: Any) -> None:
        """A pynput key goes down."""

    def release(self, key: Any) -> None:
        """A pynput key goes up."""

    def named(self, name: str) -> Any | None:
        """The key of pynput's `Key` with this name; None if this keyboard has none."""

    def level3(self) -> Any | None:
        """The key that `Stroke.level3` asks for."""

    def stroke(self, character: str) -> Stroke | None:
        """How to type a character, whatever the layout; None if there is no way."""

    def shortcut(self, character: str, code: str) -> Any | None:
        """The key that has a character, else the one at that place (`KeyboardEvent.code`), else None."""

    def hold_repeat(self, *, hold: bool) -> None:
        """Keep held keys from repeating by themselves: the technician's own keyboard repeats already."""

    def rest(self) -> None:
        """Nothing is held any more: undo what was borrowed or changed for typing."""

    def close(self) -> None:
        """Give the connection back."""


class Mouse(Protocol):
    """The customer's mouse as pynput plays it. Used under its owner's lock."""

    def move(self, x: int, y: int) -> None:
        """The pointer to desktop coordinates."""

    def button(self, name: str) -> Any | None:
        """pynput's button for left, middle, right, back or forward; None if there is none here."""

    def press(self, button: Any) -> None:
        """A button goes down."""

    def release(self, button: Any) -> None:
        """A button goes up."""

    def scroll(self, dx: int, dy: int) -> None:
        """Notches to the right and upwards."""


@dataclass(frozen=True)
class InputDevices:
    """What injects; `failures` is what both raise when the desktop is gone or refuses."""

    keyboard: Keyboard
    mouse: Mouse
    failures: tuple[type[Exception], ...]
