"""What each grant is used for: how long something could pass, and how much input did; never what it was.

Pure: times are arguments, in seconds of one monotonic clock. Whoever keeps a meter guards it against threads.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from beistand.protocol.messages import (
    Input,
    InputButton,
    InputKey,
    InputMove,
    InputRelease,
    InputText,
    InputWheel,
)
from beistand.protocol.records import InputCounts

COUNTS: Mapping[type[Input], Callable[[Any], Mapping[str, int]]] = MappingProxyType(
    {
        InputMove: lambda _: {"moves": 1},
        InputButton: lambda button: {"clicks": int(button.action == "down")},
        InputWheel: lambda wheel: {"wheel_steps": abs(wheel.dx) + abs(wheel.dy)},
        InputKey: lambda key: {"keys": int(key.action == "down")},
        InputText: lambda text: {"characters": len(text.text)},
        InputRelease: lambda _: {},
    }
)
"""What one event adds, by field of `InputCounts`. A new kind of input without a line here is an error."""


def added(counts: InputCounts, event: Input) -> InputCounts:
    """The counts with one more event."""
    more = COUNTS[type(event)](event)
    return counts.model_copy(update={name: getattr(counts, name) + count for name, count in more.items()})


@dataclass(frozen=True)
class Usage:
    """What a grant was used for so far; `opened_ago` and `closed_ago` (0 while it lives) in seconds."""

    passed_s: float = 0.0
    """How long something could pass."""
    opened_ago: float = 0.0
    closed_ago: float = 0.0
    input: InputCounts = field(default_factory=InputCounts)

    @property
    def used_s(self) -> int:
        """`passed_s` in whole seconds, rounded up: 0 only if nothing could pass."""
        return math.ceil(self.passed_s)


@dataclass
class _Account:
    opened: float
    until: float
    closed: float | None = None
    passing_since: float | None = None
    passed_s: float = 0.0
    input: InputCounts = field(default_factory=InputCounts)

    def settle(self, now: float) -> None:
        """Book the time something could pass until now; never past the grant's own end."""
        if self.passing_since is not None:
            self.passed_s += max(0.0, min(now, self.until) - self.passing_since)
            self.passing_since = now


class Meter:
    """One account per grant, from its opening until it is taken away."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}

    def opened(self, grant_id: str, *, until: float, now: float) -> None:
        """The grant lives, until `until` at the latest."""
        self._accounts[grant_id] = _Account(opened=now, until=until)

    def closed(self, grant_ids: Collection[str], *, now: float) -> None:
        """These grants are over; their accounts stay to be read."""
        for grant_id in grant_ids:
            account = self._accounts.get(grant_id)
            if account is not None and account.closed is None:
                account.settle(now)
                account.passing_since, account.closed = None, min(now, account.until)

    def passing(self, grant_ids: Collection[str], *, now: float) -> None:
        """Exactly these pass from now on."""
        for grant_id, account in self._accounts.items():
            account.settle(now)
            passes = grant_id in grant_ids and account.closed is None
            account.passing_since = now if passes else None

    def count(self, grant_id: str, event: Input) -> None:
        """One event was let through."""
        account = self._accounts.get(grant_id)
        if account is not None:
            account.input = added(account.input, event)

    def usage(self, grant_id: str, *, now: float) -> Usage:
        """What the grant was used for so far; nothing for one that never lived."""
        account = self._accounts.get(grant_id)
        if account is None:
            return Usage()
        account.settle(now)
        closed = now if account.closed is None else account.closed
        return Usage(account.passed_s, now - account.opened, now - closed, account.input)

    def take(self, grant_id: str, *, now: float) -> Usage:
        """The same, for the last time."""
        usage = self.usage(grant_id, now=now)
        self._accounts.pop(grant_id, None)
        return usage
