"""The encoder port, which encoders there are, and what an encoder is asked to be; knows no codec library.

Which one is taken is decided in `choice`, why these and what they mean for licences in
docs/adr/0006-encoder-and-licences.md.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Protocol

from beistand.protocol.frames import Codec

if TYPE_CHECKING:  # the names of encoders are read at the start, numpy is loaded with the first session
    from agent.engine.change import Pixels, Rect


class Kind(StrEnum):
    """The encoders, by the names they have in `BEISTAND_AGENT_ENCODERS`."""

    H264_444 = "h264-444"
    """x264 with every pixel's own colour: coloured text stays crisp, for 25 to 75 % more CPU."""
    H264 = "h264"
    VP9 = "vp9"
    JPEG = "jpeg"


class Line(Enum):
    """What the way to the viewers carries."""

    WIDE = "wide"
    THIN = "thin"
    """About 2 Mbit/s."""


@dataclass(frozen=True)
class Plan:
    """What an encoder is asked to be. Another plan is another encoder and begins with a key frame."""

    kind: Kind
    line: Line = Line.WIDE


class Encoder(Protocol):
    """Encodes one stream of pictures of one size; not thread-safe."""

    codec: Codec
    width: int
    height: int
    """Size of the encoded picture, at most a pixel less than the screen's."""

    def encode(self, picture: "Pixels", changed: "Iterable[Rect]", *, key: bool) -> bytes:
        """The frame that shows `picture`, of which only `changed` differs from the one before.

        With `key` it can be decoded without any frame before it. With nothing changed and no `key` it only
        sharpens. Never empty.
        """

    def refines_after(self, size: int) -> int:
        """How many frames would sharpen the picture once it rests, after a frame of `size` bytes."""

    def close(self) -> None:
        """Give everything back; the encoder cannot be used again."""


OpenEncoder = Callable[[Plan, int, int], Encoder]
"""Takes the plan, and width and height of the screen in pixels; raises EncoderUnavailable."""


class EncoderUnavailable(Exception):
    """This build has no such encoder, or it does not take the options it was given."""


def open_encoder(plan: Plan, width: int, height: int) -> Encoder:
    """The encoder of this plan. Only its own library is loaded, so that a build may lack the others."""
    try:
        return _open(plan, width, height)
    except ImportError as error:
        raise EncoderUnavailable(f"{plan.kind} needs a module that is not installed: {error.name}") from None


def _open(plan: Plan, width: int, height: int) -> Encoder:
    if plan.kind is Kind.JPEG:
        from agent.engine.jpeg import Jpeg

        return Jpeg(width, height, line=plan.line)
    if plan.kind is Kind.VP9:
        from agent.engine.vp9 import Vp9

        return Vp9(width, height, line=plan.line)
    from agent.engine.convert import Chroma
    from agent.engine.h264 import H264

    chroma = Chroma.FULL if plan.kind is Kind.H264_444 else Chroma.HALF
    return H264(width, height, chroma=chroma, line=plan.line)
