"""The session as the customer's device sees it: what is asked, live, blocked, and where it all stands.

Pure and immutable; `ruling.apply` makes the next state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from agent.engine.grant import Request, Stage
from beistand.protocol.capabilities import OFFERED, REQUIRES, Capability
from beistand.protocol.records import Ask, Language

PROOF_LASTS_S = 2.0
"""A bar not proven visible for that long counts as lost: the windows hang, or their display does."""


class Standing(StrEnum):
    """Where the session stands on the device."""

    OPEN = "open"
    CONFIRMING = "confirming"
    """ "End session?" is open: everything is paused."""
    OVER = "over"


@dataclass(frozen=True)
class Mandate:
    """What the person allowed in advance, as far as one unattended session goes: view and control."""

    technician_id: str
    enrolment_hash: str

    def covers(self, ask: Ask) -> bool:
        """Whether a question is answered with yes without anybody being asked."""
        is_of_the_session = ask.capability in (Capability.VIEW, Capability.CONTROL)
        return is_of_the_session and ask.technician_id == self.technician_id


@dataclass(frozen=True)
class Guard:
    """See the module docstring; `requests` in the order of asking."""

    org: str
    sid: str
    language: Language
    requests: Mapping[str, Request] = field(default_factory=lambda: MappingProxyType({}))
    standing: Standing = Standing.OPEN
    indicator_seen_at: float | None = None
    """When the bar was last proven visible (seconds, monotonic); None if it is not."""
    blocked: frozenset[Capability] = frozenset()
    offered: frozenset[Capability] = OFFERED
    """What this device lets a technician ask for."""
    mandate: Mandate | None = None
    """In an unattended session, and only there: it answers, and no question comes before the person."""

    def at(self, *stages: Stage) -> tuple[Request, ...]:
        """The requests at these stages, oldest first."""
        return tuple(request for request in self.requests.values() if request.stage in stages)

    @property
    def live(self) -> tuple[str, ...]:
        """The grants that are alive on the device: what the lease names."""
        return tuple(request.id for request in self.at(Stage.LIVE))

    def has_live(self, capability: Capability) -> bool:
        """Whether anybody holds a capability live."""
        return any(request.ask.capability is capability for request in self.at(Stage.LIVE))

    @property
    def is_indicator_wanted(self) -> bool:
        """Whether the bar must be on screen."""
        return bool(self.at(Stage.SHOWING, Stage.RECORDING, Stage.LIVE))

    @property
    def is_indicator_visible(self) -> bool:
        """Whether the bar is proven visible; how fresh the proof is, `is_proof_stale` tells."""
        return self.indicator_seen_at is not None

    def is_proof_stale(self, *, now: float) -> bool:
        """Whether the bar was seen, but too long ago to count."""
        return self.indicator_seen_at is not None and self.indicator_seen_at + PROOF_LASTS_S <= now

    @property
    def next_deadline(self) -> float | None:
        """When a `Tick` is due, if at all."""
        deadlines = [
            request.deadline for request in self.requests.values() if request.stage is not Stage.OVER
        ]
        if self.indicator_seen_at is not None and self.is_indicator_wanted:
            deadlines.append(self.indicator_seen_at + PROOF_LASTS_S)
        return min(deadlines, default=None)

    def spendable(self, grant_id: str) -> frozenset[Capability]:
        """What a message under this grant may spend: its capability and what its technician has beside it."""
        request = self.requests.get(grant_id)
        if request is None or request.stage is not Stage.LIVE or self.standing is not Standing.OPEN:
            return frozenset()
        beside = REQUIRES.get(request.ask.capability)
        mine = {request.ask.capability}
        return frozenset(
            mine | ({beside} if beside and self.has(beside, technician_of=request.ask) else set())
        )

    def has(self, capability: Capability, *, technician_of: Ask) -> bool:
        """Whether the technician of this question holds a capability live."""
        return any(
            request.ask.capability is capability and request.ask.technician_id == technician_of.technician_id
            for request in self.at(Stage.LIVE)
        )
