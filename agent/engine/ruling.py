"""What every event does to the session on the device. Every unknown is a no.

Pure: events in, effects out, `now` (seconds, monotonic) an argument. A grant goes live in one way only:
the person said yes (now, or in advance: the mandate), the indicator is freshly proven visible, and the
consent service's entry is here.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from agent.engine import event as e
from agent.engine.grant import CAUSES, TABLE, TOLD, Do, Happening, Request, Stage
from agent.engine.guard import Guard, Standing
from agent.port import Answer
from beistand.protocol.capabilities import REQUIRES, Capability
from beistand.protocol.records import Ask, Cause, DecidedBy, Entry, Outcome
from beistand.protocol.signing import hash_of
from beistand.protocol.terms import is_too_long

INDICATOR_WITHIN_S = 2.0
"""Not proven visible by then: a no."""
ENTRY_WITHIN_S = 15.0
"""No entry of the consent service by then: the yes is taken back."""
ENDING = (Stage.ASKED, Stage.SHOWING, Stage.RECORDING, Stage.LIVE, Stage.ENROLLING)
"""Stages that end by themselves."""
MAX_OPEN = 4
"""Questions that may wait for the person at once; the rest is a no."""
NO_TEXT = hash_of("")
"""Stands for the text of a question that no dialog answered."""

STANDINGS: Mapping[tuple[Standing, type[e.Event]], tuple[Standing, tuple[e.Effect, ...]]] = MappingProxyType(
    {
        (Standing.OPEN, e.AskedEnd): (Standing.CONFIRMING, (e.PausePassage(), e.SignPause(paused=True))),
        (Standing.CONFIRMING, e.CancelledEnd): (
            Standing.OPEN,
            (e.ResumePassage(), e.SignPause(paused=False)),
        ),
        (Standing.OPEN, e.ConfirmedEnd): (Standing.OVER, ()),
        (Standing.CONFIRMING, e.ConfirmedEnd): (Standing.OVER, ()),
        (Standing.OPEN, e.EndedElsewhere): (Standing.OVER, ()),
        (Standing.CONFIRMING, e.EndedElsewhere): (Standing.OVER, ()),
    }
)
"""The session's own table; nothing leads out of OVER."""


def apply(guard: Guard, event: e.Event, *, now: float) -> tuple[Guard, tuple[e.Effect, ...]]:
    """The state after an event, and what is to be done, in order: on the device first."""
    if guard.standing is Standing.OVER:
        return guard, ()
    walk = _Walk(guard, now)
    walk.expire()
    if (guard.standing, type(event)) in STANDINGS:
        walk.stand(event)
    elif type(event) in _HANDLERS:
        _HANDLERS[type(event)](walk, event)
    return walk.result()


