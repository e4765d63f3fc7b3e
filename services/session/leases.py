"""Which agents have fallen silent, from the leases every replica hears. Pure but for its memory.

Kept in memory alone: what was not heard while nobody listened proves nothing, so listening anew starts anew.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from beistand.protocol.messages import SessionEntry, SessionState
from services.session.connections import Connection

SILENCE = timedelta(seconds=10)
"""An agent says once a second that it is there."""


@dataclass
class Leases:
    """When each active session's agent was last heard; keys are the bucket's (`<org>.<sid>`)."""

    _heard: dict[str, datetime] = field(default_factory=dict)
    _control: dict[str, Connection] = field(default_factory=dict)
    _listening: int | None = None

    def note(self, key: str, entry: SessionEntry, *, now: datetime) -> None:
        """A session as it is now; one that is active counts as heard when its connection is first seen."""
        if entry.state is not SessionState.ACTIVE or entry.control is None:
            self._control.pop(key, None)
            self._heard.pop(key, None)
        elif self._control.get(key) != entry.control:
            self._control[key], self._heard[key] = entry.control, now

    def heard(self, key: str, *, now: datetime) -> None:
        """A lease; of a session that is not active it means nothing."""
        if key in self._control:
            self._heard[key] = now

    def silent(self, *, listening: int | None, now: datetime) -> list[tuple[str, Connection]]:
        """Who was silent for too long. `listening` numbers the connection we hear by; None: there is none."""
        if listening is None or listening != self._listening:
            self._listening = listening
            self._heard = dict.fromkeys(self._control, now)
        return [(key, self._control[key]) for key, at in self._heard.items() if now - at >= SILENCE]
