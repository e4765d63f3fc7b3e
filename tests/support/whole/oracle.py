"""What the person did at the device, and when: all that decides what may pass. Knows no guard and no service.

A yes holds from the click on, while the bar was seen in the last two seconds, until the person stops it,
pauses everything or ends the session, its time is up, or the device gives up (its line or its bar is lost).
"""

from dataclasses import dataclass, field

from beistand.protocol.capabilities import Capability

NEVER = float("-inf")
BAR_LASTS_S = 2.0


@dataclass
class Yes:
    """One click on Allow: for whom, for what, in which session, until when; how long the bar covers it."""

    sid: str
    technician_id: str
    capability: Capability
    over_at: float
    covered_until: float = NEVER


@dataclass
class Oracle:
    """Ask it `last_moment`; everything else tells it what happened at the device."""

    yeses: dict[str, Yes] = field(default_factory=dict)
    bar_until: float = NEVER
    paused_at: float | None = None
    pauses: int = 0
    ended: set[str] = field(default_factory=set)

    def allowed(self, grant_id: str, yes: Yes, now: float) -> None:
        """The person said yes to this question."""
        self.yeses[grant_id] = yes
        if now < self.bar_until:
            yes.covered_until = self.bar_until

    def bar_seen(self, now: float) -> None:
        """The bar is on the screen; what went without it for too long is over for good."""
        self.bar_until = now + BAR_LASTS_S
        for yes in self.yeses.values():
            if yes.covered_until == NEVER or now < yes.covered_until:
                yes.covered_until = self.bar_until

    def gave_up(self, now: float) -> None:
        """The device ends what has begun; a yes that still waits for its bar goes on waiting."""
        for yes in self.yeses.values():
            if yes.covered_until != NEVER:
                yes.over_at = min(yes.over_at, now)

    def bar_lost(self, now: float) -> None:
        """The bar is not on the screen."""
        self.gave_up(now)
        self.bar_until = NEVER

    def stopped(self, now: float, *capabilities: Capability) -> None:
        """The person stops these (none named: everything); while paused, nothing passed anyway."""
        when = now if self.paused_at is None else self.paused_at
        for yes in self.yeses.values():
            if not capabilities or yes.capability in capabilities:
                yes.over_at = min(yes.over_at, when)

    def paused(self, now: float) -> None:
        """ "End session?" is open."""
        self.paused_at, self.pauses = now, self.pauses + 1

    def resumed(self) -> None:
        """It was cancelled."""
        self.paused_at = None

    def over(self, sid: str, now: float) -> None:
        """The session is over, whoever ended it."""
        self.stopped(now)
        self.ended.add(sid)
        self.paused_at, self.bar_until = None, NEVER

    def last_moment(
        self, grant_id: str, *, sid: str, technician_id: str, capability: Capability, now: float
    ) -> float:
        """When this use of this grant was last allowed: `now` if it is right now, NEVER if it never was."""
        yes = self.yeses.get(grant_id)
        if yes is None or (yes.sid, yes.technician_id, yes.capability) != (sid, technician_id, capability):
            return NEVER
        ends = min(yes.over_at, yes.covered_until)
        paused_at = ends if self.paused_at is None else self.paused_at
        return now if now < ends and self.paused_at is None else min(ends, paused_at)
