"""Credit: how many frames may be on their way, and when a key frame is due."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.engine.encode import Line
from agent.engine.pacing import (
    ENOUGH,
    KEY_EVERY_S,
    SAMPLES,
    SILENCE_S,
    SLOWEST,
    SMALL,
    TELLING,
    WINDOW,
    LineMeter,
    Pacing,
)

pytestmark = pytest.mark.unit


def started(*, now: float = 100.0) -> Pacing:
    pacing = Pacing()
    pacing.credit(None, wants_key=False, now=now)
    pacing.sent(0, key=True, now=now)
    return pacing


def test_nothing_goes_out_without_credit():
    pacing = Pacing()
    assert not pacing.has_room()
    assert not pacing.takes(key=True)
    assert not pacing.wants_key(100.0)
    assert pacing.wakes_at(100.0) is None


def test_the_first_frame_is_number_one_and_a_key_frame():
    pacing = Pacing()
    pacing.credit(None, wants_key=False, now=100.0)
    assert pacing.wants_key(100.0)
    assert not pacing.takes(key=False)
    assert pacing.sent(0, key=True, now=100.0) == 1
    assert pacing.takes(key=False)


def test_the_window_closes_and_an_acknowledgement_opens_it():
    pacing = started()
    pacing.sent(0, key=False, now=100.0)
    assert not pacing.takes(key=True)
    pacing.credit(1, wants_key=False, now=100.1)
    assert pacing.takes(key=False)
    assert pacing.sent(0, key=False, now=100.1) == 3
    assert not pacing.has_room()


def test_an_older_or_impossible_acknowledgement_changes_nothing():
    pacing = started()
    pacing.sent(0, key=False, now=100.0)
    pacing.credit(0, wants_key=False, now=100.1)
    assert not pacing.has_room()
    pacing.credit(4_000_000_000, wants_key=False, now=100.1)
    pacing.sent(0, key=False, now=100.2)
    pacing.sent(0, key=False, now=100.2)
    assert not pacing.has_room()


def test_a_restart_forgets_what_is_on_its_way_and_wants_a_key_frame():
    pacing = started()
    pacing.sent(0, key=False, now=100.0)
    pacing.credit(None, wants_key=False, now=102.0)
    assert pacing.takes(key=True)
    assert not pacing.takes(key=False)
    assert pacing.sent(0, key=True, now=102.0) == 3


def test_silence_is_taken_for_loss():
    pacing = started()
    pacing.sent(0, key=False, now=100.5)
    pacing.settle(100.0 + SILENCE_S - 0.01)
    assert not pacing.has_room()
    assert pacing.wakes_at(101.0) == 100.0 + SILENCE_S
    pacing.settle(100.0 + SILENCE_S)
    assert pacing.wants_key(100.0 + SILENCE_S)


def test_nobody_answers_twice_and_the_stream_rests_until_somebody_speaks():
    pacing = started()
    pacing.settle(100.0 + SILENCE_S)
    pacing.sent(0, key=True, now=102.0)
    pacing.settle(102.0 + SILENCE_S)
    assert pacing.wakes_at(104.0) is None
    assert not pacing.wants_key(1000.0)
    assert not pacing.has_room()
    pacing.credit(1, wants_key=False, now=1000.0)
    assert pacing.wants_key(1000.0)
    assert pacing.wakes_at(1000.0) is None
    pacing.sent(0, key=True, now=1000.0)
    pacing.settle(1000.0 + SILENCE_S)
    assert pacing.wants_key(1000.0 + SILENCE_S)


def test_silence_while_nothing_is_on_its_way_means_nothing():
    pacing = started()
    pacing.credit(1, wants_key=False, now=100.1)
    pacing.settle(200.0)
    assert pacing.takes(key=False)
    pacing.sent(0, key=False, now=200.0)
    pacing.settle(200.0 + SILENCE_S / 2)
    assert pacing.takes(key=False)


def test_key_frames_asked_for_again_and_again_are_limited():
    pacing = started()
    pacing.credit(1, wants_key=True, now=100.2)
    assert not pacing.wants_key(100.2)
    assert pacing.wakes_at(100.2) == 100.0 + KEY_EVERY_S
    assert pacing.wants_key(100.0 + KEY_EVERY_S)


def test_who_missed_a_frame_waits_for_a_key_frame():
    pacing = started()
    pacing.credit(1, wants_key=False, now=100.1)
    pacing.missed()
    assert not pacing.takes(key=False)
    assert pacing.wants_key(101.5)


steps = st.lists(
    st.one_of(
        st.just("send"), st.none(), st.integers(0, 50), st.floats(0, 3, allow_nan=False).map(lambda s: -1 - s)
    ),
    max_size=60,
)


@given(steps)
def test_never_more_on_the_way_than_the_window_and_never_a_frame_that_cannot_be_decoded(steps):
    pacing, now, shown, decodable = Pacing(), 100.0, 0, False
    for step in steps:
        pacing.settle(now)
        if step == "send":
            key = pacing.wants_key(now)
            if pacing.takes(key=key):
                assert key or decodable
                decodable = True
                pacing.sent(0, key=key, now=now)
                assert pacing.seq - pacing._shown <= WINDOW
        elif step is None or step >= 0:
            pacing.credit(step, wants_key=False, now=now)
            decodable = decodable and step is not None
            shown = max(shown, min(step or 0, pacing.seq))
            assert pacing._shown >= shown
        else:
            now += -1 - step


def test_a_large_frame_has_the_time_that_a_slow_line_takes():
    pacing = Pacing()
    pacing.credit(None, wants_key=False, now=100.0)
    pacing.sent(4 * SLOWEST, key=True, now=100.0)
    pacing.sent(SLOWEST, key=False, now=100.0)
    pacing.settle(100.0 + SILENCE_S + 4.9)
    assert not pacing.has_room()
    assert pacing.wakes_at(101.0) == 100.0 + SILENCE_S + 5
    pacing.settle(100.0 + SILENCE_S + 5)
    assert pacing.has_room()


def test_a_key_frame_on_its_way_is_not_sent_again_until_it_could_have_arrived():
    pacing = Pacing()
    pacing.credit(None, wants_key=False, now=100.0)
    pacing.sent(3 * SLOWEST, key=True, now=100.0)
    pacing.credit(None, wants_key=True, now=102.0)
    assert not pacing.wants_key(103.9)
    assert pacing.wants_key(100.0 + KEY_EVERY_S + 3)


def test_a_key_frame_that_has_arrived_may_be_followed_by_another_after_a_second():
    pacing = Pacing()
    pacing.credit(None, wants_key=False, now=100.0)
    pacing.sent(9 * SLOWEST, key=True, now=100.0)
    pacing.credit(None, wants_key=True, now=100.2)
    pacing.credit(1, wants_key=False, now=100.5)
    assert not pacing.wants_key(100.9)
    assert pacing.wants_key(100.0 + KEY_EVERY_S)


def arrivals(meter: LineMeter, size: int, rate: float, *, count: int = SAMPLES) -> Line:
    """Frames over a line of so many bytes per second and 80 ms there and back."""
    meter.arrived(1, delay=0.08)
    for _ in range(count):
        meter.arrived(size, delay=0.08 + size / rate)
    return meter.line


def test_a_line_is_wide_until_it_proves_thin_and_thin_until_it_proves_wide():
    meter = LineMeter()
    assert arrivals(meter, TELLING, 250_000, count=SAMPLES - 1) is Line.WIDE
    assert arrivals(meter, TELLING, 250_000) is Line.THIN
    assert arrivals(meter, TELLING, 700_000) is Line.THIN
    assert arrivals(meter, TELLING, 5_000_000) is Line.WIDE
    assert arrivals(meter, TELLING, 700_000) is Line.WIDE


def test_one_first_picture_is_enough_to_see_a_thin_line():
    meter = LineMeter()
    meter.arrived(ENOUGH, delay=0.09 + ENOUGH / 250_000)
    assert meter.line is Line.THIN


def test_a_line_that_is_only_long_is_not_thin():
    meter = LineMeter()
    meter.arrived(SMALL - 1, delay=0.6)
    for _ in range(10):
        meter.arrived(TELLING, delay=0.6 + TELLING / 2_000_000)
        assert meter.line is Line.WIDE


def test_frames_of_one_size_do_not_make_a_thin_line_look_wide():
    """All of them take as long: nothing tells how much of it is the way."""
    meter = LineMeter()
    meter.arrived(ENOUGH, delay=0.09 + ENOUGH / 250_000)
    for _ in range(50):
        meter.arrived(20_000, delay=0.08 + 20_000 / 250_000)
        assert meter.line is Line.THIN


def test_small_frames_say_nothing_about_a_wide_line():
    meter = LineMeter()
    assert arrivals(meter, TELLING - 1, 1_000, count=100) is Line.WIDE


def test_a_slow_decoder_now_and_then_makes_no_line_thin():
    meter = LineMeter()
    for step in range(50):
        meter.arrived(2 * TELLING, delay=0.5 if step % 3 == 0 else 0.09)
        assert meter.line is Line.WIDE


def test_what_waits_in_front_counts_for_how_long_a_frame_took():
    pacing = Pacing()
    pacing.credit(None, wants_key=False, now=0.0)
    pacing.sent(1, key=True, now=0.0)
    pacing.credit(1, wants_key=False, now=0.05)
    now = 1.0
    for _ in range(SAMPLES):
        pacing.sent(100_000, key=False, now=now)
        seq = pacing.sent(100_000, key=False, now=now)
        pacing.credit(seq, wants_key=False, now=now + 0.05 + 0.3)  # 200 kB in 0.3 s: 5.3 Mbit/s
        now += 1.0
    assert pacing.meter.line is Line.WIDE
    for _ in range(SAMPLES):
        seq = pacing.sent(100_000, key=False, now=now)
        pacing.credit(seq, wants_key=False, now=now + 0.05 + 0.3)  # 2.7 Mbit/s
        now += 1.0
    assert pacing.meter.line is Line.THIN
