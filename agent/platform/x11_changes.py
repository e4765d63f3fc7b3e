"""Changes of the screen as the X server tells them: damage, the pointer's moves, the screen's size.

An idle screen costs nothing but a look each second, should a driver ever paint without telling.
"""

import select
import socket
from contextlib import suppress
from typing import Any

from Xlib.ext import damage, randr, xinput

from agent.platform.port import ChangesUnknown, DesktopGone
from agent.platform.x11 import LOST, open_display

LOOK_ANYWAY_S = 1.0


class X11Changes:
    """See `port.Changes`. One connection, watched together with a socket for interrupts."""

    def __init__(self, name: str | None = None) -> None:
        self._display = open_display(name)
        self._interrupts, self._interrupter = socket.socketpair()
        for end in (self._interrupts, self._interrupter):
            end.settimeout(0)
        self._fresh = True
        self._quiet_s = 0.0
        try:
            self._damage = _subscribe(self._display)
        except LOST as error:
            self.close()
            raise DesktopGone(str(error)) from None
        except BaseException:
            self.close()
            raise

    def wait(self, timeout: float) -> bool:
        """See `port.Changes`."""
        if self._fresh:  # what was before the first look has been told by nobody
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
        return True

    def _has_changed(self) -> bool:
        """Take all events; whether there was one. The next damage after this is told anew."""
        count = self._display.pending_events()
        if not count:
            return False
        for _ in range(count):
            self._display.next_event()
        self._quiet_s = 0.0
        self._display.damage_subtract(self._damage)
        # Done before the picture is taken, by another connection: or what is painted between is lost.
        self._display.sync()
        return True

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
    extensions = ("DAMAGE", "XInputExtension")
    missing = [name for name in extensions if not display.has_extension(name)]
    if missing:
        raise ChangesUnknown(f"The X server lacks {', '.join(missing)}.")
    # Before any other damage request, or python-xlib takes its errors for those of another extension.
    display.damage_query_version()
    display.xinput_query_version()
    root = display.screen().root
    root.xinput_select_events([(xinput.AllMasterDevices, xinput.RawMotionMask)])
    if display.has_extension("RANDR"):
        root.xrandr_select_input(randr.RRScreenChangeNotifyMask)
    # "Not empty": one event until it is subtracted, however much is painted meanwhile.
    damaged: int = root.damage_create(damage.DamageReportNonEmpty)
    display.sync()
    return damaged
