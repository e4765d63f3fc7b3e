"""What python-xlib lacks of XFixes: regions, to read where the screen was painted, and news of cursors.

Source: https://www.x.org/releases/X11R7.7/doc/fixesproto/fixesproto.txt, sections 7 and 10.
"""

from typing import Any

from Xlib.protocol import rq, structs

NAME = "XFIXES"
CURSOR_CHANGED = 1


class _CreateRegion(rq.Request):  # type: ignore[misc]
    _request = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(5),
        rq.RequestLength(),
        rq.Card32("region"),
        rq.List("rectangles", structs.Rectangle),
    )


class _FetchRegion(rq.ReplyRequest):  # type: ignore[misc]
    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(19), rq.RequestLength(), rq.Card32("region"))
    _reply = rq.Struct(
        rq.ReplyCode(),
        rq.Pad(1),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Object("extents", structs.Rectangle),
        rq.Pad(16),
        rq.List("rectangles", structs.Rectangle),
    )


class _SelectCursorInput(rq.Request):  # type: ignore[misc]
    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(3), rq.RequestLength(), rq.Card32("window"), rq.Card32("mask")
    )


def create_region(display: Any) -> int:
    """An empty region; its id. It lives as long as the connection."""
    region: int = display.display.allocate_resource_id()
    opcode = display.display.get_extension_major(NAME)
    _CreateRegion(display=display.display, opcode=opcode, region=region, rectangles=[])
    return region


def fetch_region(display: Any, region: int) -> list[Any]:
    """The rectangles of a region (x, y, width, height); waits for the answer."""
    opcode = display.display.get_extension_major(NAME)
    found: list[Any] = _FetchRegion(display=display.display, opcode=opcode, region=region).rectangles
    return found


def tell_of_cursor(display: Any, root: Any) -> None:
    """Have the server send an event whenever the pointer looks different."""
    opcode = display.display.get_extension_major(NAME)
    _SelectCursorInput(display=display.display, opcode=opcode, window=root.id, mask=CURSOR_CHANGED)
