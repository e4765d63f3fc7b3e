"""The life of a request and of its grant, as one table and pure functions.

`now` is an argument. An event a state does not know raises WrongState and changes nothing;
nothing here makes a grant without a decision record. Knows no NATS, no clock, no storage.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from beistand.protocol.errors import WrongState
from beistand.protocol.messages import GrantEntry, Party, RequestState
from beistand.protocol.records import Cause

SLACK = timedelta(seconds=2)
"""An answer given in time may take this long to arrive."""
OPEN = frozenset({RequestState.ASKED, RequestState.LIVE})


@dataclass(frozen=True)
class Limits:
    """How long things last."""

    answer_s: int = 60
    """A question unanswered for so long is a no."""
    duration_s: int = 3600
    """What is granted ends by itself after this."""
    pause: timedelta = timedelta(seconds=20)
    """After a no, the same is not asked again for so long."""


# --- events -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Granted:
    """The customer allowed it, and that is recorded."""

    decision_jws: str
    entry_jws: str
    expires_at: datetime


@dataclass(frozen=True)
class Denied:
    """The customer said no; `block`: for the rest of the session."""

    decision_jws: str
    entry_jws: str
    block: bool


@dataclass(frozen=True)
class TimedOut:
    """No answer in time, told by the device (with its record) or found by the server."""

    decision_jws: str | None = None
    entry_jws: str | None = None


@dataclass(frozen=True)
class TakenBack:
    """The technician wants it no longer: a question withdrawn, or access handed back."""


@dataclass(frozen=True)
class Revoked:
    """The customer, or the device, ended it; before the answer it is a no that cannot be overtaken."""

    by: Party
    cause: Cause


@dataclass(frozen=True)
class ViewEnded:
    """What this rests on is over."""

    by: Party


@dataclass(frozen=True)
class SessionEnded:
    """The session is over."""

    by: Party
    cause: Cause


@dataclass(frozen=True)
class RanOut:
    """The grant reached its own end."""


Event = Granted | Denied | TimedOut | TakenBack | Revoked | ViewEnded | SessionEnded | RanOut

_CLOSED: dict[type[Any], RequestState | None] = {
    Denied: None,
    TimedOut: None,
    Revoked: None,
    ViewEnded: None,
    SessionEnded: None,
}
"""A no to what is over already is harmless: None leaves the state, the first who ended it and why."""

TABLE: dict[RequestState, dict[type[Any], RequestState | None]] = {
    RequestState.ASKED: {
        Granted: RequestState.LIVE,
        Denied: RequestState.DENIED,
        TimedOut: RequestState.TIMED_OUT,
        TakenBack: RequestState.WITHDRAWN,
        Revoked: RequestState.REVOKED,
        ViewEnded: RequestState.WITHDRAWN,
        SessionEnded: RequestState.WITHDRAWN,
    },
    RequestState.LIVE: {
        TakenBack: RequestState.REVOKED,
        Revoked: RequestState.REVOKED,
        ViewEnded: RequestState.REVOKED,
        SessionEnded: RequestState.REVOKED,
        RanOut: RequestState.EXPIRED,
    },
    RequestState.DENIED: _CLOSED,
    RequestState.TIMED_OUT: _CLOSED,
    RequestState.WITHDRAWN: _CLOSED,
    RequestState.REVOKED: _CLOSED,
    RequestState.EXPIRED: _CLOSED,
}
"""State -> event -> next state (None: unchanged); what is not here is refused."""


def apply(entry: GrantEntry, event: Event, *, now: datetime) -> GrantEntry:
    """The request or grant after `event`, or WrongState with nothing changed."""
    transitions = TABLE[entry.state]
    if type(event) not in transitions:
        raise WrongState("This question or access is over already.")
    target = transitions[type(event)]
    if target is None:
        return _late(entry, event)
    changes = _EFFECTS[type(event)](entry, event, now)
    if target is not RequestState.LIVE:
        changes = {"closed_at": now, **changes}
    return entry.model_copy(update={"state": target, **changes})


def is_done(entry: GrantEntry, event: Event) -> bool:
    """Whether exactly this grant stands already: the answer was sent again."""
    return (
        isinstance(event, Granted)
        and entry.state is RequestState.LIVE
        and entry.decision_jws == event.decision_jws
    )


def _late(entry: GrantEntry, event: Event) -> GrantEntry:
    """Nothing happens any more, but "do not ask again" counts whenever it arrives."""
    if isinstance(event, Denied) and event.block:
        return entry.model_copy(update={"blocked": True})
    return entry


def _grant(entry: GrantEntry, event: Granted, now: datetime) -> dict[str, Any]:
    if now > entry.answer_until + SLACK:
        raise WrongState("The answer came too late.")
    return {
        "decision_jws": event.decision_jws,
        "entry_jws": event.entry_jws,
        "expires_at": event.expires_at,
    }


def _deny(_entry: GrantEntry, event: Denied, _now: datetime) -> dict[str, Any]:
    return {
        "decision_jws": event.decision_jws,
        "entry_jws": event.entry_jws,
        "closed_by": Party.CUSTOMER,
        "blocked": event.block,
    }


def _time_out(entry: GrantEntry, event: TimedOut, now: datetime) -> dict[str, Any]:
    if event.decision_jws is None and now <= entry.answer_until + SLACK:
        raise WrongState("Not yet.")
    return {
        "decision_jws": event.decision_jws,
        "entry_jws": event.entry_jws,
        "closed_by": Party.SYSTEM,
    }


def _take_back(_entry: GrantEntry, _event: TakenBack, _now: datetime) -> dict[str, Any]:
    return {"closed_by": Party.TECHNICIAN, "cause": Cause.TECHNICIAN}


def _stop(_entry: GrantEntry, event: Revoked | SessionEnded, _now: datetime) -> dict[str, Any]:
    return {"closed_by": event.by, "cause": event.cause}


def _view_ended(_entry: GrantEntry, event: ViewEnded, _now: datetime) -> dict[str, Any]:
    return {"closed_by": event.by, "cause": Cause.VIEW_ENDED}


def _run_out(entry: GrantEntry, _event: RanOut, now: datetime) -> dict[str, Any]:
    if entry.expires_at is None or now < entry.expires_at:
        raise WrongState("Not yet.")
    return {"closed_by": Party.SYSTEM, "cause": Cause.EXPIRED}


_EFFECTS: dict[type[Any], Callable[..., dict[str, Any]]] = {
    Granted: _grant,
    Denied: _deny,
    TimedOut: _time_out,
    TakenBack: _take_back,
    Revoked: _stop,
    ViewEnded: _view_ended,
    SessionEnded: _stop,
    RanOut: _run_out,
}


def deadline(entry: GrantEntry) -> tuple[datetime, Event] | None:
    """What time does to this request or grant next, and when; None once it is over."""
    if entry.state is RequestState.ASKED:
        return entry.answer_until + SLACK, TimedOut()
    if entry.state is RequestState.LIVE and entry.expires_at is not None:
        return entry.expires_at, RanOut()
    return None
