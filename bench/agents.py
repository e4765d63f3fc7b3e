"""A real engine without windows (`python -m bench.agents GATEWAY BYTES RATE`), alone in its process.

The person is played at once: every question is allowed, every bar is shown, and a stop is what the button's
click handler calls, in the main thread. Told {"join": name, "code"}, {"stop": name}; tells `joined`, `live`
and `stopped` with the times of the click, of the gate's closing and of the revocation's writing.
"""

import json
import secrets
import sys
import threading
import time
from functools import partial
from typing import Any

from agent.engine import link, records_post
from agent.engine.engine import Engine
from agent.engine.gate import Gate
from agent.engine.key import DeviceKey
from agent.engine.link import Ears, Link
from agent.engine.pacing import Pacing
from agent.engine.ports import Publish
from agent.engine.visit import Parts
from agent.port import Answer, View
from beistand.protocol import frames
from beistand.protocol.frames import Codec, Header
from beistand.protocol.messages import Input, Joined, MediaDown, MonitorSize
from beistand.runtime import settle_memory
from bench.entry import look_up
from bench.streams import KEY_BYTES
from bench.workers import tell

KEEP_BAR_S = 0.5
SETTLED_S = 0.1
"""After a click the main thread leaves the interpreter to the engine, as an idle window does."""


class MadeUpScreen:
    """Frames of the right size and rate, at the agent's own pacing and through its gate."""

    def __init__(self, gate: Gate, *, size: int, rate: float) -> None:
        self._gate = gate
        self._pause = 1 / rate
        self._delta, self._key = secrets.token_bytes(size), secrets.token_bytes(KEY_BYTES)
        self._lock = threading.Lock()
        self._stream: tuple[str, Publish, Pacing] | None = None
        self._closed = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def prepare(self) -> None:
        """See `Media`."""

    def start(self, grant_id: str, publish: Publish) -> None:
        """See `agent.engine.ports.Media`, here and below."""
        with self._lock:
            self._stream = (grant_id, publish, Pacing())

    def monitors(self) -> tuple[MonitorSize, ...]:
        """Nobody chooses here."""
        return ()

    def credit(self, message: MediaDown) -> None:
        """A viewer is there, or has shown a frame."""
        with self._lock:
            if self._stream is not None and self._stream[0] == message.grant_id:
                now = time.monotonic()
                self._stream[2].credit(message.shown, wants_key=message.key_frame, now=now)

    def stop(self, grant_id: str) -> None:
        """The grant is over."""
        with self._lock:
            if self._stream is not None and self._stream[0] == grant_id:
                self._stream = None

    def close(self) -> None:
        """No more pictures."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(self._pause):
            with self._lock:
                stream = self._stream
                header = None if stream is None else self._next(stream[2])
            if stream is not None and header is not None:
                self._send(stream[0], stream[1], header)

    def _next(self, pacing: Pacing) -> Header | None:
        now = time.monotonic()
        pacing.settle(now)
        key = pacing.wants_key(now)
        if not pacing.takes(key=key):
            return None
        seq = pacing.sent(len(self._key if key else self._delta), key=key, now=now)
        return Header(Codec.H264, key, True, 0, seq, int(now * 1e6), 1920, 1080, 0)  # noqa: FBT003

    def _send(self, grant_id: str, publish: Publish, header: Header) -> None:
        for chunk in frames.chunks(header, self._key if header.is_key else self._delta):
            with self._gate.capturing(grant_id) as allowed:
                if not allowed:
                    return
                publish(chunk)


class NoInput:
    """A desktop that nobody controls; see `agent.engine.ports.Injector`."""

    def settle(self, event: Input) -> None:
        """Nothing to wait for."""

    def inject(self, event: Input, grant_id: str) -> None:
        """Nothing is pressed."""

    def release_all(self) -> None:
        """Nothing is held."""

    def own_window(self, window: int) -> None:
        """There are no windows."""


class Device:
    """One agent and its obliging person, in one session."""

    def __init__(self, name: str, gateway: str, *, size: int, rate: float) -> None:
        self._name = name
        self._phase = ""
        self._live: set[str] = set()
        self._answered: set[str] = set()
        self._wanted = False
        self._closed = self._written = 0
        gate = Gate()
        gate.on_close(self._note_closed)
        parts = Parts(
            gate=gate,
            media=MadeUpScreen(gate, size=size, rate=rate),
            injector=NoInput(),
            dial=self._dial,
            clock=time.monotonic,
            post=partial(records_post.post, gateway),
        )
        self._engine = Engine(look_up=partial(look_up, gateway), parts=parts)
        self._engine.start()
        self._engine.subscribe(self._sees)
        threading.Thread(target=self._keep_bar, daemon=True).start()

    def join(self, code: str) -> None:
        """Type the code; the rest follows by itself."""
        self._engine.look_up(code)

    def stop_sharing(self) -> None:
        """What the button's click handler does."""
        clicked = time.time_ns()
        self._engine.stop_sharing()
        returned = time.time_ns()
        time.sleep(SETTLED_S)
        times = {"closed": self._closed, "returned": returned, "written": self._written}
        tell(stopped=self._name, clicked=clicked, **times)

    def close(self) -> None:
        """Leave."""
        self._engine.close()

    def _note_closed(self, stopped: frozenset[str]) -> None:
        """Called by the gate after the last act that it let pass."""
        if stopped:
            self._closed = time.time_ns()

    def _sees(self, view: View) -> None:
        if view.indicator_wanted != self._wanted:
            self._wanted = view.indicator_wanted
            self._engine.indicator_shown(visible=view.indicator_wanted)
        if view.phase != self._phase:
            self._phase = view.phase
            if view.phase == "confirm":
                self._engine.join()
            if view.phase == "session":
                tell(joined=self._name)
        for question in view.questions:
            if question.request_id not in self._answered:
                self._answered.add(question.request_id)
                self._engine.answer(question.request_id, Answer.ALLOW, text="May they?", language="en")
        live = {access.grant_id for access in view.accesses}
        for grant in live - self._live:
            tell(live=self._name, grant=grant)
        self._live = live

    def _keep_bar(self) -> None:
        while True:
            time.sleep(KEEP_BAR_S)
            if self._wanted:
                self._engine.indicator_shown(visible=True)

    async def _dial(self, joined: Joined, key: DeviceKey, ears: Ears) -> Link:
        """The real link, whose control connection notes when a revocation was handed to the system."""
        found = await link.dial(joined, key, ears)
        transport: Any = found._clients["control"]._transport  # type: ignore[attr-defined]
        written = transport.writelines

        def noting(payload: list[bytes]) -> None:
            if any(b".revoked " in line for line in payload):
                self._written = time.time_ns()  # before: the broker's process may have our core right after
            written(payload)

        transport.writelines = noting
        return found


def main(gateway: str, size: int, rate: float) -> None:
    """Do as told until stdin ends; a new session takes the place of the one before."""
    settle_memory()
    device: Device | None = None
    for line in sys.stdin:
        match json.loads(line):
            case {"join": name, "code": code}:
                if device is not None:
                    device.close()
                device = Device(name, gateway, size=size, rate=rate)
                device.join(code)
            case {"stop": _} if device is not None:
                device.stop_sharing()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
