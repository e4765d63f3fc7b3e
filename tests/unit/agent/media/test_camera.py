"""The camera: a frame for every change, none without one, black when the screen cannot be read."""

import av
import numpy as np
import pytest

from agent.engine.camera import REFINE_S, REST_S, SHORTEST_S, UNREADABLE_S, WHOLE_EVERY_S, Camera, Frame, Wish
from agent.engine.capture import Monitor, Picture, ScreenUnreadable
from agent.engine.change import EDGE, Pixels, changes, whole
from agent.engine.encode import Encoder, Kind, Line, Plan, open_encoder
from agent.engine.h264 import REFINES
from beistand.protocol.frames import Area, Codec

pytestmark = pytest.mark.unit

MONITOR = Monitor(0, 0, 640, 480)
PLAN = Plan(Kind.H264)
PLAIN, KEY = Wish(key=False, refine=False, plan=PLAN), Wish(key=True, refine=False, plan=PLAN)
FINE = Wish(key=False, refine=True, plan=PLAN)


class Desk:
    """A screen in memory, readable or not."""

    def __init__(self) -> None:
        self.pixels = np.zeros((480, 640, 4), np.uint8)
        self.seen: Pixels | None = None
        self.is_readable = True

    def see(self) -> Picture:
        if not self.is_readable:
            self.seen = None
            raise ScreenUnreadable
        before, self.seen = self.seen, self.pixels.copy()
        known = before is not None and before.shape == self.seen.shape
        changed = changes(before, self.seen) if known else whole(self.seen)
        return Picture(self.seen, changed, 7, MONITOR)

    def paint(self) -> None:
        self.pixels[64:128, 64:128] += 50

    def fill_with_noise(self) -> None:
        self.pixels[:] = np.random.default_rng(1).integers(0, 255, self.pixels.shape, np.uint8)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def camera(desk: Desk) -> Camera:
    return Camera(see=desk.see, open_encoder=open_encoder)


def shot(camera: Camera, now: float, wish: Wish = PLAIN) -> Frame | None:
    camera.look(now)
    return camera.frame(now, wish)


def test_the_first_frame_is_a_key_frame_of_the_whole_picture(camera):
    frame = shot(camera, 1.0)
    assert frame is not None
    assert frame.is_key
    assert (frame.width, frame.height, frame.monitor, frame.taken_us) == (640, 480, MONITOR, 7)


def test_warmed_up_it_has_the_encoder_ready_and_has_shown_nothing(desk):
    opened: list[Encoder] = []

    def counted(plan: Plan, width: int, height: int) -> Encoder:
        opened.append(open_encoder(plan, width, height))
        return opened[-1]

    camera = Camera(see=desk.see, open_encoder=counted)
    camera.warm_up(1.0, PLAN)
    assert len(opened) == 1
    assert camera.wakes_at(KEY) == 1.0 + SHORTEST_S
    desk.paint()
    frame = shot(camera, 2.0)
    assert frame is not None
    assert frame.is_key
    assert len(opened) == 1


def test_an_unchanged_screen_makes_no_frame(camera):
    shot(camera, 1.0)
    assert shot(camera, 2.0) is None
    assert camera.wakes_at(PLAIN) is None


def test_a_change_makes_a_frame_that_is_no_key_frame(camera, desk):
    shot(camera, 1.0)
    desk.paint()
    camera.notice()
    assert camera.wakes_at(PLAIN) == 1.0 + SHORTEST_S
    frame = shot(camera, 2.0)
    assert frame is not None
    assert not frame.is_key


def test_a_frame_says_which_part_of_it_is_new_and_now_and_then_it_is_to_be_painted_whole(camera, desk):
    areas = []
    for now in (1.0, 1.2, 1.4, 1.0 + WHOLE_EVERY_S, 1.2 + WHOLE_EVERY_S):
        desk.paint()
        frame = shot(camera, now)
        assert frame is not None
        areas.append(frame.area)
    part = Area(64 - EDGE, 64 - EDGE, 64 + 2 * EDGE, 64 + 2 * EDGE)
    assert areas == [None, part, part, None, part]


