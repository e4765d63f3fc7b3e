"""From a real X screen to decoded frames: what is painted arrives, what is stopped does not."""

import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import av
import mss
import numpy as np
import pytest
import simplejpeg
from Xlib.ext import randr
from Xlib.protocol import rq

from agent.engine import encode
from agent.engine.capture import Screen
from agent.engine.encode import Encoder, Kind, Plan
from agent.engine.gate import Gate, OpenGrant
from agent.engine.h264 import H264
from agent.engine.stream import ScreenMedia
from agent.platform.x11_changes import X11Changes
from agent.platform.x11_screen import X11Pixels
from beistand.protocol import frames
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import MediaDown
from tests.support.painter import Painter, painter
from tests.support.xvfb import Screen as XScreen
from tests.support.xvfb import xvfb

pytestmark = pytest.mark.integration

SOON_S = 10.0
QUIET_S = 0.3
WIDTH, HEIGHT = 801, 600
FIRST, SECOND = "view-1".ljust(22, "-"), "view-2".ljust(22, "-")


class Eye:
    """Decodes one codec's frames."""

    def __init__(self, codec: frames.Codec, width: int, height: int) -> None:
        self.codec = codec
        self.painted = np.zeros((height, width, 3), np.uint8)
        names = {frames.Codec.H264: "h264", frames.Codec.VP9: "vp9"}
        self.decoder = av.CodecContext.create(names[codec], "r") if codec in names else None

    def see(self, payload: bytes) -> av.VideoFrame:
        if self.decoder is not None:
            (picture,) = self.decoder.decode(av.Packet(payload))
            return picture
        for patch in frames.parse_patches(payload):
            image = simplejpeg.decode_jpeg(patch.image, "BGR")
            self.painted[patch.y : patch.y + image.shape[0], patch.x : patch.x + image.shape[1]] = image
        return av.VideoFrame.from_ndarray(self.painted, format="bgr24")


class Viewer:
    """What a relay and a browser do: put chunks together, decode, acknowledge."""

    def __init__(self, media: ScreenMedia, grant_id: str) -> None:
        self.media, self.grant_id = media, grant_id
        self.chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.eye: Eye | None = None
        self.seen: list[frames.Header] = []
        self.picture: av.VideoFrame | None = None

    def watch(self) -> None:
        self.media.start(self.grant_id, self.chunks.put)
        self.credit(None)

    def credit(
        self,
        shown: int | None,
        *,
        key_frame: bool = False,
        codecs: tuple[str, ...] | None = None,
        monitor: int | None = None,
    ) -> None:
        self.media.credit(
            MediaDown(
                grant_id=self.grant_id, shown=shown, key_frame=key_frame, codecs=codecs, monitor=monitor
            )
        )

    def choose(self, monitor: int, *, shows: int) -> frames.Header:
        """As the relay passes a viewer's choice on; the first frame of the monitor that is shown then."""
        self.credit(None, key_frame=True, monitor=monitor)
        while (header := self.next()).monitor != shows:
            self.credit(header.seq)
        self.credit(header.seq)
        return header

    def next(self, timeout: float = SOON_S) -> frames.Header:
        """The next whole frame, decoded but not acknowledged; queue.Empty if there is none."""
        payload, header = b"", None
        while header is None or not header.is_last:
            message = self.chunks.get(timeout=timeout)
            header = frames.parse(message)
            payload += message[frames.HEADER.size :]
        if self.eye is None or self.eye.codec is not header.codec:
            assert header.is_key
            self.eye = Eye(header.codec, header.width, header.height)
        self.picture = self.eye.see(payload)
        self.seen.append(header)
        return header

    def see(self, screen: XScreen, *, at_least: float = 35.0) -> None:
        """Take and acknowledge frames until the picture is like the screen (PSNR in dB)."""
        while self.picture is None or psnr(self.picture, screen) < at_least:
            self.credit(self.next().seq)

    def settle(self) -> None:
        """Take and acknowledge frames until none comes any more; the first may take its time."""
        while True:
            try:
                self.credit(self.next(QUIET_S if self.seen else SOON_S).seq)
            except queue.Empty:
                return


@pytest.fixture
def screen() -> Iterator[XScreen]:
    with xvfb(width=WIDTH, height=HEIGHT) as started:
        yield started


@pytest.fixture
def window(screen: XScreen) -> Iterator[Painter]:
    with painter(screen.display, x=0, y=0, width=WIDTH, height=HEIGHT) as painted:
        yield painted


@pytest.fixture
def gate() -> Gate:
    gate = Gate()
    open_view(gate, FIRST)
    return gate


@pytest.fixture
def lost() -> threading.Event:
    return threading.Event()