class _Walk:
    """One event on its way through the tables; collects what is to be done."""

    def __init__(self, guard: Guard, now: float) -> None:
        self.guard = guard
        self.now = now
        self._closed: list[str] = []
        self._revoked: dict[Cause, list[str]] = {}
        self._on_device: list[e.Effect] = []
        self._afterwards: list[e.Effect] = []
        self._summing_up: list[e.Effect] = []

    def result(self) -> tuple[Guard, tuple[e.Effect, ...]]:
        """The next state and the effects: closing first, then revoking, the rest, summaries last."""
        closing = [e.CloseGrants(tuple(self._closed))] if self._closed else []
        revoking = [e.SignRevocation(tuple(ids), cause) for cause, ids in self._revoked.items()]
        return self.guard, (*closing, *self._on_device, *revoking, *self._afterwards, *self._summing_up)

    def stand(self, event: e.Event) -> None:
        """A step of the session itself."""
        standing, effects = STANDINGS[self.guard.standing, type(event)]
        self.guard = replace(self.guard, standing=standing)
        self._on_device += [effect for effect in effects if isinstance(effect, e.OnDevice)]
        self._afterwards += [effect for effect in effects if not isinstance(effect, e.OnDevice)]
        if standing is Standing.OVER:
            self.every(Happening.SESSION_OVER)
            self._on_device.append(e.CloseEverything())
        if isinstance(event, e.ConfirmedEnd):
            self._afterwards.append(e.SignEnd(event.cause))

    def expire(self) -> None:
        """Deadlines that have passed, and a proof of the bar that has grown old."""
        for request in self.guard.at(*ENDING):
            if request.deadline <= self.now:
                live = request.stage is Stage.LIVE
                self.step(request.id, Happening.EXPIRED if live else Happening.TIMED_OUT)
        if self.guard.is_proof_stale(now=self.now):
            self.lose_indicator()

    def lose_indicator(self) -> None:
        """The bar is not on screen (any more), or nobody can tell: nothing goes on without it."""
        self.guard = replace(self.guard, indicator_seen_at=None)
        self.every(Happening.INDICATOR_LOST)

    def every(self, happening: Happening, *capabilities: Capability) -> None:
        """The same for every request of these capabilities (none named: all)."""
        for request in tuple(self.guard.requests.values()):
            if not capabilities or request.ask.capability in capabilities:
                self.step(request.id, happening)

    def step(self, request_id: str, happening: Happening) -> None:
        """One step of one request; what the table does not know changes nothing."""
        request = self.guard.requests.get(request_id)
        step = TABLE.get((request.stage, happening)) if request else None
        if request is None or step is None:
            return
        self.put(replace(request, stage=step.after))
        for action in step.actions:
            self._do(action, request, happening)
        if step.after is Stage.OVER and happening is not Happening.SESSION_OVER:
            self._end_dependents(request.ask)

    def put(self, request: Request) -> None:
        """Replace or add a request; the order of asking stays."""
        requests = MappingProxyType({**self.guard.requests, request.id: request})
        self.guard = replace(self.guard, requests=requests)

    def decide(self, request: Request, outcome: Outcome, by: DecidedBy) -> None:
        """Have an answer signed."""
        blocks = request.ask.capability in self.guard.blocked
        mandate = self.guard.mandate if outcome is Outcome.GRANTED and by is DecidedBy.POLICY else None
        rests_on = mandate.enrolment_hash if mandate is not None else None
        self._afterwards.append(e.SignDecision(request, outcome, by, blocks, rests_on))

    def hold(self, request_id: str) -> None:
        """A question opens: no input until it is gone."""
        self._on_device.append(e.HoldInput(request_id))

    def _do(self, action: Do, request: Request, happening: Happening) -> None:
        match action:
            case Do.RELEASE:
                self._on_device.append(e.ReleaseInput(request.id))
            case Do.OPEN:
                self._on_device.append(e.OpenGrant(request))
            case Do.CLOSE:
                self._closed.append(request.id)
            case Do.REVOKE:
                self._revoked.setdefault(CAUSES[happening], []).append(request.id)
            case Do.ENROL:
                self._afterwards.append(e.SignEnrolment(request))
            case Do.SUM_UP:
                self._summing_up.append(e.SignActivity(request))
            case Do.TELL:
                self._tell(request, happening)
            case _:
                self._answer(action, request)

    def _answer(self, action: Do, request: Request) -> None:
        if action is Do.DENY_AND_BLOCK:
            self.guard = replace(self.guard, blocked=self.guard.blocked | {request.ask.capability})
        outcome, by = _ANSWERS[action]
        self.decide(request, outcome, by or request.decided_by)

    def _tell(self, request: Request, happening: Happening) -> None:
        notice = TOLD.get((request.stage, happening))
        if notice is not None and e.Tell(notice) not in self._afterwards:
            self._afterwards.append(e.Tell(notice))

    def _end_dependents(self, ask: Ask) -> None:
        """What makes sense only beside something that is over is over too."""
        for request in tuple(self.guard.requests.values()):
            needed = REQUIRES.get(request.ask.capability)
            is_same = request.ask.technician_id == ask.technician_id
            if needed is ask.capability and is_same and not self.guard.has(needed, technician_of=request.ask):
                self.step(request.id, Happening.VIEW_ENDED)


_ANSWERS: Mapping[Do, tuple[Outcome, DecidedBy | None]] = MappingProxyType(
    {
        Do.GRANT: (Outcome.GRANTED, None),  # by whoever said yes
        Do.DENY: (Outcome.DENIED, DecidedBy.PERSON),
        Do.DENY_AND_BLOCK: (Outcome.DENIED, DecidedBy.PERSON),
        Do.DENY_BY_POLICY: (Outcome.DENIED, DecidedBy.POLICY),
        Do.TIME_OUT: (Outcome.TIMED_OUT, DecidedBy.TIMEOUT),
    }
)


# --- events -------------------------------------------------------------------------------------------


def _asked(walk: _Walk, event: e.Asked) -> None:
    guard, ask = walk.guard, event.ask
    if (ask.org, ask.sid) != (guard.org, guard.sid) or ask.request_id in guard.requests:
        return
    deadline = walk.now + ask.answer_within_s
    request = Request(ask, event.ask_hash, Stage.ASKED, deadline, guard.language, NO_TEXT)
    if guard.mandate is not None and guard.mandate.covers(ask) and _may_be_asked(guard, ask):
        until = walk.now + INDICATOR_WITHIN_S
        walk.put(replace(request, deadline=until, decided_at=walk.now, decided_by=DecidedBy.POLICY))
        walk.step(request.id, Happening.ALLOWED)
        _sign_shown(walk)
        return
    if guard.mandate is None and _may_be_asked(guard, ask):
        walk.put(request)
        walk.hold(request.id)
        return
    walk.put(replace(request, stage=Stage.OVER))
    walk.decide(request, Outcome.DENIED, DecidedBy.POLICY)


def _may_be_asked(guard: Guard, ask: Ask) -> bool:
    """Whether the person, or their mandate, is to be bothered with this question at all."""
    open_questions = guard.at(Stage.ASKED, Stage.SHOWING, Stage.RECORDING, Stage.ENROLLING)
    needed = REQUIRES.get(ask.capability)
    is_repeated = any(
        request.ask.capability is ask.capability and request.ask.technician_id == ask.technician_id
        for request in open_questions
    )
    return (
        ask.capability in guard.offered
        and _has_fitting_terms(ask)
        and ask.capability not in guard.blocked
        and not is_repeated
        and len(open_questions) < MAX_OPEN
        and (needed is None or guard.has(needed, technician_of=ask))
    )


