"""The screen as a stream of frames per view grant: one thread that grabs, compares, encodes and publishes.

Newest picture wins, nothing queues. The picture is encoded once for all grants; who has no credit misses it
and goes on with a later key frame. The gate is asked around every grab and every chunk (law 3).
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

from agent.engine.camera import Camera, Frame, Wish
from agent.engine.capture import Monitor, ReadingRefused, Screen
from agent.engine.choice import Choice
from agent.engine.encode import EncoderUnavailable, Kind, Line, OpenEncoder, Plan
from agent.engine.gate import Gate
from agent.engine.pacing import Pacing
from agent.engine.ports import Publish
from agent.platform import Changes, DesktopGone
from beistand.protocol import frames
from beistand.protocol.messages import MAX_MONITORS, MediaDown, MonitorSize

SMALLEST = (64, 64)
IDLE_S = 1.0
"""The longest sleep while somebody watches."""

_log = logging.getLogger(__name__)


@dataclass
class _Stream:
    publish: Publish
    pacing: Pacing = field(default_factory=Pacing)
    codecs: tuple[str, ...] = ()
    """What its viewers decode; nothing, if nobody has said."""


class ScreenMedia:
    """See `ports.Media`. All of its methods return at once; the thread does the work.

    `on_lost` is called from the thread when the display is gone: nothing is captured any more.
    """

    def __init__(
        self,
        *,
        gate: Gate,
        open_encoder: OpenEncoder,
        kinds: Sequence[Kind],
        open_screen: Callable[[], Screen],
        open_changes: Callable[[], Changes],
        clock: Callable[[], float],
        on_lost: Callable[[], None],
    ) -> None:
        self._gate = gate
        self._open_encoder = open_encoder
        self._kinds = kinds
        self._choice = Choice(kinds, cores=os.cpu_count() or 1)
        self._open_screen = open_screen
        self._open_changes = open_changes
        self._clock = clock
        self._on_lost = on_lost
        self._changed = threading.Condition()
        self._streams: dict[str, _Stream] = {}
        self._changes: Changes | None = None
        self._newest: Frame | None = None
        self._is_closed = False
        self._looks_for = ""
        self._wanted_monitor = 0
        self._monitors: tuple[MonitorSize, ...] = ()
        gate.on_close(lambda _: self._wake())
        self._thread = threading.Thread(target=self._run, name="beistand-media", daemon=True)
        self._thread.start()

    # --- called by the engine --------------------------------------------------------------------------

    def prepare(self) -> None:
        """See `ports.Media`. Encoders are loaded when the screen is opened, or the first picture waits."""
        with suppress(ImportError, EncoderUnavailable):
            self._open_encoder(Plan(self._kinds[0]), *SMALLEST).close()

    def start(self, grant_id: str, publish: Publish) -> None:
        """See `ports.Media`."""
        with self._changed:
            self._streams[grant_id] = _Stream(publish)
        self._wake()

    def credit(self, message: MediaDown) -> None:
        """See `ports.Media`."""
        with self._changed:
            stream = self._streams.get(message.grant_id)
            if stream is None:
                return
            if message.codecs is not None:
                stream.codecs = message.codecs
            if message.monitor is not None:
                self._wanted_monitor = message.monitor
            stream.pacing.credit(message.shown, wants_key=message.key_frame, now=self._clock())
        self._wake()

    def monitors(self) -> tuple[MonitorSize, ...]:
        """See `ports.Media`."""
        return self._monitors

    def stop(self, grant_id: str) -> None:
        """See `ports.Media`."""
        with self._changed:
            self._streams.pop(grant_id, None)
        self._wake()

    def close(self) -> None:
        """See `ports.Media`."""
        with self._changed:
            self._streams.clear()
            self._is_closed = True
        self._wake()

    def desktop_place(self, x: int, y: int) -> tuple[int, int] | None:
        """The desktop coordinates of a pixel of the newest picture; None before the first."""
        newest = self._newest
        if newest is None:
            return None
        return newest.monitor.desktop_place(x, y, picture=(newest.width, newest.height))

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
            if self._changes is not None:
                self._changes.interrupt()

    # --- the thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._wait_for_work():
            if self._gate.wait_for_view(IDLE_S) and self._streams:
                self._show()

    def _wait_for_work(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._streams or self._is_closed)
            return not self._is_closed

    def _show(self) -> None:
        """Show the screen until nobody may see it; what was open is closed then, and afresh next time."""
        screen = self._open_screen()
        screen.choose(self._wanted_monitor)
        camera: Camera | None = None
        self._choice = Choice(self._kinds, cores=os.cpu_count() or 1)
        try:
            changes = self._open_changes()
            camera = Camera(
                see=lambda: screen.look(changes.areas(), self._reading), open_encoder=self._open_encoder
            )
            with self._changed:
                self._changes = changes
                for stream in self._streams.values():
                    stream.pacing.missed()
            _log.info("screen capture started")
            self._warm_up(camera)
            while views := self._watched():
                if screen.choose(self._wanted_monitor):
                    camera.notice()
                self._step(camera, changes, views)
                self._monitors = _sizes(screen.monitors)
        except DesktopGone:
            _log.warning("the display is gone")
            self._give_up()
        except Exception:  # noqa: BLE001  (whatever it is, the thread lives on and the person is told)
            _log.exception("screen capture failed")
            self._give_up()
        finally:
            self._end_show(camera, screen)

    def _warm_up(self, camera: Camera) -> None:
        """Open what the first picture needs while the viewer is still on its way; what is seen is dropped."""
        for grant_id in self._watched()[:1]:
            self._looks_for = grant_id
            with suppress(EncoderUnavailable, ReadingRefused):
                camera.warm_up(self._clock(), self._plan([grant_id]))

    def _reading(self) -> AbstractContextManager[bool]:
        """A stop waits for one read of the screen, not for what is made of it."""
        return self._gate.capturing(self._looks_for)

    def _give_up(self) -> None:
        """Tell, and do not try again at once."""
        self._on_lost()
        with self._changed:
            self._changed.wait(IDLE_S)

    def _end_show(self, camera: Camera | None, screen: Screen) -> None:
        with self._changed:
            changes, self._changes = self._changes, None
        if changes is not None:
            changes.close()
        if camera is not None:
            camera.close()
        screen.close()
        self._monitors = ()
        _log.info("screen capture stopped")

    def _watched(self) -> tuple[str, ...]:
        live = self._gate.live_views()
        with self._changed:
            return tuple(grant_id for grant_id in live if grant_id in self._streams)

    def _step(self, camera: Camera, changes: Changes, views: tuple[str, ...]) -> None:
        """Make and send a frame if there is one to be had, else wait for a reason."""
        now = self._clock()
        wish, reasons = self._wishes(views, now)
        if wish is not None:
            looks_at = camera.wakes_at(wish)
            if looks_at is not None and looks_at <= now:
                self._picture(camera, changes, views, wish)
                return
            reasons.append(looks_at)
        until = min((at for at in reasons if at is not None), default=now + IDLE_S)
        if changes.wait(min(max(until - now, 0.0), IDLE_S)):
            camera.notice()

    def _wishes(self, views: tuple[str, ...], now: float) -> tuple[Wish | None, list[float | None]]:
        """What the viewers with credit can use, None if nobody has any; and when that changes by itself."""
        with self._changed:
            paces = [self._streams[grant_id].pacing for grant_id in views if grant_id in self._streams]
            for pace in paces:
                pace.settle(now)
            key = any(pace.wants_key(now) for pace in paces)
            is_useful = any(pace.takes(key=key) for pace in paces)
            # Frames that only sharpen are for everybody or nobody, or they would cost somebody a key frame.
            for_all = all(pace.takes(key=key) for pace in paces if pace.is_awake)
            wish = Wish(key=key, refine=for_all, plan=self._plan(views)) if is_useful else None
            return wish, [pace.wakes_at(now) for pace in paces]

    def _plan(self, views: Sequence[str]) -> Plan:
        """The encoder for those who watch; thin only if every line is, a slow one may miss frames instead."""
        with self._changed:
            streams = [self._streams[grant_id] for grant_id in views if grant_id in self._streams]
            streams = [stream for stream in streams if stream.pacing.is_awake] or streams
            is_thin = bool(streams) and all(each.pacing.meter.line is Line.THIN for each in streams)
            line = Line.THIN if is_thin else Line.WIDE
            return self._choice.plan([stream.codecs for stream in streams], line)

    def _picture(self, camera: Camera, changes: Changes, views: tuple[str, ...], wish: Wish) -> None:
        self._looks_for = views[0]
        try:
            camera.look(self._clock())
        except ReadingRefused:
            return
        begun = time.thread_time()
        try:
            frame = camera.frame(self._clock(), wish)
        except EncoderUnavailable as error:
            _log.warning("encoder not used", extra={"encoder": wish.plan.kind, "why": str(error)})
            self._choice.failed(wish.plan.kind)
            return
        if frame is None:
            return
        self._choice.took(wish.plan.kind, time.thread_time() - begun)
        changes.found()
        self._newest = frame
        for grant_id in views:
            self._send(grant_id, frame)

    def _send(self, grant_id: str, frame: Frame) -> None:
        """One frame to one grant, as far as its credit and the gate go."""
        with self._changed:
            stream = self._streams.get(grant_id)
            if stream is None or not stream.pacing.takes(key=frame.is_key):
                if stream is not None:
                    stream.pacing.missed()
                return
            seq = stream.pacing.sent(len(frame.payload), key=frame.is_key, now=self._clock())
        for chunk in frames.chunks(_header(frame, seq), frame.payload):
            with self._gate.capturing(grant_id) as allowed:
                if not allowed:
                    return
                stream.publish(chunk)


def _header(frame: Frame, seq: int) -> frames.Header:
    return frames.Header(
        codec=frame.codec,
        is_key=frame.is_key,
        is_last=True,
        monitor=frame.monitor.number,
        seq=seq,
        captured_us=frame.taken_us,
        width=frame.width,
        height=frame.height,
        chunk=0,
        area=frame.area,
    )


def _sizes(monitors: Sequence[Monitor]) -> tuple[MonitorSize, ...]:
    return tuple(MonitorSize(width=each.width, height=each.height) for each in monitors[:MAX_MONITORS])
