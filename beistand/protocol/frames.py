"""The binary header in front of every piece of picture, on NATS and on the viewer's WebSocket alike.

32 bytes, big-endian (test vectors: frames.vectors.json, read by the console's tests too):

    offset  size  field
    0       1     version, 2
    1       1     codec (`Codec`)
    2       1     flags: 1 key frame, 2 last chunk of its frame
    3       1     monitor, 0 = first
    4       4     sequence number of the frame, from 1, per grant
    8       8     capture time, microseconds of the agent's monotonic clock
    16      2     width of the picture in pixels
    18      2     height of the picture in pixels
    20      2     chunk number within the frame, from 0
    22      2     reserved, 0
    24      8     x, y, width and height (2 bytes each) of the part of the picture that differs from the frame
                  before; all 0: any part of it, as in every key frame
    32      ...   payload: part of the encoded frame

The encoded frame, its chunks put together again:

    H.264   Annex B, SPS and PPS before each key frame
    VP9     one frame of profile 0
    JPEG    one or more patches, painted in order over the picture before; a key frame's cover all of it. Each
            is x and y of its top left (2 bytes each), the length of its image (4 bytes), and the image (JFIF)

Frames over `MAX_CHUNK` payload bytes are split, all chunks carrying the same sequence number.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

from beistand.protocol.errors import InvalidMessage

VERSION = 2
HEADER = struct.Struct(">BBBBIQHHHHHHHH")
MAX_CHUNK = 480 * 1024
MAX_CHUNKS = 64
MAX_SIDE = 16384
MAX_PATCHES = 1024
_KEY, _LAST = 1, 2
_PATCH = struct.Struct(">HHI")


class Codec(IntEnum):
    """Encodings a frame's payload can have."""

    H264 = 1
    VP9 = 2
    JPEG = 3


class Area(NamedTuple):
    """A part of the picture in pixels, origin top left."""

    x: int
    y: int
    width: int
    height: int


_ANYWHERE = Area(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Header:
    """One chunk's header; see the module docstring for units."""

    codec: Codec
    is_key: bool
    is_last: bool
    monitor: int
    seq: int
    captured_us: int
    width: int
    height: int
    chunk: int
    area: Area | None = None
    """Where it differs from the frame before; None: anywhere. A viewer need not paint the rest."""


def pack(header: Header) -> bytes:
    """The 32 bytes of `header`."""
    flags = _KEY * header.is_key | _LAST * header.is_last
    return HEADER.pack(
        VERSION,
        header.codec,
        flags,
        header.monitor,
        header.seq,
        header.captured_us,
        header.width,
        header.height,
        header.chunk,
        0,
        *(header.area or _ANYWHERE),
    )


def parse(message: bytes | memoryview) -> Header:
    """The header of a chunk, or InvalidMessage; the payload is `message[HEADER.size:]`."""
    if not HEADER.size < len(message) <= HEADER.size + MAX_CHUNK:
        raise InvalidMessage("A frame of impossible size.")
    version, codec, flags, monitor, seq, time, width, height, chunk, reserved, *part = HEADER.unpack_from(
        message
    )
    area = Area(*part)
    valid = (
        version == VERSION
        and codec in Codec._value2member_map_
        and flags <= (_KEY | _LAST)
        and seq > 0
        and 0 < width <= MAX_SIDE
        and 0 < height <= MAX_SIDE
        and chunk < MAX_CHUNKS
        and reserved == 0
        and (area == _ANYWHERE or (not flags & _KEY and _is_inside(area, width, height)))
    )
    if not valid:
        raise InvalidMessage("A frame with an impossible header.")
    is_key, is_last = bool(flags & _KEY), bool(flags & _LAST)
    place = None if area == _ANYWHERE else area
    return Header(Codec(codec), is_key, is_last, monitor, seq, time, width, height, chunk, place)


def _is_inside(area: Area, width: int, height: int) -> bool:
    return 0 < area.width <= width - area.x and 0 < area.height <= height - area.y


def chunks(header: Header, payload: bytes) -> Iterator[bytes]:
    """The messages that carry one encoded frame; `header.chunk` and `header.is_last` are set here."""
    count = max(1, -(-len(payload) // MAX_CHUNK))
    if count > MAX_CHUNKS or not payload:
        raise InvalidMessage("A frame of impossible size.")
    for number in range(count):
        part = payload[number * MAX_CHUNK : (number + 1) * MAX_CHUNK]
        yield pack(_chunk_of(header, number, count)) + part


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of a JPEG frame: where its top left lies in the picture, and its image."""

    x: int
    y: int
    image: bytes


def pack_patches(patches: Iterable[Patch]) -> bytes:
    """A whole JPEG frame."""
    return b"".join(_PATCH.pack(each.x, each.y, len(each.image)) + each.image for each in patches)


def parse_patches(payload: bytes) -> list[Patch]:
    """The patches of a whole JPEG frame, or InvalidMessage."""
    found: list[Patch] = []
    at = 0
    while at < len(payload):
        image_at = at + _PATCH.size
        if len(found) == MAX_PATCHES or image_at > len(payload):
            raise InvalidMessage("A picture of impossible patches.")
        x, y, size = _PATCH.unpack_from(payload, at)
        at = image_at + size
        if not size or at > len(payload) or max(x, y) >= MAX_SIDE:
            raise InvalidMessage("A picture of impossible patches.")
        found.append(Patch(x, y, payload[image_at:at]))
    if not found:
        raise InvalidMessage("A picture without patches.")
    return found


def _chunk_of(header: Header, number: int, count: int) -> Header:
    return replace(header, is_last=number == count - 1, chunk=number)
