"""One stack per state directory: two would write the same JetStream files."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beistand.bus.settings import SettingsError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock while inside; the operating system gives it back however this process ends."""
    with path.open("a") as file:
        try:
            _lock(file.fileno())
        except OSError:
            raise SettingsError(
                f"{path.parent} is in use by another Beistand; stop it, or choose another BEISTAND_STATE"
            ) from None
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
