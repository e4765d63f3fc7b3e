"""A person's mouse and keyboard on an X screen: events of the server's own devices, as hardware makes them.

What a program injects (XTEST, pynput) comes from the two XTEST devices instead, so the two can be told
apart, and are: docs/adr/0010-the-persons-hand.md.
"""

from typing import Any

from Xlib import X
from Xlib.ext import xinput
from Xlib.protocol import rq

FAKE_INPUT = 2
KEY_PRESS, KEY_RELEASE, BUTTON_PRESS, BUTTON_RELEASE, MOTION = 1, 2, 3, 4, 5
"""Events of XInput 1, counted from the extension's first, which is its valuator event."""
SLAVE_POINTER, SLAVE_KEYBOARD = 3, 4


class NoHandsError(Exception):
    """This X server has no mouse or no keyboard of its own."""


class Hands:
    """The first mouse and the first keyboard that are not XTEST's, through a connection of the caller's."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._request = display.display.get_extension_major("XTEST")
        self._first = display.query_extension("XInputExtension").first_event
        mark = display.intern_atom("XTEST Device")
        devices = {
            each.use: each.deviceid
            for each in reversed(display.xinput_query_device(xinput.AllDevices).devices)
            if display.xinput_get_device_property(each.deviceid, mark, X.AnyPropertyType, 0, 1).type == X.NONE
        }
        if not {SLAVE_POINTER, SLAVE_KEYBOARD} <= devices.keys():
            raise NoHandsError
        self._mouse, self._keyboard = devices[SLAVE_POINTER], devices[SLAVE_KEYBOARD]

    def move(self, x: int, y: int) -> None:
        """The mouse to a pixel."""
        _Motion(
            display=self._display.display,
            opcode=self._request,
            type=self._first + MOTION,
            device=self._mouse,
            valuators_type=self._first,
            valuators_device=self._mouse,
            x=x,
            y=y,
        )
        self._display.sync()

    def button_down(self, number: int = 1) -> None:
        """A mouse button goes down."""
        self._fake(BUTTON_PRESS, number, self._mouse)

    def button_up(self, number: int = 1) -> None:
        """A mouse button goes up."""
        self._fake(BUTTON_RELEASE, number, self._mouse)

    def key_down(self, keycode: int) -> None:
        """A key goes down."""
        self._fake(KEY_PRESS, keycode, self._keyboard)

    def key_up(self, keycode: int) -> None:
        """A key goes up."""
        self._fake(KEY_RELEASE, keycode, self._keyboard)

    def _fake(self, kind: int, detail: int, device: int) -> None:
        _Event(
            display=self._display.display,
            opcode=self._request,
            type=self._first + kind,
            detail=detail,
            device=device,
        )
        self._display.sync()


_HEAD = (
    rq.Card8("opcode"),
    rq.Opcode(FAKE_INPUT),
    rq.RequestLength(),
    rq.Card8("type"),
)


class _Event(rq.Request):  # type: ignore[misc]  # (python-xlib has no types)
    """XTestFakeInput for a device that is named (XTEST 2.2, section 3), which python-xlib lacks."""

    _request = rq.Struct(*_HEAD, rq.Card8("detail"), rq.Pad(29), rq.Card8("device"))


class _Motion(rq.Request):  # type: ignore[misc]
    """The same with the two valuators of a mouse, absolute."""

    _request = rq.Struct(
        *_HEAD,
        rq.Pad(30),
        rq.Card8("device"),
        rq.Card8("valuators_type"),
        rq.Card8("valuators_device"),
        rq.Pad(4),
        rq.Set("count", 1, (2,), default=2),
        rq.Pad(1),
        rq.Int32("x"),
        rq.Int32("y"),
        rq.Pad(16),
    )
