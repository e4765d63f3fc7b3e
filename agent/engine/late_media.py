"""Pictures are loaded with the first session: an agent that rests needs neither codecs nor arrays in memory.

They are 35 MiB (`python -m bench idle`), and take a third of a second.
"""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from agent.engine.ports import Media, Publish
from beistand.protocol.messages import MediaDown, MonitorSize

log = logging.getLogger(__name__)


class Pictures(Media, Protocol):
    """Media that know where on the desktop a pixel of the newest picture is."""

    def desktop_place(self, x: int, y: int) -> tuple[int, int] | None:
        """Desktop coordinates, or None before the first picture."""


class LateMedia:
    """See `ports.Media`. What is said before `load` is done on its thread is kept, and then said in order."""

    def __init__(self, load: Callable[[], Pictures]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._pictures: Pictures | None = None
        self._due: list[Callable[[Pictures], None]] = []
        self._is_asked_for = False

    def prepare(self) -> None:
        """See `ports.Media`."""
        with self._lock:
            is_first, self._is_asked_for = not self._is_asked_for, True
        if is_first:
            threading.Thread(target=self._open, name="beistand-media-load", daemon=True).start()

    def start(self, grant_id: str, publish: Publish) -> None:
        """See `ports.Media`."""
        self._say(lambda pictures: pictures.start(grant_id, publish))

    def credit(self, message: MediaDown) -> None:
        """See `ports.Media`."""
        self._say(lambda pictures: pictures.credit(message))

    def stop(self, grant_id: str) -> None:
        """See `ports.Media`."""
        self._say(lambda pictures: pictures.stop(grant_id))

    def close(self) -> None:
        """See `ports.Media`."""
        self._say(lambda pictures: pictures.close())

    def monitors(self) -> tuple[MonitorSize, ...]:
        """See `ports.Media`."""
        return self._pictures.monitors() if self._pictures else ()

    def desktop_place(self, x: int, y: int) -> tuple[int, int] | None:
        """See `Pictures`."""
        return self._pictures.desktop_place(x, y) if self._pictures else None

    def _say(self, word: Callable[[Pictures], None]) -> None:
        with self._lock:
            if self._pictures is None:
                self._due.append(word)
            else:
                word(self._pictures)

    def _open(self) -> None:
        pictures = self._load()
        pictures.prepare()
        with self._lock:
            for word in self._due:
                word(pictures)
            self._due.clear()
            self._pictures = pictures
        log.info("pictures are ready to be made")
