"""The life of a session, as one table and pure functions.

`now` and identifiers are arguments. An event a state does not know raises (`Ended` after the end,
`WrongState` otherwise) and changes nothing. Knows no NATS, no clock, no storage.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from beistand.protocol import signing
from beistand.protocol.errors import BadSignature, Ended, NotFound, TooLarge, WrongState
from beistand.protocol.messages import (
    Actor,
    ChainLink,
    Party,
    SessionEntry,
    SessionList,
    SessionListQuery,
    SessionState,
    SessionView,
)
from beistand.protocol.records import GENESIS, Cause, Hello, Language

MAX_LINKS = 24
MAX_HELLO = 2048
"""Largest hello in characters: so many of them fit in one value of the bucket."""
CUT_AGAIN_AFTER = timedelta(seconds=5)
"""A session that ended and still has connections then was left by a replica that died: cut it again."""
CUT_UNTIL = timedelta(seconds=60)
FINAL = frozenset({SessionState.ENDED, SessionState.EXPIRED})


@dataclass(frozen=True)
class Limits:
    """How long things last."""

    waiting: timedelta = timedelta(minutes=10)
    """For the customer to join; the code lives as long."""
    suspended: timedelta = timedelta(seconds=120)
    """For a lost agent to come back."""
    total: timedelta = timedelta(hours=8)
    """For a session as a whole, whatever happens in it."""


# --- events -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KeyBound:
    """The first connection fixed which key this session's agent has."""

    agent_key: str


@dataclass(frozen=True)
class HelloHeard:
    """The agent said a signed hello: the customer is here."""

    language: Language
    link: ChainLink


@dataclass(frozen=True)
class AgentLost:
    """The agent's control connection is gone; `until` it may come back."""

    until: datetime


@dataclass(frozen=True)
class AgentBack:
    """The agent's control connection was let in again."""


@dataclass(frozen=True)
class EndAsked:
    """Somebody ends the session for good."""

    by: Party
    cause: Cause


@dataclass(frozen=True)
class WaitingOver:
    """Nobody joined in time."""


@dataclass(frozen=True)
class SuspensionOver:
    """A lost agent did not come back in time."""


@dataclass(frozen=True)
class LimitReached:
    """The session reached its hard end."""


Event = KeyBound | HelloHeard | AgentLost | AgentBack | EndAsked | WaitingOver | SuspensionOver | LimitReached

TABLE: dict[SessionState, dict[type[Any], SessionState]] = {
    SessionState.WAITING: {
        KeyBound: SessionState.WAITING,
        HelloHeard: SessionState.ACTIVE,
        AgentLost: SessionState.WAITING,
        AgentBack: SessionState.WAITING,
        EndAsked: SessionState.ENDED,
        WaitingOver: SessionState.EXPIRED,
    },
    SessionState.ACTIVE: {
        HelloHeard: SessionState.ACTIVE,
        AgentLost: SessionState.SUSPENDED,
        AgentBack: SessionState.ACTIVE,
        EndAsked: SessionState.ENDED,
        LimitReached: SessionState.ENDED,
    },
    SessionState.SUSPENDED: {
        HelloHeard: SessionState.ACTIVE,
        AgentBack: SessionState.ACTIVE,
        EndAsked: SessionState.ENDED,
        SuspensionOver: SessionState.ENDED,
        LimitReached: SessionState.ENDED,
    },
    SessionState.ENDED: {},
    SessionState.EXPIRED: {},
}
"""State -> event -> next state; what is not here is refused."""


Effect = Callable[[SessionEntry, Any, datetime], dict[str, Any]]


def apply(entry: SessionEntry, event: Event, *, now: datetime) -> SessionEntry:
    """The session after `event`, or WrongState / Ended with nothing changed."""
    if entry.state in FINAL:
        raise Ended
    target = TABLE[entry.state].get(type(event))
    if target is None:
        raise WrongState
    effect: Effect = _EFFECTS.get(type(event), _no_effect)
    changes = {"state": target, **effect(entry, event, now)}
    if target is not SessionState.SUSPENDED:
        changes["suspended_until"] = None
    return entry.model_copy(update=changes)


