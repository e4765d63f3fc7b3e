"""The person's own mouse and keyboard under X11: raw events of every device that is not XTEST's.

Raw events (XInput 2.1 and later) come whatever another program has grabbed. What is injected comes from the
devices that the server marks as its XTEST ones, and is not heard here.
"""

import logging
import select
import socket
import struct
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from Xlib import XK, X, error
from Xlib.ext import ge, xinput
from Xlib.protocol import rq

from agent.platform.chord import Part, StopKey
from agent.platform.port import DesktopGone, HandsHearer, HandsUnknown
from agent.platform.x11 import LOST, open_display

EXTENSION = "XInputExtension"
VERSION = (2, 2)
"""Below 2.1 a server keeps raw events from us while somebody else has grabbed the device."""
RAW = struct.Struct("=HIIH")
"""Device, time, detail (keycode or button), source device: the beginning of a raw event's body."""
MASTERS = (1, 2)
"""XIMasterPointer, XIMasterKeyboard."""
SLAVE_KEYBOARD = 4
LOCKS = (0, X.LockMask, X.Mod2Mask, X.LockMask | X.Mod2Mask)
"""Caps Lock and Num Lock may be on."""
KEYSYMS: Mapping[Part, tuple[int, ...]] = {
    Part.SHIFT: (XK.XK_Shift_L, XK.XK_Shift_R),
    Part.ESCAPE: (XK.XK_Escape,),
}
HEARD = (
    xinput.RawKeyPressMask
    | xinput.RawKeyReleaseMask
    | xinput.RawButtonPressMask
    | xinput.RawButtonReleaseMask
    | xinput.RawMotionMask
)

log = logging.getLogger(__name__)


class X11Hands:
    """See `port.Hands`. One connection, read by one thread of its own."""

    def __init__(self, hearer: HandsHearer, name: str | None = None) -> None:
        self._hearer = hearer
        self._stop_key = StopKey()
        self._persons: dict[int, bool] = {}
        """Device -> whether it is the person's."""
        self._is_closed = False
        self._interrupts, self._interrupter = socket.socketpair()
        self._display = open_display(name)
        try:
            self._begin()
        except LOST as lost:
            self._end()
            raise DesktopGone(str(lost)) from None
        except BaseException:
            self._end()
            raise
        threading.Thread(target=self._hear, name="beistand-hands", daemon=True).start()

    @property
    def has_stop_key(self) -> bool:
        """See `port.Hands`."""
        return self._has_stop_key

    def close(self) -> None:
        """See `port.Hands`."""
        self._is_closed = True
        with suppress(OSError):
            self._interrupter.send(b"\0")

    # --- setting up ------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if not self._display.has_extension(EXTENSION) or _version(self._display) < VERSION:
            raise HandsUnknown("The X server is too old to tell devices apart.")
        self._xtest = self._display.intern_atom("XTEST Device", only_if_exists=True)
        if self._xtest == X.NONE:
            raise HandsUnknown("The X server does not mark its XTEST devices.")
        devices = self._display.xinput_query_device(xinput.AllDevices).devices
        keyboards = [
            each for each in devices if each.use == SLAVE_KEYBOARD and self._is_persons(each.deviceid)
        ]
        if not keyboards:
            raise HandsUnknown("The X server has no keyboard but XTEST's.")
        self._parts = {
            code: part
            for part, keysyms in KEYSYMS.items()
            for keysym in keysyms
            for code, _ in self._display.keysym_to_keycodes(keysym)
        }
        # Under Wayland a server of X windows hears the keyboard only while one of these has it.
        is_partial = any(each.name.startswith("xwayland-") for each in devices)
        self._has_stop_key = {*self._parts.values()} == {*Part} and not is_partial
        root = self._display.screen().root
        root.xinput_select_events(
            [(xinput.AllMasterDevices, HEARD), (xinput.AllDevices, xinput.HierarchyChangedMask)]
        )
        self._keep_from_programs(root, (code for code, part in self._parts.items() if part is Part.ESCAPE))
        self._display.sync()

    def _keep_from_programs(self, root: Any, codes: Iterable[int]) -> None:
        """Grabbed, so that no program acts on it; if another program has it, that one gets it as well."""
        taken = error.CatchError(error.BadAccess)
        for code in codes:
            for locks in LOCKS:
                modes = (X.GrabModeAsync, X.GrabModeAsync)
                root.grab_key(code, X.ShiftMask | locks, False, *modes, onerror=taken)  # noqa: FBT003

    # --- hearing, on its own thread --------------------------------------------------------------------

    def _hear(self) -> None:
        watched = [self._display.fileno(), self._interrupts]
        try:
            while not self._is_closed:
                self._take_all()
                select.select(watched, [], [])
        except (*LOST, error.XError) as lost:
            if not self._is_closed:
                log.warning("the person's devices cannot be heard any more: %s", type(lost).__name__)
                self._hearer.deafened()
        finally:
            self._end()

    def _take_all(self) -> None:
        """What has come: the stop key first, for it is the one that must not wait."""
        is_touched = False
        # Asked again each time: while a question of ours is answered, events come in that no select tells.
        while self._display.pending_events() and not self._is_closed:
            event = self._display.next_event()
            if event.type == ge.GenericEventCode:
                is_touched |= self._take(event)
        if is_touched and not self._is_closed:
            self._hearer.touched()

    def _take(self, event: Any) -> bool:
        """One event; whether it is the person's."""
        if event.evtype == xinput.HierarchyChanged:
            self._persons.clear()
            self._stop_key.forget()
            return False
        _, _, detail, source = RAW.unpack_from(event.data)
        if not self._is_persons(source):
            return False
        if event.evtype == xinput.RawKeyRelease:
            self._stop_key.up(keyboard=source, place=detail)
        elif event.evtype == xinput.RawKeyPress:
            part = self._parts.get(detail)
            if self._stop_key.down(part, keyboard=source, place=detail) and not self._is_closed:
                self._hearer.stop_key_pressed()
        return True

    def _is_persons(self, device: int) -> bool:
        known = self._persons.get(device)
        if known is None:
            known = self._persons[device] = self._look_at(device)
        return known

    def _look_at(self, device: int) -> bool:
        """A device of hardware, not one of XTEST's and none that merely unites others."""
        try:
            found = self._display.xinput_query_device(device).devices
            mark = self._display.xinput_get_device_property(device, self._xtest, X.AnyPropertyType, 0, 1)
        except error.XError:
            return False  # gone meanwhile
        return mark.type == X.NONE and all(each.use not in MASTERS for each in found)

    def _end(self) -> None:
        with suppress(*LOST):
            self._display.close()
        self._interrupts.close()
        self._interrupter.close()


class _Version(rq.ReplyRequest):  # type: ignore[misc]  # (python-xlib has no types)
    """python-xlib's own asks for 2.0."""

    _request = xinput.XIQueryVersion._request
    _reply = xinput.XIQueryVersion._reply


def _version(display: Any) -> tuple[int, int]:
    major, minor = VERSION
    opcode = display.display.get_extension_major(EXTENSION)
    reply = _Version(display=display.display, opcode=opcode, major_version=major, minor_version=minor)
    return reply.major_version, reply.minor_version