class SlowEncoder(H264):
    """x264, which can be made to wait before it starts."""

    is_held = False
    fails = False
    reached, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def __init__(self, width: int, height: int) -> None:
        if self.fails:
            raise MemoryError
        super().__init__(width, height)

    def encode(self, *args: Any, **options: Any) -> bytes:
        if self.is_held:
            self.reached.set()
            self.go_on.wait(SOON_S)
        try:
            return super().encode(*args, **options)
        finally:
            self.done.set()


@pytest.fixture
def slow_encoder() -> type[SlowEncoder]:
    """A class of its own for every test."""
    events = {name: threading.Event() for name in ("reached", "go_on", "done")}
    return type("SlowEncoder", (SlowEncoder,), events)


@pytest.fixture
def looks() -> list[int]:
    """The time of every grab."""
    return []


@pytest.fixture
def media(
    screen: XScreen, gate: Gate, lost: threading.Event, looks: list[int], slow_encoder: type[H264]
) -> Iterator[ScreenMedia]:
    def clock_ns() -> int:
        looks.append(time.monotonic_ns())
        return looks[-1]

    def open_encoder(plan: Plan, width: int, height: int) -> Encoder:
        if plan.kind is Kind.H264:
            return slow_encoder(width, height)
        return encode.open_encoder(plan, width, height)

    media = ScreenMedia(
        gate=gate,
        open_encoder=open_encoder,
        kinds=(Kind.H264, Kind.VP9, Kind.JPEG),
        open_screen=lambda: Screen(clock_ns=clock_ns, open_source=lambda: X11Pixels(screen.display)),
        open_changes=lambda: X11Changes(screen.display),
        clock=time.monotonic,
        on_lost=lost.set,
    )
    yield media
    media.close()


def open_view(gate: Gate, grant_id: str) -> None:
    gate.open(OpenGrant(grant_id, Capability.VIEW, "technician", time.monotonic() + 600))


def psnr(picture: av.VideoFrame, screen: XScreen) -> float:
    """Of a decoded picture to the real screen as it is now, over all colours, in dB."""
    with mss.MSS(display=screen.display, with_cursor=True) as grabber:
        shot = np.asarray(grabber.grab(grabber.primary_monitor))
    shown = picture.to_ndarray(format="bgr24").astype(float)
    wanted = shot[: shown.shape[0], : shown.shape[1], :3]
    return float(10 * np.log10(255**2 / max(((shown - wanted) ** 2).mean(), 1e-9)))


def test_what_is_painted_is_what_the_viewer_sees(screen, window, media):
    viewer = Viewer(media, FIRST)
    viewer.watch()
    viewer.settle()
    assert viewer.seen[0].is_key
    assert viewer.seen[0].seq == 1
    assert (viewer.seen[0].width, viewer.seen[0].height) == (WIDTH - 1, HEIGHT)
    for step in range(8):
        window.fill(0x3050F0 + step * 0x001000, 40 + step * 70, 100, 60, 200)
        viewer.see(screen)
    assert [header.seq for header in viewer.seen] == list(range(1, len(viewer.seen) + 1))
    assert sum(header.is_key for header in viewer.seen) == 1


def test_a_screen_full_of_detail_ends_up_sharp_and_then_it_is_quiet(screen, window, media):
    viewer = Viewer(media, FIRST)
    random = np.random.default_rng(5)
    for x in range(0, WIDTH, 12):
        for y in range(0, HEIGHT, 12):
            window.fill(int(random.integers(0, 256)) * 0x010101, x, y, 11, 9)
    viewer.watch()
    viewer.see(screen)
    viewer.settle()
    assert len(viewer.seen) <= 12


def test_an_idle_screen_sends_nothing(media):
    viewer = Viewer(media, FIRST)
    viewer.watch()
    viewer.settle()
    with pytest.raises(queue.Empty):
        viewer.next(1.5)


def test_without_credit_nothing_is_sent(media):
    viewer = Viewer(media, FIRST)
    media.start(FIRST, viewer.chunks.put)
    with pytest.raises(queue.Empty):
        viewer.next(QUIET_S)
    viewer.credit(None)
    assert viewer.next().is_key


def test_two_frames_are_on_their_way_and_no_third(window, media):
    viewer = Viewer(media, FIRST)
    viewer.watch()
    viewer.next()
    window.fill(0xFF0000, 0, 0, 100, 100)
    viewer.next()
    window.fill(0x00FF00, 0, 0, 100, 100)
    with pytest.raises(queue.Empty):
        viewer.next(QUIET_S)
    viewer.credit(2)
    assert viewer.next().seq == 3
    assert viewer.picture.to_ndarray(format="bgr24")[50, 50, 1] > 200  # the newest picture, not an older one


