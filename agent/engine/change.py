"""Which parts of the picture changed: pure, knows pixels only.

Two levels: whole stripes are compared first (an unchanged screen costs one pass over memory), tiles only
inside stripes that differ. docs/adr/0006-encoder-and-licences.md has the figures.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

TILE = 64
"""Side of a tile and height of a stripe in pixels; even, as 4:2:0 needs it."""

EDGE = 8
"""Even, as 4:2:0 needs it."""

Pixels = NDArray[np.uint8]
"""Height x width x 4, C-contiguous, blue green red and an ignored byte."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A part of the picture in pixels, origin top left; starts on a tile's corner."""

    x: int
    y: int
    width: int
    height: int


def whole(picture: Pixels) -> tuple[Rect, ...]:
    """The rectangle that covers everything."""
    height, width, _ = picture.shape
    return (Rect(0, 0, width, height),)


def around(rects: Collection[Rect], width: int, height: int) -> Rect:
    """What contains them all, and what an encoder's smoothing of their edges reaches (3 pixels, 4:2:0: 6)."""
    left = max(min(rect.x for rect in rects) - EDGE, 0)
    top = max(min(rect.y for rect in rects) - EDGE, 0)
    right = min(max(rect.x + rect.width for rect in rects) + EDGE, width)
    bottom = min(max(rect.y + rect.height for rect in rects) + EDGE, height)
    return Rect(left, top, right - left, bottom - top)


def overlap(one: Rect, other: Rect) -> Rect | None:
    """The part that both have."""
    left, top = max(one.x, other.x), max(one.y, other.y)
    right = min(one.x + one.width, other.x + other.width)
    bottom = min(one.y + one.height, other.y + other.height)
    return Rect(left, top, right - left, bottom - top) if right > left and bottom > top else None


def gathered(rects: Iterable[Rect], width: int, height: int) -> tuple[Rect, ...]:
    """Rectangles of whole tiles that cover all of these within the picture, none of them twice.

    What lies outside is left out.
    """
    rects = tuple(rects)
    if len(rects) < 2:
        return tuple(filter(None, (_aligned(rect, width, height) for rect in rects)))
    tiles = np.zeros((-(-height // TILE), -(-width // TILE)), bool)
    for rect in rects:
        top, left = max(rect.y, 0) // TILE, max(rect.x, 0) // TILE
        tiles[
            top : max(-(-(rect.y + rect.height) // TILE), 0), left : max(-(-(rect.x + rect.width) // TILE), 0)
        ] = True
    found: list[Rect] = []
    for row in np.flatnonzero(tiles.any(axis=1)).tolist():
        top = row * TILE
        runs = _runs_of(tiles[row], width)
        _grow(found, [Rect(x, top, across, min(TILE, height - top)) for x, across in runs])
    return tuple(found)


def _aligned(rect: Rect, width: int, height: int) -> Rect | None:
    """The whole tiles that this rectangle touches."""
    left, top = rect.x // TILE * TILE, rect.y // TILE * TILE
    right = -(-(rect.x + rect.width) // TILE) * TILE
    bottom = -(-(rect.y + rect.height) // TILE) * TILE
    return overlap(Rect(left, top, right - left, bottom - top), Rect(0, 0, width, height))


def changes(before: Pixels, now: Pixels) -> tuple[Rect, ...]:
    """Rectangles of whole tiles that cover every changed pixel; empty if nothing changed.

    Both pictures have the same size; they never overlap each other, and no two rectangles do.
    """
    old, new = _words(before), _words(now)
    found: list[Rect] = []
    for top in range(0, len(new), TILE):
        old_stripe, new_stripe = old[top : top + TILE], new[top : top + TILE]
        differs = old_stripe != new_stripe
        if differs.any():
            _grow(found, [Rect(x, top, width, len(differs)) for x, width in _runs(differs)])
    return tuple(found)


def _words(picture: Pixels) -> NDArray[np.uint32]:
    """One number per pixel."""
    return picture.view(np.uint32)[:, :, 0]


def _runs(differs: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Runs of neighbouring changed tiles in a stripe, as (x, width)."""
    width = differs.shape[1]
    # Eight pixels at once where the width allows it: a fifth of the time.
    step = 8 if width % 8 == 0 else 1
    columns = np.bitwise_or.reduce(differs.view(np.uint64) if step == 8 else differs, axis=0)
    return _runs_of(np.logical_or.reduceat(columns, range(0, len(columns), TILE // step)), width)


def _runs_of(tiles: NDArray[np.bool_], width: int) -> Iterator[tuple[int, int]]:
    x = 0
    for is_changed, run in groupby(tiles.tolist()):
        across = min(TILE * sum(1 for _ in run), width - x)
        if is_changed:
            yield x, across
        x += across


def _grow(found: list[Rect], row: list[Rect]) -> None:
    """Add a stripe's rectangles, as part of the one above where they are equally wide."""
    above = {(rect.x, rect.width, rect.y + rect.height): index for index, rect in enumerate(found)}
    for rect in row:
        index = above.get((rect.x, rect.width, rect.y))
        if index is None:
            found.append(rect)
        else:
            top = found[index]
            found[index] = Rect(top.x, top.y, top.width, top.height + rect.height)
