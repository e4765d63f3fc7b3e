"""A place for tray icons on an X screen that has none (freedesktop.org, System Tray Protocol).

with tray(":42") as host:
    ...
    host.icons      # how many programs have put one there
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import Xlib.display
import Xlib.X
from Xlib.protocol import event

SIZE = 24
REQUEST_DOCK = 0
LOOK_EVERY_S = 0.1


class TrayHost:
    """Owns the screen's tray; takes in whatever asks."""

    def __init__(self, name: str) -> None:
        self._display = Xlib.display.Display(name)
        screen = self._display.screen()
        self._window = screen.root.create_window(0, 0, 10 * SIZE, SIZE, 0, screen.root_depth)
        self._window.map()
        self._opcode = self._display.intern_atom("_NET_SYSTEM_TRAY_OPCODE")
        self._over = threading.Event()
        self.icons = 0
        self._own(screen.root)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No tray any more."""
        self._over.set()
        self._thread.join()
        self._display.close()

    def _own(self, root: Xlib.xobject.drawable.Window) -> None:
        selection = self._display.intern_atom(f"_NET_SYSTEM_TRAY_S{self._display.get_default_screen()}")
        self._window.set_selection_owner(selection, Xlib.X.CurrentTime)
        data = (32, [Xlib.X.CurrentTime, selection, self._window.id, 0, 0])
        manager = self._display.intern_atom("MANAGER")
        told = event.ClientMessage(window=root, client_type=manager, data=data)
        root.send_event(told, event_mask=Xlib.X.StructureNotifyMask)
        self._display.sync()

    def _run(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            while self._display.pending_events():
                self._heard(self._display.next_event())

    def _heard(self, heard: event.AnyEvent) -> None:
        is_ours = heard.type == Xlib.X.ClientMessage and heard.client_type == self._opcode
        if not is_ours or heard.data[1][1] != REQUEST_DOCK:
            return
        icon = self._display.create_resource_object("window", heard.data[1][2])
        icon.reparent(self._window, self.icons * SIZE, 0)
        icon.configure(width=SIZE, height=SIZE)
        icon.map()
        self._display.flush()
        self.icons += 1


@contextmanager
def tray(name: str) -> Iterator[TrayHost]:
    """A tray on the display `name` for the block."""
    host = TrayHost(name)
    try:
        yield host
    finally:
        host.close()
