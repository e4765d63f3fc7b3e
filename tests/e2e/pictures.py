"""Encoded pictures for the console's decoders: flat colours that a screenshot can be checked for."""

import io
from dataclasses import dataclass, field

import av
import numpy as np
import numpy.typing as npt

from agent.engine.change import whole
from agent.engine.encode import Encoder, Kind, Plan, open_encoder
from beistand.protocol.frames import Codec

Colour = tuple[int, int, int]
"""Red, green, blue."""


@dataclass
class Film:
    """One stream, as the agent makes it."""

    width: int
    height: int
    kind: Kind = Kind.H264
    _encoder: Encoder = field(init=False)

    def __post_init__(self) -> None:
        self._encoder = open_encoder(Plan(self.kind), self.width, self.height)

    @property
    def codec(self) -> Codec:
        """What its frames say they are."""
        return self._encoder.codec

    def frame(self, colour: Colour, *, key: bool = False) -> bytes:
        """The next frame, all in one colour."""
        red, green, blue = colour
        return self.picture(np.full((self.height, self.width, 4), (blue, green, red, 0), np.uint8), key=key)

    def picture(self, pixels: npt.NDArray[np.uint8], *, key: bool = False) -> bytes:
        """The next frame, from BGRX pixels."""
        return self._encoder.encode(pixels, whole(pixels), key=key)


def colour_at(screenshot: bytes, x: float, y: float) -> Colour:
    """The colour of one pixel of a PNG."""
    with av.open(io.BytesIO(screenshot), "r") as image:
        pixels = next(image.decode(video=0)).to_ndarray(format="rgb24")
    red, green, blue = pixels[int(y), int(x)]
    return int(red), int(green), int(blue)


def is_near(seen: Colour, meant: Colour) -> bool:
    """The same colour, but for what 4:2:0, a quantiser and a browser's choice of colour matrix do to it."""
    return all(abs(one - other) <= 20 for one, other in zip(seen, meant, strict=True))
