"""Proves again and again that the indicator bar is really on screen, and tells it.

    OFF -> PROVING -> SEEN <-> DOUBTED -> LOST -> SEEN

Unproven is invisible: an error in the check counts as not seen. A proof is good only for a moment, so every
one is told: whoever hears nothing any more has windows that hang. Knows nothing of what the bar shows.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

PROVE_MS, KEEP_MS, RAISE_MS = 15, 500, 60
"""Between two checks: while it appears (somebody waits for the picture), while it is seen, after raising it
because something covers it."""
PROVE_TRIES = 2000 // PROVE_MS


class Tell(Protocol):
    """Told whether the bar is verifiably visible."""

    def __call__(self, *, visible: bool) -> None:
        """Called with True at every proof, with False once when it is lost or could not be shown at all."""


class State(Enum):
    """What is known about the bar."""

    OFF = auto()
    PROVING = auto()
    SEEN = auto()
    DOUBTED = auto()
    """Not seen once; raised, and about to be checked again."""
    LOST = auto()


_EVERY = {State.PROVING: PROVE_MS, State.SEEN: KEEP_MS, State.DOUBTED: RAISE_MS, State.LOST: KEEP_MS}


class IndicatorWatch(QObject):
    """Checks `bar` by `is_visible(native window id)` while started."""

    def __init__(self, bar: QWidget, *, is_visible: Callable[[int], bool], tell: Tell) -> None:
        super().__init__(bar)
        self._bar, self._is_visible, self._tell = bar, is_visible, tell
        self._state = State.OFF
        self._tries = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.check)

    @property
    def state(self) -> State:
        """What is known right now."""
        return self._state

    def start(self) -> None:
        """The bar is being shown: prove it. Harmless if started."""
        if self._state is not State.OFF:
            return
        self._tries = 0
        self._enter(State.PROVING)

    def stop(self) -> None:
        """The bar is not wanted any more."""
        was_seen = self._state in {State.SEEN, State.DOUBTED}
        self._state = State.OFF
        self._timer.stop()
        if was_seen:
            self._tell(visible=False)

    def check(self) -> None:
        """Look once, and act on what is seen."""
        is_seen = False
        try:
            is_seen = self._is_visible(int(self._bar.winId()))
        finally:
            if is_seen:
                self._saw()
            else:
                self._missed()

    def _saw(self) -> None:
        if self._state is State.OFF:
            return
        if self._state is not State.SEEN:
            self._enter(State.SEEN)
        self._tell(visible=True)

    def _missed(self) -> None:
        self._bar.raise_()
        # Qt leaves the request to raise in its buffer until something is drawn (seen on X11: up to 400 ms).
        self._bar.repaint()
        self._tries += 1
        if self._state is State.SEEN:
            self._enter(State.DOUBTED)
        elif self._state is State.DOUBTED or (self._state is State.PROVING and self._tries >= PROVE_TRIES):
            self._enter(State.LOST)
            self._tell(visible=False)

    def _enter(self, state: State) -> None:
        self._state = state
        self._timer.start(_EVERY[state])
