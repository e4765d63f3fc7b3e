"""What the windows show: the engine's own part (phase, chat, notices) and the view of it all. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from agent.engine.grant import Request, Stage
from agent.engine.guard import Guard, Standing
from agent.engine.hand import Hand
from agent.engine.meter import Usage
from agent.port import Access, ChatEntry, Notice, Phase, Question, Used, View
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import WrongState
from beistand.protocol.messages import Party
from beistand.protocol.records import Cause

PHASES: Mapping[Phase, frozenset[Phase]] = MappingProxyType(
    {
        Phase.CODE: frozenset({Phase.LOOKING_UP}),  # or JOINING: `Front.called`
        Phase.LOOKING_UP: frozenset({Phase.CONFIRM, Phase.CODE}),
        Phase.CONFIRM: frozenset({Phase.JOINING, Phase.CODE}),
        Phase.JOINING: frozenset({Phase.SESSION, Phase.ENDED, Phase.CODE}),
        Phase.SESSION: frozenset({Phase.RECONNECTING, Phase.ENDED}),
        Phase.RECONNECTING: frozenset({Phase.SESSION, Phase.ENDED}),
        Phase.ENDED: frozenset({Phase.CODE}),
    }
)
"""Which phase may follow which."""

MAX_LINES = 200
"""Chat lines that are kept, the newest; nobody can make the device remember without end."""


@dataclass(frozen=True)
class Front:
    """Immutable; every method makes the next."""

    phase: Phase = Phase.CODE
    problem: str = ""
    organisation: str = ""
    technician: str = ""
    chat: tuple[ChatEntry, ...] = ()
    ended_by: Party | None = None
    ended_cause: Cause | None = None
    notices: tuple[str, ...] = ()
    used: tuple[Used, ...] = ()
    receipt: str = ""
    is_unattended: bool = False
    visit_reason: str = ""

    @property
    def is_busy(self) -> bool:
        """Whether somebody is about something here, so that no technician can come in unattended."""
        return self.phase not in (Phase.CODE, Phase.ENDED)

    @classmethod
    def called(cls, *, organisation: str, technician: str, reason: str) -> "Front":
        """A technician comes in unattended; nothing of what was before is left."""
        return cls(
            phase=Phase.JOINING,
            organisation=organisation,
            technician=technician,
            is_unattended=True,
            visit_reason=reason,
        )

    def moved(self, phase: Phase, **changes: Any) -> "Front":
        """In another phase, or WrongState; an old problem is forgotten."""
        if phase not in PHASES[self.phase]:
            raise WrongState
        return replace(self, **{"phase": phase, "problem": "", **changes})

    def told(self, notice: Notice) -> "Front":
        """One more notice."""
        return replace(self, notices=(*self.notices, notice))

    def summed_up(self, used: Used) -> "Front":
        """With what one more grant was used for."""
        return replace(self, used=(*self.used, used))

    def received(self, receipt: str) -> "Front":
        """With the file of the receipt."""
        return replace(self, receipt=receipt)

    def troubled(self, code: str) -> "Front":
        """With a problem to show."""
        return replace(self, problem=code)

    def chatted(self, entry: ChatEntry) -> "Front":
        """One more chat line; one that is there already changes nothing. The oldest make room."""
        if any(known.id == entry.id for known in self.chat):
            return self
        return replace(self, chat=(*self.chat, entry)[-MAX_LINES:])

    def delivered(self, line_id: str) -> "Front":
        """A line of the customer's has arrived."""
        lines = (replace(line, delivered=True) if line.id == line_id else line for line in self.chat)
        return replace(self, chat=tuple(lines))


def view_of(
    front: Front,
    guard: Guard | None,
    hand: Hand | None = None,
    *,
    now: float,
    usage: Callable[[str], Usage] = lambda _: Usage(),
) -> View:
    """The picture for the windows at `now` (seconds, monotonic); `usage` of a live grant so far."""
    shown = View(**vars(front))
    if guard is None or guard.standing is Standing.OVER:
        return shown
    return replace(
        shown,
        questions=tuple(_question(request) for request in guard.at(Stage.ASKED)),
        accesses=tuple(_access(request, usage(request.id), now) for request in guard.at(Stage.LIVE)),
        stop_key=hand.has_stop_key if hand is not None else None,
        hand_first=hand is not None and hand.is_first and guard.has_live(Capability.CONTROL),
        indicator_wanted=guard.is_indicator_wanted,
        confirming_end=guard.standing is Standing.CONFIRMING,
    )


def _question(request: Request) -> Question:
    ask = request.ask
    return Question(
        request_id=ask.request_id,
        capability=ask.capability,
        organisation=ask.organisation_name,
        technician=ask.technician_name,
        reason=ask.reason,
        duration_s=ask.duration_s,
        answer_within_s=ask.answer_within_s,
        deadline=request.deadline,
        terms=ask.terms,
    )


def _access(request: Request, usage: Usage, now: float) -> Access:
    return Access(
        grant_id=request.id,
        capability=request.ask.capability,
        technician=request.ask.technician_name,
        since=request.live_since or request.ask.asked_at,
        seconds_left=max(0, round(request.deadline - now)),
        lasted_s=int(usage.opened_ago),
        input=usage.input,
    )
