"""The real agent, whose windows' thread can be made to hang, as in a driver or a broken compositor.

    python -m tests.chaos.freezable_agent OPTIONS OF `beistand agent`

A line `hang` on stdin stops the Qt thread in the middle of an event; the next line lets it go on.
"""

import sys
import threading

from PySide6.QtCore import QObject, Qt, Signal, Slot

from agent.app import main


class Hang(QObject):
    """Lives in the main thread, asked from another."""

    asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._over = threading.Event()
        self.asked.connect(self._hang, Qt.ConnectionType.QueuedConnection)

    def obey(self) -> None:
        """Read what is asked for, line by line."""
        for line in sys.stdin:
            if line.strip() == "hang":
                self._over.clear()
                self.asked.emit()
            else:
                self._over.set()

    @Slot()
    def _hang(self) -> None:
        sys.stdout.write("hung\n")
        sys.stdout.flush()
        self._over.wait()


if __name__ == "__main__":
    hang = Hang()
    threading.Thread(target=hang.obey, daemon=True).start()
    main()
