"""How often strangers may do what must work without any store: counted in this process, for each caller.

Pure but for its own counters; `now` is an argument.
"""

from collections import OrderedDict
from datetime import datetime

from services.gateway.domain import Attempts, Limit, one_more

MAX_CALLERS = 10_000
"""Callers remembered; beyond that the one longest unheard of is forgotten."""


class Pace:
    """Attempts per caller in their window."""

    def __init__(self) -> None:
        self._attempts: OrderedDict[str, Attempts] = OrderedDict()

    def take(self, limit: Limit, caller: str, *, now: datetime) -> None:
        """Count one attempt; LimitReached if it is one too many."""
        self._attempts[caller] = one_more(self._attempts.get(caller), limit, now=now)
        self._attempts.move_to_end(caller)
        if len(self._attempts) > MAX_CALLERS:
            self._attempts.popitem(last=False)
