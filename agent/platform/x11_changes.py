"""Changes of the screen as the X server tells them: damage, the pointer's moves, the screen's size.

An idle screen costs nothing but a look every two seconds, should a driver ever paint without telling. The
server gathers what was painted until somebody looks.
"""

import select
import socket
from contextlib import suppress
from typing import Any

from Xlib.ext import damage, randr, xinput

from agent.platform.port import Area, ChangesUnknown, DesktopGone
from agent.platform.x11 import LOST, open_display
from agent.platform.x11_regions import NAME as XFIXES
from agent.platform.x11_regions import create_region, fetch_region, tell_of_cursor

LOOK_ANYWAY_S = 2.0


class X11Changes:
    """See `port.Changes`. One connection, watched together with a socket for interrupts."""

    def __init__(self, name: str | None = None) -> None:
        self._display = open_display(name)
        self._interrupts, self._interrupter = socket.socketpair()
        for end in (self._interrupts, self._interrupter):
            end.settimeout(0)
        self._fresh = True
        self._everything = True
        """What was before the first look has been told by nobody; so has what a new layout shows."""
        self._quiet_s = 0.0
        try:
            self._damage = _subscribe(self._display)
            self._region = create_region(self._display)
            self._layout_event = self._display.extension_event.ScreenChangeNotify
        except LOST as error:
            self.close()
            raise DesktopGone(str(error)) from None
        except BaseException:
            self.close()
            raise

    def wait(self, timeout: float) -> bool:
        """See `port.Changes`."""
        if self._fresh:
            self._fresh = False
            return True
        try:
            return self._wait(timeout)
        except LOST as error:
            raise DesktopGone(str(error)) from None

    def _wait(self, timeout: float) -> bool:
        if not self._display.pending_events():
            watched = [self._display.fileno(), self._interrupts]
            ready, _, _ = select.select(watched, [], [], min(timeout, LOOK_ANYWAY_S))
            if self._interrupts in ready:
                self._interrupts.recv(4096)
            if not ready:
                return self._has_been_quiet_for(timeout)
        return self._has_changed()

    def _has_been_quiet_for(self, timeout: float) -> bool:
        """Whether it is time to look although nothing was told."""
        self._quiet_s += timeout
        if self._quiet_s < LOOK_ANYWAY_S:
            return False
        self._quiet_s = 0.0
        self._everything = True
        return True

    def _has_changed(self) -> bool:
        """Take all events; whether there was one."""
        count = self._display.pending_events()
        for _ in range(count):
            if self._display.next_event().type == self._layout_event:
                self._everything = True
        if count:
            self._quiet_s = 0.0
        return bool(count)

    def areas(self) -> tuple[Area, ...] | None:
        """See `port.Changes`. What is painted after this is told anew."""
        try:
            self._display.damage_subtract(self._damage, parts=self._region)
            # Answered before the picture is taken, by another connection: or what is painted between is lost.
            painted = fetch_region(self._display, self._region)
        except LOST as error:
            raise DesktopGone(str(error)) from None
        everything, self._everything = self._everything, False
        if everything:
            return None
        return tuple(Area(each.x, each.y, each.width, each.height) for each in painted)

    def found(self) -> None:
        """See `port.Changes`; the X server knows by itself."""

    def interrupt(self) -> None:
        """See `port.Changes`."""
        with suppress(OSError):
            self._interrupter.send(b"\0")

    def close(self) -> None:
        """See `port.Changes`."""
        with suppress(*LOST):
            self._display.close()
        self._interrupts.close()
        self._interrupter.close()


def _subscribe(display: Any) -> int:
    """Have the server tell; the id of the damage to subtract, or ChangesUnknown."""
    extensions = ("DAMAGE", "XInputExtension", "RANDR", XFIXES)
    missing = [name for name in extensions if not display.has_extension(name)]
    if missing:
        raise ChangesUnknown(f"The X server lacks {', '.join(missing)}.")
    # Before any other damage request, or python-xlib takes its errors for those of another extension.
    display.damage_query_version()
    display.xinput_query_version()
    display.xfixes_query_version()
    root = display.screen().root
    root.xinput_select_events([(xinput.AllMasterDevices, xinput.RawMotionMask)])
    root.xrandr_select_input(randr.RRScreenChangeNotifyMask)
    tell_of_cursor(display, root)
    # "Not empty": one event until it is subtracted, however much is painted meanwhile.
    damaged: int = root.damage_create(damage.DamageReportNonEmpty)
    display.sync()
    return damaged
