"""Input from a technician to the customer's desktop through pynput: one act at a time, each past the gate.

Never reaches our own windows (law 8), types what was typed whatever the layout, and can let everything go at
any time. Knows no network.
"""

import logging
import threading
import time
import unicodedata
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from agent.engine import keys
from agent.engine.gate import Gate
from agent.engine.held import Held
from agent.platform import Desktop, InputDevices, Stroke
from beistand.protocol.messages import (
    Input,
    InputButton,
    InputKey,
    InputMove,
    InputRelease,
    InputText,
    InputWheel,
)

FOCUS_WITHIN_S = 1.0
"""After a press. A window that does not take the keyboard by then (a panel, the desktop) never will.

A busy machine's window manager has taken more than 0.1 s; keys sent before are lost or reach another window.
"""

_log = logging.getLogger(__name__)

Place = Callable[[int, int], tuple[int, int] | None]
"""Desktop coordinates of a pixel of the picture; None while there is no picture."""


@dataclass(frozen=True)
class _Down:
    """A key or button that is down; `name` is pynput's, "" for keys that type."""

    thing: Any
    name: str = ""
    is_button: bool = False


class DesktopInjector:
    """See `ports.Injector`. Thread-safe."""

    def __init__(self, *, gate: Gate, desktop: Desktop, devices: InputDevices, place: Place) -> None:
        self._gate = gate
        self._desktop = desktop
        self._keyboard = devices.keyboard
        self._mouse = devices.mouse
        self._failures = devices.failures
        self._place = place
        self._lock = threading.Lock()
        self._held: Held[_Down] = Held()
        self._own: set[int] = set()
        self._kept_off = 0
        self._clicked: tuple[tuple[int, int], float] | None = None
        """Where a button went down since the last key, and when (monotonic seconds)."""
        self._acts: dict[type[Input], Callable[[Any, str], None]] = {
            InputMove: self._move,
            InputButton: self._button,
            InputWheel: self._wheel,
            InputKey: self._key,
            InputText: self._text,
            InputRelease: lambda _, grant_id: self._let_go({grant_id}),
        }
        gate.on_close(self._stopped)

    @property
    def kept_off(self) -> int:
        """How many events were dropped because they would have reached a window of ours."""
        return self._kept_off

    def settle(self, event: Input) -> None:
        """See `ports.Injector`."""
        if self._clicked is not None and isinstance(event, InputKey | InputText):
            (place, at), self._clicked = self._clicked, None
            self._desktop.await_focus(*place, timeout=at + FOCUS_WITHIN_S - time.monotonic())

    def inject(self, event: Input, grant_id: str) -> None:
        """See `ports.Injector`."""
        if isinstance(event, InputText) and len(event.text) > 1:
            turn = self._gate.turn()
            for character in event.text:
                self._inject(InputText(text=character), grant_id, turn)
            return
        self._inject(event, grant_id, None)

    def release_all(self) -> None:
        """See `ports.Injector`."""
        with self._lock:
            self._let_go(None)

    def own_window(self, window: int) -> None:
        """See `ports.Injector`."""
        with self._lock:
            self._own.add(window)

    def close(self) -> None:
        """Let everything go and give the desktop back; nothing may be injected after this."""
        with self._lock:
            self._let_go(None)
            with suppress(*self._failures):
                self._keyboard.close()
            self._desktop.close()

    def _inject(self, event: Input, grant_id: str, turn: int | None) -> None:
        with self._gate.injecting(grant_id, turn=turn) as allowed:
            if allowed:
                with self._lock:
                    self._act(event, grant_id)

    def _act(self, event: Input, grant_id: str) -> None:
        try:
            self._acts[type(event)](event, grant_id)
        except self._failures as error:
            # The display is gone or refuses: nothing is injected, and nothing breaks.
            _log.warning("input could not be injected: %s", type(error).__name__)

    def _stopped(self, grant_ids: frozenset[str]) -> None:
        with self._lock:
            self._let_go(grant_ids)

    # --- mouse -----------------------------------------------------------------------------------------

    def _move(self, event: InputMove, grant_id: str) -> None:  # noqa: ARG002  (all acts look alike)
        self._point(event.x, event.y)

    def _button(self, event: InputButton, grant_id: str) -> None:
        place = self._point(event.x, event.y)
        if event.action == "up":
            self._up(self._held.release(grant_id, event.button))
        elif place is not None and not self._is_ours_at(place):
            button = self._mouse.button(event.button)
            if button is not None:
                self._mouse.press(button)
                self._clicked = place, time.monotonic()
                self._held.press(grant_id, event.button, _Down(button, is_button=True))

    def _wheel(self, event: InputWheel, grant_id: str) -> None:  # noqa: ARG002
        place = self._point(event.x, event.y)
        if place is not None and not self._is_ours_at(place):
            self._mouse.scroll(event.dx, -event.dy)  # pynput counts upwards

    def _point(self, x: int, y: int) -> tuple[int, int] | None:
        place = self._place(x, y)
        if place is not None:
            self._mouse.move(*place)
        return place

    # --- keyboard --------------------------------------------------------------------------------------

    def _key(self, event: InputKey, grant_id: str) -> None:
        identity = keys.identity(event.key, event.code)
        if event.action == "up":
            self._up(self._held.release(grant_id, identity))
        elif event.key == keys.LEVEL_CHOOSER:
            self._drop_names(grant_id, keys.ALTGRAPH_FAKES)
        elif not self._is_ours_focused():
            self._down(event, identity, grant_id)

    def _down(self, event: InputKey, identity: str, grant_id: str) -> None:
        name = keys.named_key(event.key, event.code)
        if name is not None:
            self._press_named(name, identity, grant_id)
        elif keys.is_character(event.key):
            self._press_character(event, identity, grant_id)

    def _press_named(self, name: str, identity: str, grant_id: str) -> None:
        is_repeated = self._held.holds(grant_id, identity)
        if is_repeated and name in keys.MODIFIERS:
            return
        key = self._keyboard.named(name) or self._keyboard.named(keys.OTHER_SIDE.get(name, ""))
        if key is not None:
            self._hold(_Down(key, name), identity, grant_id)

    def _press_character(self, event: InputKey, identity: str, grant_id: str) -> None:
        """A command with the key that has the character, or the character itself."""
        if self._named_down(grant_id, keys.SHORTCUT_MODIFIERS):
            key = self._keyboard.shortcut(event.key, event.code)
            if key is not None:
                self._hold(_Down(key), identity, grant_id)
            return
        stroke = self._keyboard.stroke(event.key) if len(event.key) == 1 else None
        if stroke is not None:
            with self._shifted(stroke, grant_id):
                self._hold(_Down(stroke.key), identity, grant_id)

    def _text(self, event: InputText, grant_id: str) -> None:
        """One character, free of whatever modifiers are held."""
        if self._is_ours_focused():
            return
        with self._lifted(self._named_down(grant_id, keys.SHORTCUT_MODIFIERS)):
            if event.text in keys.TYPED:
                self._tap(self._keyboard.named(keys.TYPED[event.text]))
            elif unicodedata.category(event.text) != "Cc":
                self._type(event.text, grant_id)

    def _type(self, character: str, grant_id: str) -> None:
        stroke = self._keyboard.stroke(character)
        if stroke is not None:
            with self._shifted(stroke, grant_id):
                self._tap(stroke.key)

    def _tap(self, key: Any | None) -> None:
        if key is not None:
            self._keyboard.press(key)
            self._keyboard.release(key)

    @contextmanager
    def _shifted(self, stroke: Stroke, grant_id: str) -> Iterator[None]:
        """The customer's layout may need other shifts for a character than the technician's."""
        shifts = self._named_down(grant_id, keys.SHIFTS)
        needed = [self._keyboard.named("shift_l")] if stroke.shift and not shifts else []
        needed += [self._keyboard.level3()] if stroke.level3 else []
        with self._lifted(shifts if stroke.shift is False else []):
            added = [key for key in needed if key is not None]
            for key in added:
                self._keyboard.press(key)
            try:
                yield
            finally:
                for key in reversed(added):
                    self._keyboard.release(key)

    @contextmanager
    def _lifted(self, downs: Collection[_Down]) -> Iterator[None]:
        """Held modifiers go up for a moment."""
        for down in downs:
            self._keyboard.release(down.thing)
        try:
            yield
        finally:
            for down in downs:
                self._keyboard.press(down.thing)

    # --- what is held ----------------------------------------------------------------------------------

    def _hold(self, down: _Down, identity: str, grant_id: str) -> None:
        """Press a key until its way up; again if it is down already, as the technician's keyboard repeats."""
        before = self._held.release(grant_id, identity)
        if before is not None:
            self._keyboard.release(before.thing)
        if down.name not in keys.MODIFIERS:
            self._keyboard.hold_repeat(hold=True)
        self._held.press(grant_id, identity, down)
        self._keyboard.press(down.thing)

    def _up(self, down: _Down | None) -> None:
        if down is None:
            return
        if down.is_button:
            self._mouse.release(down.thing)
            return
        self._keyboard.release(down.thing)
        if not any(_repeats(each) for each in self._held.everything()):
            self._keyboard.hold_repeat(hold=False)

    def _let_go(self, grant_ids: Collection[str] | None) -> None:
        """Everything these grants hold goes up."""
        for down in self._held.drain(grant_ids):
            with suppress(*self._failures):
                self._up(down)
        if not self._held:
            with suppress(*self._failures):
                self._keyboard.rest()

    def _named_down(self, grant_id: str, names: Collection[str]) -> list[_Down]:
        return [down for down in self._held.things(grant_id) if down.name in names]

    def _drop_names(self, grant_id: str, names: Collection[str]) -> None:
        """These modifiers were never meant."""
        for identity, down in self._held.of(grant_id):
            if down.name in names:
                self._up(self._held.release(grant_id, identity))

    # --- ours ------------------------------------------------------------------------------------------

    def _is_ours_at(self, place: tuple[int, int]) -> bool:
        return self._counted(self._desktop.is_own_at(*place, self._own))

    def _is_ours_focused(self) -> bool:
        return self._counted(self._desktop.is_own_focused(self._own))

    def _counted(self, is_ours: bool) -> bool:  # noqa: FBT001
        self._kept_off += is_ours
        return is_ours


def _repeats(down: _Down) -> bool:
    return not down.is_button and down.name not in keys.MODIFIERS
