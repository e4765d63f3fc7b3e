"""Conversion to YUV: the right colours by either way, and only where asked."""

import numpy as np
import pytest

from agent.engine import convert
from agent.engine.change import Rect, whole
from agent.engine.convert import Canvas, Chroma

pytestmark = pytest.mark.unit

COLOURS = {  # blue, green, red -> Y, U, V of BT.601 in limited range
    (0, 0, 0): (16, 128, 128),
    (255, 255, 255): (235, 128, 128),
    (0, 0, 255): (82, 90, 240),
    (0, 255, 0): (145, 54, 34),
    (255, 0, 0): (41, 240, 110),
}


def canvas(width: int, height: int, way: str, chroma: Chroma = Chroma.HALF) -> Canvas:
    made = Canvas(width, height, chroma)
    if way == "ffmpeg":
        made._convert = convert._with_ffmpeg(made, chroma)
    elif convert._with_libyuv(made, chroma) is None:
        pytest.skip("libyuv is not installed")
    return made


@pytest.mark.parametrize("way", ["libyuv", "ffmpeg"])
@pytest.mark.parametrize("chroma", Chroma)
@pytest.mark.parametrize("colour", COLOURS)
def test_colours_are_bt601_limited_range(way, chroma, colour):
    made = canvas(64, 32, way, chroma)
    picture = np.full((32, 64, 4), (*colour, 0), np.uint8)
    made.paint(picture, whole(picture))
    for plane, wanted in zip((made.y, made.u, made.v), COLOURS[colour], strict=True):
        assert np.abs(plane.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("way", ["libyuv", "ffmpeg"])
def test_only_the_rectangle_is_painted(way):
    made = canvas(256, 192, way)
    picture = np.full((193, 257, 4), 255, np.uint8)
    made.paint(picture, [Rect(64, 64, 64, 64)])
    assert (made.y[64:128, 64:128] == 235).all()
    assert not made.y[:64].any()
    assert not made.y[128:].any()


@pytest.mark.parametrize("way", ["libyuv", "ffmpeg"])
def test_what_exceeds_the_canvas_is_left_out(way):
    made = canvas(64, 64, way)
    picture = np.full((65, 65, 4), 255, np.uint8)
    made.paint(picture, [Rect(0, 0, 65, 65), Rect(64, 0, 1, 65), Rect(0, 64, 65, 1)])
    assert (made.y == 235).all()


@pytest.mark.parametrize("chroma", Chroma)
def test_both_ways_agree_within_rounding(chroma):
    picture = np.random.default_rng(3).integers(0, 255, (24, 40, 4), np.uint8)
    picture = picture.repeat(4, axis=0).repeat(4, axis=1)
    first, second = canvas(160, 96, "libyuv", chroma), canvas(160, 96, "ffmpeg", chroma)
    for made in (first, second):
        made.paint(picture, whole(picture))
    for (one, _), (other, _) in zip(first.planes, second.planes, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1


@pytest.mark.parametrize("size", [(0, 2), (3, 2), (2, 5)])
def test_odd_or_empty_canvases_are_refused(size):
    with pytest.raises(ValueError, match="even"):
        Canvas(*size)
