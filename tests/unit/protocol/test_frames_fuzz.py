"""Threat 24: three quarters of a million broken headers; numpy works out a second time which are possible.

The rest of the million is for the console's reader (console/tests/frames-fuzz.test.ts).
"""

import numpy as np
import pytest

from beistand.protocol import frames
from beistand.protocol.errors import InvalidMessage
from beistand.protocol.frames import HEADER, MAX_CHUNKS, MAX_SIDE, Area, Codec, Header
from services.relay.pictures import Stream

pytestmark = pytest.mark.unit

COUNT = 750_000
SEED = 20_261_123


def _mutated() -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    """Good headers with one to three bytes replaced, and one payload byte."""
    chance = np.random.default_rng(SEED)
    good = Header(Codec.H264, False, True, 0, 7, 123_456, 1920, 1080, 0, Area(0, 992, 784, 88))
    rows = np.tile(np.frombuffer(frames.pack(good) + b"x", np.uint8), (COUNT, 1)).copy()
    for _ in range(3):
        at = chance.integers(0, HEADER.size, COUNT)
        # Half of the bytes become small, so that a good part stays possible.
        value = chance.integers(0, np.where(chance.random(COUNT) < 0.5, 4, 256))
        rows[np.arange(COUNT), at] = value
    return rows


def _possible(rows: "np.ndarray[tuple[int, int], np.dtype[np.uint8]]") -> list[bool]:
    """The layout in the module's docstring, once more."""
    wide = rows.astype(np.int64)

    def number(first: int, last: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        shifts = 8 * np.arange(last - first)[::-1]
        return (wide[:, first:last] << shifts).sum(axis=1)

    sides = [number(16, 18), number(18, 20)]
    possible = (wide[:, 0] == 2) & np.isin(wide[:, 1], [codec.value for codec in Codec])
    possible &= (wide[:, 2] < 4) & (number(4, 8) > 0) & (number(20, 22) < MAX_CHUNKS) & (number(22, 24) == 0)
    for side in sides:
        possible &= (side > 0) & (side <= MAX_SIDE)
    x, y, width, height = (number(at, at + 2) for at in (24, 26, 28, 30))
    is_inside = (width > 0) & (height > 0) & (x + width <= sides[0]) & (y + height <= sides[1])
    possible &= (number(24, 32) == 0) | (is_inside & (wide[:, 2] & 1 == 0))
    return [bool(each) for each in possible]


def test_of_many_broken_headers_exactly_the_possible_ones_are_read() -> None:
    rows = _mutated()
    expected = _possible(rows)
    assert COUNT // 20 < sum(expected) < COUNT * 19 // 20, "both kinds are tried"
    raw, size, stream = rows.tobytes(), HEADER.size + 1, Stream()
    wrong = []
    for number, possible in enumerate(expected):
        message = raw[number * size : (number + 1) * size]
        try:
            header = frames.parse(message)
        except InvalidMessage:
            if possible:
                wrong.append(message.hex())
            continue
        stream.accept(header)
        if not possible:
            wrong.append(message.hex())
    assert wrong == []


@pytest.mark.parametrize("length", range(HEADER.size + 1))
def test_a_truncated_header_is_refused(length: int) -> None:
    whole = frames.pack(Header(Codec.H264, True, True, 0, 7, 1, 64, 64, 0))
    with pytest.raises(InvalidMessage):
        frames.parse(whole[:length])
