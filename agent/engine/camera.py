"""From screen to encoded frames for as long as somebody watches; knows no grants, no credit, no network.

Belongs to one thread. `now` is in seconds of the monotonic clock.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np

from agent.engine.capture import Monitor, Picture, ReadingRefused, ScreenUnreadable
from agent.engine.change import Rect, around, whole
from agent.engine.encode import Encoder, OpenEncoder, Plan
from beistand.protocol.frames import Area, Codec

SHORTEST_S = 1 / 60
"""No more than 60 pictures a second."""
UNREADABLE_S = 0.5
"""Between two looks at a screen that cannot be read; black meanwhile."""
REST_S = 0.15
"""Without a change for so long, a picture rests: between two keys of somebody who types it does not."""
WHOLE_EVERY_S = 1.0
"""An encoder may sharpen also what did not change: so often at least a frame is painted whole (ADR 0014)."""
REFINE_S = 0.05
"""Between two frames that only sharpen a picture; the first picture need not rest for it."""


@dataclass(frozen=True)
class Frame:
    """One encoded frame (see `frames` for what the codecs call one), and where its picture lies."""

    payload: bytes
    codec: Codec
    is_key: bool
    taken_us: int
    width: int
    height: int
    monitor: Monitor
    area: Area | None
    """Where it differs from the frame before; None: anywhere."""


@dataclass(frozen=True)
class Wish:
    """What viewers can use: a key frame, or frames that only sharpen a resting picture; and which encoder."""

    key: bool
    refine: bool
    plan: Plan


class Camera:
    """Decides when a look is worth it, and makes a frame of what changed."""

    def __init__(self, *, see: Callable[[], Picture], open_encoder: OpenEncoder) -> None:
        self._see = see
        self._open_encoder = open_encoder
        self._encoder: Encoder | None = None
        self._opened_for: tuple[Plan, int, int] | None = None
        self._has_shown = False
        """Whether the encoder has made a frame."""
        self._taken: Picture | None = None
        self._is_black = False
        """The screen could not be read: what was taken is no picture of it."""
        self._changed: list[Rect] = []
        """Where the picture taken last differs from the newest frame."""
        self._is_stale = True
        self._look_at = 0.0
        self._refine_at = 0.0
        self._refines = 0
        self._whole_at = 0.0

    def notice(self) -> None:
        """The screen may have changed."""
        self._is_stale = True

    def wakes_at(self, wish: Wish) -> float | None:
        """When to take the next picture, if there is a reason for one."""
        if self._is_stale or wish.key or (self._opened_for or (wish.plan,))[0] != wish.plan:
            return self._look_at
        return self._refine_at if self._refines and wish.refine else None

    def look(self, now: float) -> None:
        """Take a picture; black if the screen cannot be read. ReadingRefused: none was taken."""
        self._is_stale = False
        self._look_at = now + SHORTEST_S
        try:
            self._taken = self._see()
        except ReadingRefused:
            self._is_stale = True
            raise
        except ScreenUnreadable:
            self._is_stale = True
            self._look_at = now + UNREADABLE_S
            self._blacken()
        else:
            self._is_black = False
            self._changed += self._taken.changed

    def _blacken(self) -> None:
        if self._taken is None or self._is_black:
            return
        self._is_black = True
        self._taken = replace(self._taken, pixels=np.zeros_like(self._taken.pixels))
        self._changed = list(whole(self._taken.pixels))

    def warm_up(self, now: float, plan: Plan) -> None:
        """Open screen and encoder, which take longer than a frame; what was seen is no frame."""
        self.look(now)
        self._is_stale = True
        if self._taken is not None:
            self._encoder_for(self._taken, plan)

    def frame(self, now: float, wish: Wish) -> Frame | None:
        """The picture taken last as a frame, or None if the viewers have it already."""
        taken = self._taken
        if taken is None:
            return None
        encoder = self._encoder_for(taken, wish.plan)
        rects = tuple(self._changed) if self._has_shown else whole(taken.pixels)
        key = wish.key or not self._has_shown
        refines = wish.refine and self._refines > 0 and now >= self._refine_at
        if not (rects or key or refines):
            return None
        payload = encoder.encode(taken.pixels, rects, key=key)
        self._has_shown, self._changed = True, []
        afresh = bool(rects) or key
        self._refines = encoder.refines_after(len(payload)) if afresh else self._refines - 1
        self._refine_at = now + (REST_S if rects and not key else REFINE_S)
        size = (encoder.width, encoder.height)
        area = self._area(() if key else rects, encoder, now)
        return Frame(payload, encoder.codec, key, taken.taken_us, *size, taken.monitor, area)

    def _area(self, rects: Collection[Rect], encoder: Encoder, now: float) -> Area | None:
        """What of a frame must be painted if just `rects` are new; all of it if none is, and now and then."""
        if not rects or now - self._whole_at >= WHOLE_EVERY_S:
            self._whole_at = now
            return None
        part = around(rects, encoder.width, encoder.height)
        return Area(part.x, part.y, part.width, part.height)

    def close(self) -> None:
        """Give the encoder back."""
        if self._encoder is not None:
            self._encoder.close()
        self._encoder, self._has_shown = None, False

    def _encoder_for(self, picture: Picture, plan: Plan) -> Encoder:
        """The encoder of this plan and size; a new one has shown nothing yet."""
        height, width, _ = picture.pixels.shape
        if self._encoder is None or self._opened_for != (plan, width, height):
            self.close()
            self._encoder = self._open_encoder(plan, width, height)
            self._opened_for = (plan, width, height)
        return self._encoder
