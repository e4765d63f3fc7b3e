"""The guard at work: one lock around its state; what it wants done on the device is done in the same call.

Thread-safe. Whoever tells an event (a click, a message, a timer) has its device effects behind them when the
call returns; what others must be told waits in order for the event loop to `take` it (law 2 and 3).
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from agent.engine import event as e
from agent.engine.gate import Gate, OpenGrant
from agent.engine.guard import Guard
from agent.engine.ruling import apply


class Desk:
    """One session's guard and the gate it commands.

    `changed` is called after every event, in its thread; not after a proof of the bar that only renews one.
    """

    def __init__(
        self, guard: Guard, gate: Gate, *, clock: Callable[[], float], changed: Callable[[], None]
    ) -> None:
        self._guard = guard
        self._gate = gate
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._afterwards: list[e.Afterwards] = []

    @property
    def guard(self) -> Guard:
        """The state as it is now."""
        return self._guard

    def tell(self, event: e.Event) -> None:
        """Let an event happen; its effects on the device are done when this returns."""
        with ExitStack() as cleanly, self._lock:
            before = self._guard
            self._guard, effects = apply(before, event, now=self._clock())
            if effects or not (isinstance(event, e.IndicatorShown) and before.is_indicator_visible):
                cleanly.callback(self._changed)
            self._afterwards += [effect for effect in effects if not isinstance(effect, e.OnDevice)]
            self._do_all([effect for effect in effects if isinstance(effect, e.OnDevice)])

    def take(self) -> tuple[e.Afterwards, ...]:
        """What others are to be told, in order; each is handed out once."""
        with self._lock:
            afterwards, self._afterwards = self._afterwards, []
        return tuple(self._metered(effect) for effect in afterwards)

    def _metered(self, effect: e.Afterwards) -> e.Afterwards:
        """The gate has closed long before a summary is taken: what it says is final."""
        if not isinstance(effect, e.SignActivity):
            return effect
        return replace(effect, usage=self._gate.take_usage(effect.request.id))

    def _do_all(self, effects: list[e.OnDevice]) -> None:
        with ExitStack() as all_of_them:  # a failing one keeps none of the others from happening
            for effect in reversed(effects):
                all_of_them.callback(self._do, effect)

    def _do(self, effect: e.OnDevice) -> None:
        match effect:
            case e.CloseGrants(grant_ids):
                self._gate.close(grant_ids)
            case e.CloseEverything():
                self._gate.close_all()
            case e.OpenGrant(request):
                ask = request.ask
                self._gate.open(OpenGrant(request.id, ask.capability, ask.technician_id, request.deadline))
            case e.PausePassage():
                self._gate.pause()
            case e.ResumePassage():
                self._gate.resume()
            case e.HoldInput(request_id):
                self._gate.hold(request_id)
            case e.ReleaseInput(request_id):
                self._gate.release(request_id)
