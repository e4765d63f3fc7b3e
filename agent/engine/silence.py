"""Who can still let go what input holds down, and who has not been heard of for too long.

Pure: `now` is an argument (seconds, monotonic). A relay says every second that it is there; one that is
killed says nothing, and takes with it the technician's hand on a key.
"""

SILENT_S = 3.0
"""A relay not heard for that long is gone, as an agent is for a relay (its lease)."""
UNNAMED = ""
"""Whoever sends input before any relay has named itself under that grant."""


class Silence:
    """The relays heard under each grant, and when."""

    def __init__(self) -> None:
        self._heard: dict[tuple[str, str], float] = {}

    def alive(self, grant_id: str, relay: str, *, now: float) -> None:
        """A relay is there; what came before any had named itself was its doing."""
        self._heard.pop((grant_id, UNNAMED), None)
        self._heard[grant_id, relay] = now

    def input(self, grant_id: str, *, now: float) -> None:
        """Input came; it says nothing about the relays that have named themselves: each speaks for itself."""
        if not any(grant == grant_id and relay != UNNAMED for grant, relay in self._heard):
            self._heard[grant_id, UNNAMED] = now

    def take(self, *, now: float) -> frozenset[str]:
        """The grants of those that have fallen silent: told once, and again only after a new silence."""
        silent = [place for place, at in self._heard.items() if now - at >= SILENT_S]
        for place in silent:
            del self._heard[place]
        return frozenset(grant_id for grant_id, _ in silent)

    def forget(self) -> None:
        """Everything has been let go."""
        self._heard.clear()
