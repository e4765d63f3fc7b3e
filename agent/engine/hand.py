"""The person's own hand goes first: while it moves, a technician's input waits; and the stop key.

Listens only while something is shared or about to be. Runs on threads of its own, so neither windows nor an
event loop that hang can keep it from working. docs/adr/0010-the-persons-hand.md.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from agent.engine.gate import Gate
from agent.platform import DesktopGone, Hands, HandsHearer, HandsUnknown

FIRST_FOR_S = 1.0
"""How long after the hand's last move a technician's input is still held back."""
HOLDER = "the person's own hand"

log = logging.getLogger(__name__)

OpenHands = Callable[[HandsHearer], Hands]
"""Raises HandsUnknown or DesktopGone."""


class Hand:
    """See the module docstring. Thread-safe; also what hears (`agent.platform.HandsHearer`)."""

    def __init__(
        self, *, gate: Gate, open_hands: OpenHands, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._gate = gate
        self._open = open_hands
        self._clock = clock
        self._stop: Callable[[], None] = lambda: None
        self._changed: Callable[[], None] = lambda: None
        self._lock = threading.Condition()
        self._hands: Hands | None = None
        self._has_stop_key: bool | None = None
        self._until = 0.0
        self._is_first = False

    @property
    def has_stop_key(self) -> bool | None:
        """Whether the stop key works; None while nothing is listened to."""
        return self._has_stop_key

    @property
    def is_first(self) -> bool:
        """Whether a technician's input is held back for the person's hand now."""
        return self._is_first

    def serve(self, *, stop: Callable[[], None], changed: Callable[[], None]) -> None:
        """From now on the stop key calls `stop`; `changed` is called after every change; from any thread."""
        self._stop, self._changed = stop, changed

    def watch(self) -> None:
        """Listen; harmless if it listens already."""
        with self._lock:
            if self._has_stop_key is not None:
                return
            self._has_stop_key = False
            with suppress(DesktopGone):
                try:
                    self._hands = self._open(self)
                    self._has_stop_key = self._hands.has_stop_key
                except HandsUnknown as unknown:
                    log.warning("no stop key: %s", unknown)
        self._changed()

    def rest(self) -> None:
        """Listen no more, and hold nothing back."""
        with self._lock:
            if self._has_stop_key is None:
                return
            hands, self._hands, self._has_stop_key = self._hands, None, None
            self._until = 0.0
            self._lock.notify_all()
        if hands is not None:
            hands.close()
        self._changed()

    # --- agent.platform.HandsHearer ----------------------------------------------------------------------

    def touched(self) -> None:
        """See `HandsHearer`; what the technician holds down has gone up when this returns."""
        with self._lock:
            if self._has_stop_key is None:
                return
            self._until = self._clock() + FIRST_FOR_S
            if self._is_first:
                return
            self._is_first = True
            self._gate.hold(HOLDER)
            threading.Thread(target=self._give_back, name="beistand-hand", daemon=True).start()
        self._changed()

    def stop_key_pressed(self) -> None:
        """See `HandsHearer`."""
        log.info("stop key pressed")
        self._stop()

    def deafened(self) -> None:
        """See `HandsHearer`."""
        with self._lock:
            if self._has_stop_key is None:
                return
            self._hands, self._has_stop_key = None, False
        self._changed()

    def _give_back(self) -> None:
        """Wait until the hand has rested for its time, then let input pass again."""
        with self._lock:
            while (left := self._until - self._clock()) > 0:
                self._lock.wait(left)
            self._is_first = False
            self._gate.release(HOLDER)
        self._changed()
