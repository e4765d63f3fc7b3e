"""What the agent refused: counted by code, logged once per code without content."""

import logging

from beistand.protocol.errors import BeistandError
from beistand.telemetry import meter

log = logging.getLogger(__name__)
_counter = meter.create_counter("beistand.agent.refusals", description="Messages refused, by kind and code")


class Refusals:
    """The refusals of one session."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}

    def add(self, kind: str, error: BeistandError) -> None:
        """Count a refused message of this kind."""
        key = (kind, error.code)
        self.counts[key] = self.counts.get(key, 0) + 1
        _counter.add(1, {"kind": kind, "code": error.code})
        if self.counts[key] == 1:
            log.warning("refused", extra={"kind": kind, "code": error.code})
