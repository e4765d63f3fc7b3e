"""How fast one side of a session may chat: nobody can drown the other's windows in lines.

Pure; counted per process, so that several replicas allow as many times more.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from beistand.protocol.errors import RateLimited

LINES = 20
WITHIN = timedelta(seconds=10)


@dataclass
class Pace:
    """Remembers when each side last said something."""

    _said: dict[tuple[str, str], deque[datetime]] = field(default_factory=dict)

    def take(self, sid: str, side: str, *, now: datetime) -> None:
        """One more line of this side, or RateLimited: at most LINES in any stretch of WITHIN."""
        self._forget(now - WITHIN)
        times = self._said.setdefault((sid, side), deque())
        if len(times) >= LINES:
            raise RateLimited("Too many messages at once; wait a moment.")
        times.append(now)

    def _forget(self, before: datetime) -> None:
        for key, times in tuple(self._said.items()):
            while times and times[0] <= before:
                times.popleft()
            if not times:
                del self._said[key]