def test_a_frame_that_only_sharpens_is_to_be_painted_whole(camera, desk):
    shot(camera, 1.0)
    desk.fill_with_noise()
    shot(camera, 1.1)
    frame = shot(camera, 1.1 + REST_S, FINE)
    assert frame is not None
    assert frame.area is None


def test_a_wish_for_a_key_frame_is_met_without_a_change(camera):
    shot(camera, 1.0)
    assert camera.wakes_at(KEY) == 1.0 + SHORTEST_S
    frame = shot(camera, 2.0, KEY)
    assert frame is not None
    assert frame.is_key


def test_a_new_size_is_a_new_encoder_and_a_key_frame(camera, desk):
    shot(camera, 1.0)
    desk.pixels = np.zeros((300, 401, 4), np.uint8)
    frame = shot(camera, 2.0)
    assert frame is not None
    assert frame.is_key
    assert (frame.width, frame.height) == (400, 300)


def test_another_plan_is_another_encoder_and_a_key_frame_of_everything(camera):
    shot(camera, 1.0)
    other = Wish(key=False, refine=False, plan=Plan(Kind.VP9))
    assert camera.wakes_at(other) == 1.0 + SHORTEST_S
    frame = shot(camera, 2.0, other)
    assert frame is not None
    assert (frame.is_key, frame.codec) == (True, Codec.VP9)
    (picture,) = av.CodecContext.create("vp9", "r").decode(av.Packet(frame.payload))
    assert picture.to_ndarray(format="gray").mean() < 20
    assert camera.wakes_at(other) is None


def test_a_large_frame_is_refined_a_few_times_and_then_it_is_quiet(camera, desk):
    desk.fill_with_noise()
    shot(camera, 1.0)
    made = 0
    while (now := camera.wakes_at(FINE)) is not None:
        made += shot(camera, now, FINE) is not None
    assert 1 <= made <= REFINES[Line.WIDE]


def test_a_picture_that_still_changes_is_not_refined(camera, desk):
    desk.fill_with_noise()
    shot(camera, 1.0)
    desk.pixels[:] = 255 - desk.pixels
    camera.notice()
    assert shot(camera, 2.0, FINE) is not None
    assert camera.wakes_at(FINE) == 2.0 + REST_S


def test_refining_waits_until_everybody_can_take_it(camera, desk):
    desk.fill_with_noise()
    shot(camera, 1.0)
    assert camera.wakes_at(PLAIN) is None
    assert shot(camera, 1.0 + REFINE_S) is None
    assert camera.wakes_at(FINE) == 1.0 + REFINE_S


def test_an_unreadable_screen_is_black_and_looked_at_again(camera, desk):
    desk.fill_with_noise()
    decoder = av.CodecContext.create("h264", "r")
    for now in (1.0, 2.0):
        frame = shot(camera, now)
        assert frame is not None
        (picture,) = decoder.decode(av.Packet(frame.payload))
        desk.is_readable = False
    assert picture.to_ndarray(format="gray").mean() < 20
    assert camera.wakes_at(PLAIN) == 2.0 + UNREADABLE_S
    assert shot(camera, 3.0) is None
    desk.is_readable = True
    assert shot(camera, 4.0) is not None


def test_a_screen_that_was_never_readable_makes_no_frame(camera, desk):
    desk.is_readable = False
    assert shot(camera, 1.0, KEY) is None
    assert camera.wakes_at(KEY) == 1.0 + UNREADABLE_S


def test_places_follow_the_monitor_and_stay_on_it():
    monitor = Monitor(1920, -100, 1280, 800)
    assert monitor.desktop_place(0, 0, picture=(1280, 800)) == (1920, -100)
    assert monitor.desktop_place(640, 400, picture=(1280, 800)) == (2560, 300)
    assert monitor.desktop_place(16383, 16383, picture=(1280, 800)) == (3199, 699)
    assert monitor.desktop_place(2559, 800, picture=(2560, 1600)) == (3199, 300)