def _has_fitting_terms(ask: Ask) -> bool:
    """Unattended access has terms, with an end; nothing else has any."""
    if ask.capability is not Capability.UNATTENDED:
        return ask.terms is None
    return ask.terms is not None and not is_too_long(ask.terms, asked_at=ask.asked_at)


def _answered(walk: _Walk, event: e.Answered) -> None:
    request = walk.guard.requests.get(event.request_id)
    if request is None or request.stage is not Stage.ASKED:
        return
    # Only the oldest question is on screen: nobody can have said yes to another one.
    if event.answer is Answer.ALLOW and request != walk.guard.at(Stage.ASKED)[0]:
        return
    answered = replace(request, text_hash=event.text_hash, language=event.language, decided_at=walk.now)
    if event.answer is not Answer.ALLOW:
        walk.put(answered)
        walk.step(request.id, Happening.BLOCKED if event.answer is Answer.BLOCK else Happening.DENIED)
        return
    if request.ask.capability is Capability.UNATTENDED:
        walk.put(replace(answered, deadline=walk.now + ENTRY_WITHIN_S))
        walk.step(request.id, Happening.ALLOWED_STANDING)
        return
    walk.put(replace(answered, deadline=walk.now + INDICATOR_WITHIN_S))
    walk.step(request.id, Happening.ALLOWED)
    _sign_shown(walk)


def _indicator_shown(walk: _Walk, _event: e.IndicatorShown) -> None:
    walk.guard = replace(walk.guard, indicator_seen_at=walk.now)
    _sign_shown(walk)


def _sign_shown(walk: _Walk) -> None:
    """With the bar on screen, every yes that waited for it is signed."""
    for request in walk.guard.at(Stage.SHOWING) if walk.guard.is_indicator_visible else ():
        walk.put(replace(request, deadline=walk.now + ENTRY_WITHIN_S))
        walk.step(request.id, Happening.SHOWN)


def _recorded(walk: _Walk, event: e.Recorded) -> None:
    request = walk.guard.requests.get(event.request_id)
    if request is not None and request.stage is Stage.ENROLLING:
        walk.step(request.id, Happening.RECORDED)
        return
    if request is None or request.stage is not Stage.RECORDING:
        return
    until = request.decided_at + _lasts_s(request.ask, event.entry)
    walk.put(replace(request, deadline=until, live_since=event.entry.recorded_at))
    walk.step(request.id, Happening.RECORDED)


def _lasts_s(ask: Ask, entry: Entry) -> float:
    """How long the grant lasts: as the person was told, or shorter if the service says so; never longer."""
    if entry.expires_at is None:
        return ask.duration_s
    return min(ask.duration_s, (entry.expires_at - entry.recorded_at).total_seconds())


def _over_elsewhere(walk: _Walk, event: e.OverElsewhere) -> None:
    request = walk.guard.requests.get(event.request_id)
    if request is not None:
        walk.step(request.id, Happening.EXPIRED if request.stage is Stage.LIVE else Happening.TIMED_OUT)


def _stopped_sharing(walk: _Walk, _event: e.StoppedSharing) -> None:
    # Control first: it is stopped by the person, not because its view ended.
    _is_meant(walk, Capability.CONTROL, Capability.VIEW)
    walk.every(Happening.STOPPED_SHARING, Capability.CONTROL)
    walk.every(Happening.STOPPED_SHARING, Capability.VIEW)


def _stopped_control(walk: _Walk, _event: e.StoppedControl) -> None:
    _is_meant(walk, Capability.CONTROL)
    walk.every(Happening.STOPPED_CONTROL, Capability.CONTROL)


def _is_meant(walk: _Walk, *stopped: Capability) -> None:
    """What a person at the device has stopped, their mandate does not allow again in this session."""
    if walk.guard.mandate is not None:
        walk.guard = replace(walk.guard, blocked=walk.guard.blocked.union(stopped))


def _language_set(walk: _Walk, event: e.LanguageSet) -> None:
    walk.guard = replace(walk.guard, language=event.language)


_HANDLERS: Mapping[type[e.Event], Callable[[_Walk, Any], None]] = MappingProxyType(
    {
        e.Asked: _asked,
        e.Answered: _answered,
        e.IndicatorShown: _indicator_shown,
        e.IndicatorLost: lambda walk, _: walk.lose_indicator(),
        e.Recorded: _recorded,
        e.Refused: lambda walk, event: walk.step(event.request_id, Happening.REFUSED),
        e.Unproven: lambda walk, event: walk.step(event.request_id, Happening.UNPROVEN),
        e.Withdrawn: lambda walk, event: walk.step(event.request_id, Happening.WITHDRAWN),
        e.OverElsewhere: _over_elsewhere,
        e.StoppedSharing: _stopped_sharing,
        e.StoppedControl: _stopped_control,
        e.Disconnected: lambda walk, _: walk.every(Happening.DISCONNECTED),
        e.LanguageSet: _language_set,
    }
)