def test_after_a_close_not_one_chunk_more(window, gate, media):
    """The screen is busy, and credit is given for every frame: only the gate stops it."""
    stopped = threading.Event()
    late: list[bytes] = []
    viewer = Viewer(media, FIRST)

    def publish(chunk: bytes) -> None:
        if stopped.is_set():
            late.append(chunk)
        viewer.chunks.put(chunk)
        viewer.credit(frames.parse(chunk).seq)

    media.start(FIRST, publish)
    viewer.credit(None)
    for step in range(30):
        window.fill(step * 7, 0, 0, WIDTH, HEIGHT)
        viewer.next()
    gate.close({FIRST})
    stopped.set()
    for step in range(30):
        window.fill(step * 1000, 0, 0, WIDTH, HEIGHT)
    viewer.credit(None, key_frame=True)
    viewer.settle()
    assert late == []


def test_a_frame_that_is_being_encoded_when_the_gate_closes_goes_nowhere(slow_encoder, gate, media):
    viewer = Viewer(media, FIRST)
    slow_encoder.is_held = True
    viewer.watch()
    assert slow_encoder.reached.wait(SOON_S)
    gate.close({FIRST})
    slow_encoder.go_on.set()
    assert slow_encoder.done.wait(SOON_S)
    with pytest.raises(queue.Empty):
        viewer.next(QUIET_S)


def test_paused_it_is_silent_and_goes_on_with_a_key_frame(window, gate, media):
    viewer = Viewer(media, FIRST)
    viewer.watch()
    viewer.settle()
    gate.pause()
    window.fill(0xFF0000, 0, 0, 300, 300)
    with pytest.raises(queue.Empty):
        viewer.next(QUIET_S)
    gate.resume()
    assert viewer.next().is_key


def test_a_second_viewer_starts_with_a_key_frame_and_sees_the_same(screen, window, gate, media):
    open_view(gate, SECOND)
    first, second = Viewer(media, FIRST), Viewer(media, SECOND)
    first.watch()
    first.settle()
    second.watch()
    header = second.next()
    assert (header.is_key, header.seq) == (True, 1)
    first.settle()
    second.settle()
    window.fill(0x00FF00, 100, 100, 400, 300)
    for viewer in (first, second):
        viewer.see(screen)


def test_a_viewer_who_stands_still_holds_nobody_up(screen, window, gate, media):
    open_view(gate, SECOND)
    first, still = Viewer(media, FIRST), Viewer(media, SECOND)
    first.watch()
    still.watch()
    first.settle()
    for step in range(10):
        window.fill(0x101010 * step, 0, 0, 200, 200)
        first.credit(first.next().seq)
    first.see(screen)
    still.see(screen)
    assert any(header.is_key for header in still.seen[1:])


def test_a_stopped_grant_gets_nothing(window, media):
    viewer = Viewer(media, FIRST)
    viewer.watch()
    viewer.settle()
    media.stop(FIRST)
    window.fill(0xFF0000, 0, 0, 100, 100)
    with pytest.raises(queue.Empty):
        viewer.next(QUIET_S)
    media.stop(FIRST)


def test_the_pointer_is_in_the_picture_and_moves_with_it(window, media):
    viewer = Viewer(media, FIRST)
    viewer.watch()
    viewer.settle()
    window.window.warp_pointer(500, 300)
    window.display.sync()
    while viewer.picture.to_ndarray(format="gray")[295:320, 495:520].std() < 5:
        viewer.credit(viewer.next().seq)


def test_the_codec_changes_in_mid_stream_and_the_picture_goes_on(screen, window, media):
    """Each switch begins with a key frame, or the viewer above would fail."""
    viewer = Viewer(media, FIRST)
    viewer.watch()
    viewer.settle()
    for step, codec in enumerate(["vp09.00.40.08", "jpeg", "avc1.640028"]):
        viewer.credit(None, codecs=(codec,))
        window.fill(0x3050F0 + step * 0x102030, 40 + step * 70, 100, 60, 200)
        viewer.see(screen)
        viewer.settle()
        window.fill(0xF05030, 300, 40 + step * 70, 200, 60)
        viewer.see(screen)
        viewer.settle()
    order = [header.codec.name for header in viewer.seen if header.is_key]
    assert order == ["H264", "VP9", "JPEG", "H264"]


def test_an_encoder_that_does_not_open_is_left_out(screen, gate, lost):
    def open_encoder(plan: Plan, width: int, height: int) -> Encoder:
        if plan.kind is Kind.H264:
            raise encode.EncoderUnavailable
        return encode.open_encoder(plan, width, height)

    media = ScreenMedia(
        gate=gate,
        open_encoder=open_encoder,
        kinds=(Kind.H264, Kind.VP9),
        open_screen=lambda: Screen(clock_ns=time.monotonic_ns, open_source=lambda: X11Pixels(screen.display)),
        open_changes=lambda: X11Changes(screen.display),
        clock=time.monotonic,
        on_lost=lost.set,
    )
    viewer = Viewer(media, FIRST)
    viewer.watch()
    assert viewer.next().codec is frames.Codec.VP9
    media.close()
    assert not lost.is_set()