def _no_effect(_entry: SessionEntry, _event: Any, _now: datetime) -> dict[str, Any]:
    return {}


def _bind(entry: SessionEntry, event: KeyBound, _now: datetime) -> dict[str, Any]:
    if entry.agent_key is not None:
        raise WrongState("This session has its agent already.")
    return {"agent_key": event.agent_key, "code_locator": ""}


def _greet(entry: SessionEntry, event: HelloHeard, now: datetime) -> dict[str, Any]:
    if entry.agent_key is None:
        raise WrongState("Nobody has joined this session.")
    return {
        "language": event.language,
        "joined_at": entry.joined_at or now,
        "chain": continued(entry.chain, event.link),
    }


def _suspend(entry: SessionEntry, event: AgentLost, _now: datetime) -> dict[str, Any]:
    return {"suspended_until": min(event.until, entry.limit_at)}


def _end(_entry: SessionEntry, event: EndAsked, now: datetime) -> dict[str, Any]:
    return {"ended_at": now, "ended_by": event.by, "cause": event.cause, "control": None}


def _end_when(field: str, cause: Cause) -> Effect:
    def effect(entry: SessionEntry, _event: Any, now: datetime) -> dict[str, Any]:
        due: datetime | None = getattr(entry, field)
        if due is None or now < due:
            raise WrongState("Not yet.")
        return {"ended_at": now, "ended_by": Party.SYSTEM, "cause": cause, "control": None}

    return effect


_EFFECTS: dict[type[Any], Effect] = {
    KeyBound: _bind,
    HelloHeard: _greet,
    AgentLost: _suspend,
    EndAsked: _end,
    WaitingOver: _end_when("waiting_until", Cause.EXPIRED),
    SuspensionOver: _end_when("suspended_until", Cause.AGENT_LOST),
    LimitReached: _end_when("limit_at", Cause.EXPIRED),
}


# --- deadlines ----------------------------------------------------------------------------------------


def deadline(entry: SessionEntry) -> tuple[datetime, Event] | None:
    """What time does to this session next, and when; None once it is over."""
    if entry.state in FINAL:
        return None
    if entry.state is SessionState.WAITING:
        return entry.waiting_until, WaitingOver()
    # Agents are cut by their credential at the limit, so that one who is lost just then was not lost.
    if entry.suspended_until is not None and entry.suspended_until < entry.limit_at:
        return entry.suspended_until, SuspensionOver()
    return entry.limit_at, LimitReached()


def overdue(entry: SessionEntry, *, now: datetime) -> Event | None:
    """The event time has brought about already, if any."""
    next_deadline = deadline(entry)
    if next_deadline is None or now < next_deadline[0]:
        return None
    return next_deadline[1]


def settled(entry: SessionEntry, *, now: datetime) -> SessionEntry:
    """The session after everything time has brought about."""
    event = overdue(entry, now=now)
    return entry if event is None else apply(entry, event, now=now)


def due_at(entry: SessionEntry) -> datetime | None:
    """When somebody has to look at this session again."""
    if is_uncut(entry) and entry.ended_at is not None:
        return entry.ended_at + CUT_AGAIN_AFTER
    next_deadline = deadline(entry)
    return next_deadline[0] if next_deadline else None


def is_uncut(entry: SessionEntry) -> bool:
    """Whether an ended session still has ways in or connections to be cleared away."""
    return entry.state in FINAL and bool(entry.connections or entry.agent_tickets or entry.code_locator)


def is_abandoned(entry: SessionEntry, *, now: datetime) -> bool:
    """Whether it was tried long enough to cut this session's connections."""
    return entry.ended_at is not None and now > entry.ended_at + CUT_UNTIL


