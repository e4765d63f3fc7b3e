"""Desktop pictures made of nothing but a seed: a page of small text that scrolls, a panel dragged over it."""

import numpy as np
from numpy.typing import NDArray

from agent.engine.change import Pixels

LINE = 14
PAPER, INK = (250, 250, 250, 0), (40, 35, 30, 0)


def page(width: int, height: int, *, scrolled: int = 0, seed: int = 3) -> Pixels:
    """Words of strange letters, one pixel thick, some of them coloured, on paper; moved up by pixels."""
    rows = (height + scrolled) // LINE + 2
    random = np.random.default_rng(seed)
    picture = np.empty((rows * LINE, width, 4), np.uint8)
    picture[:] = PAPER
    letters = np.stack([_letter(random) for _ in range(26)])
    for row in range(rows):
        words = random.integers(0, 26, width // 8)
        gaps = random.random(width // 8) < 0.2
        for column in np.flatnonzero(~gaps).tolist():
            place = picture[row * LINE + 2 :, column * 8 + 1 :][:9, :6]
            ink = (180, 60, 20, 0) if row % 9 == 4 else INK
            place[letters[words[column]][:, : place.shape[1]]] = ink
    return np.ascontiguousarray(picture[scrolled : scrolled + height])


def _letter(random: np.random.Generator) -> NDArray[np.bool_]:
    """Three strokes, one pixel thick: up and down, or across."""
    letter = np.zeros((9, 6), bool)
    letter[:, random.integers(0, 6)] = True
    letter[random.integers(0, 9)] = True
    letter[random.integers(3, 9), : random.integers(2, 6)] = True
    return letter


def with_panel(picture: Pixels, x: int, y: int) -> Pixels:
    """The same picture below a coloured panel of 200x120 with its top left there."""
    covered = picture.copy()
    covered[y : y + 120, x : x + 200] = (190, 110, 50, 0)
    covered[y + 10 : y + 110, x + 10 : x + 190] = page(180, 100, seed=9)
    return covered
