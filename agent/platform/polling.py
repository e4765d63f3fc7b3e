"""Where nothing tells of changes: look often while there are some, seldom when there are none."""

import threading

SHORTEST_S, LONGEST_S = 1 / 30, 0.25
GROWTH = 1.25


class PollingChanges:
    """See `port.Changes`."""

    def __init__(self) -> None:
        self._interval = SHORTEST_S
        self._interrupted = threading.Event()

    def wait(self, timeout: float) -> bool:
        """See `port.Changes`."""
        if self._interrupted.wait(min(timeout, self._interval)):
            self._interrupted.clear()
            return False
        self._interval = min(self._interval * GROWTH, LONGEST_S)
        return True

    def areas(self) -> None:
        """See `port.Changes`."""

    def found(self) -> None:
        """See `port.Changes`."""
        self._interval = SHORTEST_S

    def interrupt(self) -> None:
        """See `port.Changes`."""
        self._interrupted.set()

    def close(self) -> None:
        """Nothing to give back."""
