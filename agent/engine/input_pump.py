"""Input on its way from the wire to the desktop: checked, then injected one act at a time, or dropped.

Nothing is kept for later: what a stop, pause or hold finds waiting here is gone (gate turns).
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from agent.engine.gate import Gate
from agent.engine.ports import Injector
from agent.engine.refusals import Refusals
from agent.engine.silence import Silence
from beistand.protocol.capabilities import Capability, refused
from beistand.protocol.errors import BeistandError, RateLimited
from beistand.protocol.messages import Input, InputAlive, InputRelease, InputText, parse_input

WAITING = 2048
"""Acts that may wait for the desktop (two longest texts); with more, all are dropped and every key let go."""

LOOK_EVERY_S = 0.5
"""Between two looks for a relay that has fallen silent."""

CUT = "the connection input came over"
"""Holds the gate for the moment it takes to drop what waits."""


@dataclass(frozen=True)
class _Waiting:
    """One act and the gate's turn when it came."""

    event: Input
    grant_id: str
    turn: int


class InputPump:
    """Takes input on the event loop and injects it on a thread of its own."""

    def __init__(
        self,
        *,
        gate: Gate,
        injector: Injector,
        spendable: Callable[[str], frozenset[Capability]],
        refusals: Refusals,
        clock: Callable[[], float],
    ) -> None:
        self._gate = gate
        self._injector = injector
        self._spendable = spendable
        self._refusals = refusals
        self._clock = clock
        self._silence = Silence()
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(WAITING)

    def take(self, grant_id: str, data: bytes) -> None:
        """Input under a grant, as it came; what may not pass is refused here."""
        turn = self._gate.turn()
        try:
            event = parse_input(data)
            refusal = refused(event.type, self._spendable(grant_id))
            if refusal is not None:
                raise refusal
        except BeistandError as error:
            self._refusals.add("input", error)
            return
        if isinstance(event, InputAlive):
            self._silence.alive(grant_id, event.relay, now=self._clock())
            return
        self._silence.input(grant_id, now=self._clock())
        for act in _acts(event):
            self._put(_Waiting(act, grant_id, turn))

    def let_go(self) -> None:
        """Nobody can send what would let a key go: what waits is dropped, what is down goes up."""
        self._gate.hold(CUT)
        self._gate.release(CUT)
        self._injector.release_all()
        self._silence.forget()

    def look(self) -> None:
        """A relay that has fallen silent sends no release any more: its grant gets one."""
        for grant_id in self._silence.take(now=self._clock()):
            self._put(_Waiting(InputRelease(), grant_id, self._gate.turn()))

    async def watch(self) -> None:
        """Look for such a relay again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    async def run(self) -> None:
        """Inject what comes until cancelled. Raises what the injector raises."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="beistand-input") as thread:
            while True:
                waiting = await self._waiting.get()
                await loop.run_in_executor(thread, self._inject, waiting)

    def _put(self, waiting: _Waiting) -> None:
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(waiting)
            return
        self._refusals.add("input", RateLimited())
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(_Waiting(InputRelease(), waiting.grant_id, waiting.turn))

    def _inject(self, waiting: _Waiting) -> None:
        self._injector.settle(waiting.event)
        with self._gate.injecting(waiting.grant_id, turn=waiting.turn) as allowed:
            if allowed:
                self._gate.count(waiting.grant_id, waiting.event)
                self._injector.inject(waiting.event, waiting.grant_id)


def _acts(event: Input) -> Iterator[Input]:
    """Text one character at a time, so that a stop never waits for a long one."""
    if not isinstance(event, InputText):
        yield event
        return
    for character in event.text:
        yield InputText(text=character)
