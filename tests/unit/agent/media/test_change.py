"""Change detection: every changed pixel is covered, nothing else much, nothing twice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.engine.change import TILE, Pixels, Rect, changes, gathered, overlap, whole

pytestmark = pytest.mark.unit


def black(width: int = 300, height: int = 200) -> Pixels:
    return np.zeros((height, width, 4), np.uint8)


def test_the_same_picture_has_no_changes():
    assert changes(black(), black()) == ()


def test_one_pixel_changes_one_tile():
    after = black()
    after[70, 130, 1] = 1
    assert changes(black(), after) == (Rect(128, 64, 64, 64),)


def test_the_last_tile_of_a_row_and_the_last_stripe_end_with_the_picture():
    after = black()
    after[199, 299] = 255
    assert changes(black(), after) == (Rect(256, 192, 44, 8),)


def test_a_block_over_several_tiles_is_one_rectangle():
    after = black()
    after[0:130, 60:140] = 255
    assert changes(black(), after) == (Rect(0, 0, 192, 192),)


def test_everything_changed_is_the_whole_picture():
    after = np.full_like(black(), 255)
    assert changes(black(), after) == whole(after) == (Rect(0, 0, 300, 200),)


spots = st.lists(st.tuples(st.integers(0, 299), st.integers(0, 199), st.integers(0, 2)), max_size=40)


@given(spots)
def test_changed_pixels_are_covered_exactly_once_and_every_tile_for_a_reason(spots):
    after = black()
    for x, y, channel in spots:
        after[y, x, channel] = 200
    covered = np.zeros((200, 300), int)
    for rect in changes(black(), after):
        covered[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] += 1
    changed = after.any(axis=2)
    assert covered.max(initial=0) <= 1
    assert (covered[changed] == 1).all()
    for y in range(0, 200, TILE):
        for x in range(0, 300, TILE):
            tile = np.s_[y : y + TILE, x : x + TILE]
            assert covered[tile].any() == changed[tile].any()


rects = st.lists(
    st.builds(Rect, st.integers(-80, 320), st.integers(-80, 220), st.integers(1, 200), st.integers(1, 200)),
    max_size=8,
)


@given(rects)
def test_gathered_rectangles_cover_what_they_shall_in_whole_tiles_and_nothing_twice(given_rects):
    covered, wanted = np.zeros((200, 300), int), np.zeros((200, 300), bool)
    for rect in gathered(given_rects, 300, 200):
        assert rect.x % TILE == rect.y % TILE == 0
        covered[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] += 1
    for rect in given_rects:
        inside = overlap(rect, Rect(0, 0, 300, 200))
        if inside is not None:
            wanted[inside.y : inside.y + inside.height, inside.x : inside.x + inside.width] = True
    assert covered.max(initial=0) <= 1
    assert (covered[wanted] == 1).all()


def test_what_does_not_overlap_has_nothing_in_common():
    assert overlap(Rect(0, 0, 10, 10), Rect(10, 0, 5, 5)) is None
    assert overlap(Rect(-5, -5, 10, 10), Rect(0, 0, 300, 200)) == Rect(0, 0, 5, 5)
