"""When an agent is next told that this relay is there, grant by grant: pure, `now` in monotonic seconds."""

from collections.abc import Collection

BEAT_S = 1.0
"""Three may get lost before the agent lets go what is held (agent.engine.silence)."""


class Beats:
    """The grants under which somebody here could hold a key down."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}

    def take(self, grant_ids: Collection[str], *, now: float) -> list[str]:
        """Those of `grant_ids` to beat for now, a new one at once; what is not among them beats no more."""
        due = {grant_id: self._due.get(grant_id, now) for grant_id in grant_ids}
        beating = [grant_id for grant_id, at in due.items() if at <= now]
        self._due = due | dict.fromkeys(beating, now + BEAT_S)
        return beating

    def deadline(self) -> float | None:
        """When the next beat is due."""
        return min(self._due.values(), default=None)