def cleared(entry: SessionEntry) -> SessionEntry:
    """The ended session once nothing of it is left to cut."""
    return entry.model_copy(update={"connections": (), "agent_tickets": (), "code_locator": ""})


# --- who may do what ----------------------------------------------------------------------------------


def reaches(actor: Actor, entry: SessionEntry) -> bool:
    """Whether this technician may know of the session at all."""
    return actor.org == entry.org and (actor.sees_all or actor.technician_id == entry.technician_id)


def reachable(actor: Actor, entry: SessionEntry) -> SessionEntry:
    """The session, or NotFound: others' sessions do not exist for this technician."""
    if not reaches(actor, entry):
        raise NotFound
    return entry


def require_active(entry: SessionEntry) -> SessionEntry:
    """The session if the customer is in it, or Ended / WrongState."""
    if entry.state in FINAL:
        raise Ended
    if entry.state is not SessionState.ACTIVE:
        raise WrongState("The customer is not connected.")
    return entry


# --- the chain ---------------------------------------------------------------------------------------


def continued(chain: tuple[ChainLink, ...], link: ChainLink) -> tuple[ChainLink, ...]:
    """The chain of hellos with one more; what lies between two hellos the consent service checks."""
    if not chain:
        fits = link.seq == 0 and link.prev == GENESIS
    elif chain[-1] == link:
        return chain
    else:
        last = chain[-1]
        follows = link.seq == last.seq + 1 and link.prev == last.record_hash
        fits = follows or link.seq > last.seq + 1
    if not fits:
        raise BadSignature("The record does not continue the chain.")
    return (*chain, link)[-MAX_LINKS:]


def link_of(jws: str, hello: Hello) -> ChainLink:
    """The hello and its place in the chain, or TooLarge."""
    if len(jws) > MAX_HELLO:
        raise TooLarge
    return ChainLink(seq=hello.seq, prev=hello.prev, record_hash=signing.hash_of(jws), jws=jws)


# --- making and showing sessions ----------------------------------------------------------------------


def opened(
    actor: Actor, *, sid: str, organisation_name: str, locator: str, now: datetime, limits: Limits
) -> SessionEntry:
    """A new session that waits for its customer."""
    return SessionEntry(
        org=actor.org,
        sid=sid,
        organisation_name=organisation_name,
        technician_id=actor.technician_id,
        technician_name=actor.name,
        state=SessionState.WAITING,
        created_at=now,
        waiting_until=now + min(limits.waiting, limits.total),
        limit_at=now + limits.total,
        code_locator=locator,
    )


def for_device(
    entry: SessionEntry, *, device_id: str, reason: str | None, until: datetime | None
) -> SessionEntry:
    """The session as one that only this enrolled device may join, and that ends with what was allowed."""
    limit_at = min(entry.limit_at, until) if until is not None else entry.limit_at
    marks = {"device_id": device_id, "reason": reason, "limit_at": limit_at}
    return entry.model_copy(update={**marks, "waiting_until": min(entry.waiting_until, limit_at)})


def page(entries: Iterable[SessionEntry], query: SessionListQuery) -> SessionList:
    """The sessions this technician may know of, newest first, from the cursor on."""
    visible = sorted(
        (entry for entry in entries if reaches(query.actor, entry)),
        key=lambda entry: (entry.created_at, entry.sid),
        reverse=True,
    )
    ids = [entry.sid for entry in visible]
    start = ids.index(query.after) + 1 if query.after in ids else 0
    shown = visible[start : start + query.limit]
    more = len(visible) > start + query.limit
    return SessionList(items=tuple(map(view, shown)), next=shown[-1].sid if more else None)


def view(entry: SessionEntry) -> SessionView:
    """The session as technicians see it: no key, no connection, no code."""
    shown = entry.model_dump(include=set(SessionView.model_fields) - {"id"})
    return SessionView(id=entry.sid, **shown)
