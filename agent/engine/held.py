"""What injected input holds down, and for which grant: pure, so that everything can be let go at any time."""

from collections.abc import Collection
from typing import Generic, TypeVar

T = TypeVar("T")


class Held(Generic[T]):
    """Keys or buttons that are down; each belongs to the grant under which it was pressed."""

    def __init__(self) -> None:
        self._down: dict[tuple[str, str], T] = {}

    def __len__(self) -> int:
        return len(self._down)

    def press(self, grant_id: str, identity: str, thing: T) -> None:
        """It is down now."""
        self._down[grant_id, identity] = thing

    def release(self, grant_id: str, identity: str) -> T | None:
        """It goes up; None if this grant does not hold it."""
        return self._down.pop((grant_id, identity), None)

    def holds(self, grant_id: str, identity: str) -> bool:
        """Whether it is down for this grant."""
        return (grant_id, identity) in self._down

    def everything(self) -> list[T]:
        """What is down, oldest first."""
        return list(self._down.values())

    def of(self, grant_id: str) -> list[tuple[str, T]]:
        """What this grant holds, oldest first, with the identities."""
        return [(identity, thing) for (holder, identity), thing in self._down.items() if holder == grant_id]

    def things(self, grant_id: str) -> list[T]:
        """What this grant holds, oldest first."""
        return [thing for _, thing in self.of(grant_id)]

    def drain(self, grant_ids: Collection[str] | None = None) -> list[T]:
        """Everything that these grants hold (None: all grants), newest first; they hold nothing any more."""
        going = [place for place in self._down if grant_ids is None or place[0] in grant_ids]
        return [self._down.pop(place) for place in reversed(going)]
