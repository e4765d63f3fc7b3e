"""Whatever happens in whatever order: nothing passes that the customer does not allow right now.

The model below knows the laws and nothing of how the gate keeps them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import NoGrant
from beistand.protocol.messages import Party
from services.relay.domain import LEASE_S, Gatekeeper, Reason, Tombstones, ViewStopped
from services.relay.proof import Grant
from tests.support.consented import new_id

pytestmark = pytest.mark.unit

TECHNICIANS = (new_id("tina"), new_id("tom"))
SID = new_id("session")
STOPPED = Reason(NoGrant, Party.CUSTOMER)


@dataclass
class Truth:
    """What is known about one grant."""

    grant: Grant
    proven_at: float | None = None
    heard_at: float = 0.0
    is_over: bool = False

    def allows(self, now: float) -> bool:
        if self.proven_at is None or self.is_over:
            return False
        return now < self.proven_at + self.grant.remaining_s and now < self.heard_at + LEASE_S


class Anything(RuleBasedStateMachine):
    """Every event a relay can meet, in any order, with time passing in between."""

    grants = Bundle("grants")

    @initialize()
    def start(self) -> None:
        self.now = 100.0
        self.tombstones = Tombstones()
        self.gate = Gatekeeper(SID, tombstones=self.tombstones)
        self.truths: dict[str, Truth] = {}
        self.must_hold = False
        self.is_ended = False
        self.seq = -1
        self.paused_at = 0.0

    @rule(
        target=grants,
        technician=st.sampled_from(TECHNICIANS),
        capability=st.sampled_from([Capability.VIEW, Capability.CONTROL]),
        lasts=st.sampled_from([1.0, 5.0, 600.0]),
    )
    def decide(self, technician: str, capability: Capability, lasts: float) -> str:
        grant = Grant(new_id(), technician, capability, datetime(2026, 1, 1, tzinfo=UTC), lasts)
        self.truths[grant.id] = Truth(grant)
        return grant.id

    @rule(grant_id=grants)
    def prove(self, grant_id: str) -> None:
        truth = self.truths[grant_id]
        self.gate.prove(truth.grant, now=self.now)
        if truth.proven_at is None and not self.is_ended:
            truth.proven_at = truth.heard_at = self.now

    @rule(grant_id=grants)
    def revoke(self, grant_id: str) -> None:
        for effect in self.gate.stop([grant_id], STOPPED, now=self.now):
            assert not isinstance(effect, ViewStopped) or effect.grant_id == grant_id
        self.truths[grant_id].is_over = True

    @rule(named=st.sets(grants, max_size=4), paused=st.booleans())
    def lease(self, named: set[str], paused: bool) -> None:
        self.gate.lease(named, paused=paused, now=self.now)
        for grant_id in named:
            truth = self.truths[grant_id]
            if truth.allows(self.now):
                truth.heard_at = self.now
        if paused:
            self.must_hold, self.paused_at = True, self.now
        elif self.now - self.paused_at >= LEASE_S:
            self.must_hold = False

    @rule(is_old=st.booleans())
    def pause(self, is_old: bool) -> None:
        self.seq += not is_old
        self.gate.pause(seq=self.seq, now=self.now)
        if not is_old:
            self.must_hold, self.paused_at = True, self.now

    @rule(is_old=st.booleans())
    def resume(self, is_old: bool) -> None:
        self.seq += not is_old
        self.gate.resume(seq=self.seq, now=self.now)
        if not is_old:
            self.must_hold = False

    @rule(seconds=st.sampled_from([0.1, 1.0, 2.9, 3.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for truth in self.truths.values():
            # Once not allowed, a proven grant never comes back, whatever is said later.
            truth.is_over |= truth.proven_at is not None and not truth.allows(self.now)

    @rule()
    def tick(self) -> None:
        self.gate.tick(now=self.now)

    @rule()
    def leave_and_come_back(self) -> None:
        """The last viewer left: a new room starts, knowing only what this process remembers."""
        self.gate.tick(now=self.now)
        self.gate = Gatekeeper(SID, tombstones=self.tombstones)
        self.seq, self.must_hold = -1, False
        for truth in self.truths.values():
            if not truth.is_over:
                truth.proven_at = None

    @rule()
    def end(self) -> None:
        self.gate.end(Party.CUSTOMER, None, now=self.now)
        self.is_ended = True

    def _live(self, technician: str) -> dict[Capability, set[str]]:
        live: dict[Capability, set[str]] = {Capability.VIEW: set(), Capability.CONTROL: set()}
        for truth in self.truths.values():
            if truth.grant.technician_id == technician and truth.allows(self.now):
                live[truth.grant.capability].add(truth.grant.id)
        return live

    @invariant()
    def nothing_passes_that_is_not_allowed(self) -> None:
        flows = not self.must_hold and not self.is_ended
        for technician in TECHNICIANS:
            live = self._live(technician)
            passes = self.gate.input_grant(technician, "input.key", now=self.now)
            assert passes is None or (flows and live[Capability.VIEW] and passes in live[Capability.CONTROL])
            # And what is allowed does pass: a gate that is always shut would keep every law above.
            assert (passes is not None) == bool(flows and all(live.values()))
        for grant_id, truth in self.truths.items():
            is_view = truth.grant.capability is Capability.VIEW
            assert self.gate.may_show(grant_id, now=self.now) == (
                flows and is_view and truth.allows(self.now)
            )


Anything.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestAnything = Anything.TestCase