def test_a_lost_display_is_noticed_and_nothing_crashes(screen, media, lost):
    viewer = Viewer(media, FIRST)
    viewer.watch()
    viewer.settle()
    os.kill(screen.pid, signal.SIGKILL)
    assert lost.wait(SOON_S)


def test_a_failing_encoder_is_told_and_the_next_try_works(slow_encoder, media, lost):
    viewer = Viewer(media, FIRST)
    slow_encoder.fails = True
    viewer.watch()
    assert lost.wait(SOON_S)
    slow_encoder.fails = False
    assert viewer.next().is_key


def test_another_resolution_is_followed_with_a_key_frame(screen, window, media):
    viewer = Viewer(media, FIRST)
    viewer.watch()
    viewer.settle()
    assert media.desktop_place(5000, 5000) == (WIDTH - 1, HEIGHT - 1)
    resize(window, 640, 480)
    while (header := viewer.next()).width != 640:
        viewer.credit(header.seq)
    assert header.is_key
    assert header.height == 480
    assert media.desktop_place(5000, 5000) == (639, 479)
    viewer.credit(header.seq)
    window.fill(0x00FF00, 0, 0, 640, 480)
    viewer.see(screen)


def test_another_monitor_is_shown_and_clicked_when_it_is_chosen(window, media):
    split(window, 401)
    viewer = Viewer(media, FIRST)
    viewer.watch()
    viewer.settle()
    assert [(each.width, each.height) for each in media.monitors()] == [(401, HEIGHT), (400, HEIGHT)]
    assert (viewer.seen[-1].monitor, viewer.seen[-1].width) == (0, 400)
    viewer.eye = None
    right = viewer.choose(1, shows=1)
    assert (right.is_key, right.width, right.height) == (True, 400, HEIGHT)
    assert media.desktop_place(10, 20) == (411, 20)
    viewer.eye = None
    assert viewer.choose(9, shows=0).is_key, "one that is not there is the primary one"
    assert media.desktop_place(10, 20) == (10, 20)


def test_an_idle_watched_screen_is_hardly_looked_at(looks, media):
    viewer = Viewer(media, FIRST)
    viewer.watch()
    viewer.settle()
    looks.clear()
    with pytest.raises(queue.Empty):
        viewer.next(2.0)
    assert len(looks) <= 3


def resize(window: Painter, width: int, height: int) -> None:
    """Another resolution, as display settings make it: a mode of that size on the only output."""
    display, root = window.display, window.display.screen().root
    found = root.xrandr_get_screen_resources()
    mode = root.xrandr_create_mode((0, width, height, *[0] * 9, 0), f"{width}x{height}").mode
    display.xrandr_add_output_mode(found.outputs[0], mode)
    display.xrandr_set_crtc_config(found.crtcs[0], found.config_timestamp, 0, 0, 0, randr.Rotate_0, [])
    root.xrandr_set_screen_size(width, height, width // 4, height // 4)
    display.xrandr_set_crtc_config(
        found.crtcs[0], found.config_timestamp, 0, 0, mode, randr.Rotate_0, [found.outputs[0]]
    )
    display.sync()


class SetMonitor(rq.Request):
    """RRSetMonitor of RandR 1.5; python-xlib has it, but cannot pack it."""

    _request = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(43),
        rq.RequestLength(),
        rq.Window("window"),
        rq.Card32("name"),
        rq.Bool("primary"),
        rq.Bool("automatic"),
        rq.LengthOf("outputs", 2),
        rq.Int16("x"),
        rq.Int16("y"),
        rq.Card16("width"),
        rq.Card16("height"),
        rq.Card32("width_mm"),
        rq.Card32("height_mm"),
        rq.List("outputs", rq.Card32Obj),
    )


def split(window: Painter, at: int) -> None:
    """Two monitors side by side, as a desktop can define them on one output."""
    display, root = window.display, window.display.screen().root
    place = {"y": 0, "height": HEIGHT, "width_mm": at, "height_mm": HEIGHT, "automatic": 0}
    for name, x, width, outputs in (
        ("left", 0, at, root.xrandr_get_screen_resources().outputs),
        ("right", at, WIDTH - at, []),
    ):
        SetMonitor(
            display=display.display,
            opcode=display.display.get_extension_major(randr.extname),
            window=root,
            name=display.intern_atom(name),
            primary=name == "left",
            x=x,
            width=width,
            outputs=outputs,
            **place,
        )
    display.sync()
