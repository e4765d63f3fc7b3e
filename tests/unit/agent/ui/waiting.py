"""Let Qt's events run until something is so."""

from collections.abc import Callable
from time import monotonic

from PySide6.QtTest import QTest


def wait_for(is_so: Callable[[], bool], *, within_s: float = 5.0) -> None:
    """Return once `is_so()`; fail after `within_s` seconds."""
    deadline = monotonic() + within_s
    while not is_so():
        if monotonic() > deadline:
            raise TimeoutError("It did not come true.")
        QTest.qWait(20)
