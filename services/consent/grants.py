"""What happens to a request or grant whoever asks: it goes live, it ends, what rests on it ends with it.

Every change is one compare-and-set; every step can be repeated by another replica.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from beistand.protocol import subjects
from beistand.protocol.errors import NotFound, WrongState
from beistand.protocol.messages import (
    GrantEntry,
    NoticeDown,
    Party,
    RequestState,
    SessionEntry,
    SessionState,
)
from beistand.protocol.records import Activity, Cause
from services.consent import domain, questions
from services.consent.adapters import Agenda, Pen, Shelf, Wire, key_of
from services.consent.backlog import Backlog
from services.consent.ledger import Ledger

log = logging.getLogger(__name__)

OVER = frozenset({SessionState.ENDED, SessionState.EXPIRED})


@dataclass(frozen=True)
class Parts:
    """Everything a handler may use."""

    shelf: Shelf
    ledger: Ledger
    backlog: Backlog
    wire: Wire
    pen: Pen
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    limits: domain.Limits
    agenda: Agenda


async def session_over(parts: Parts, org: str, sid: str) -> None:
    """Whoever ended the session: nothing stays open in it."""
    session = await parts.shelf.session(org, sid)
    if session is not None and session.state in OVER:
        await close_all(parts, session, _end_of(session))


async def close_all(parts: Parts, session: SessionEntry, event: domain.SessionEnded) -> None:
    """End everything that is open in a session."""
    for entry in await parts.shelf.requests(session):
        if entry.state in domain.OPEN:
            await close(parts, entry, event)


async def sweep(parts: Parts) -> None:
    """Do what time asks for. Safe with several replicas: every step is a compare-and-set."""
    now = parts.clock()
    for key in parts.agenda.due(now=now):
        stored = await parts.shelf.grants.get(key)
        if stored is None:
            # Written first and then not asked: the watch tells of the writing only.
            parts.agenda.forget(key)
            continue
        next_deadline = domain.deadline(stored.value)
        if next_deadline is None or now < next_deadline[0]:
            continue
        try:
            await close(parts, stored.value, next_deadline[1])
        except WrongState:
            # Another replica was faster, or an answer arrived just now.
            continue


async def answer(parts: Parts, entry: GrantEntry, event: domain.Event) -> None:
    """What a recorded decision does to its request; WrongState if it comes too late to grant anything.

    Told again, what may have been interrupted after the change is done again.
    """
    before, after = await _change(parts, entry, event)
    if before.state is after.state and not domain.is_done(after, event):
        return
    if after.state is RequestState.LIVE:
        await _confirm_ground(parts, after)
    await tell_world(parts, after)


async def _confirm_ground(parts: Parts, entry: GrantEntry) -> None:
    """What a grant rests on may have ended while it was written: who writes last, looks."""
    session = await parts.shelf.session(entry.org, entry.sid)
    if session is None or session.state in OVER:
        await close(parts, entry, _end_of(session))
        raise WrongState("The session ended meanwhile.")
    entries = await parts.shelf.requests(session)
    if not questions.supported(entries, technician_id=entry.technician_id, capability=entry.capability):
        await close(parts, entry, domain.ViewEnded(by=Party.SYSTEM))
        raise WrongState("What this rests on ended meanwhile.")


async def close(parts: Parts, entry: GrantEntry, event: domain.Event) -> GrantEntry:
    """End a request or grant and what rests on it; tell the agent, unless it told us, and the world."""
    before, after = await _change(parts, entry, event)
    if before.state is after.state or after.closed_by is None:
        return after
    if after.closed_by is not Party.CUSTOMER and not isinstance(event, domain.SessionEnded):
        notice = NoticeDown(request_id=after.request_id, state=after.state, by=after.closed_by)
        await parts.wire.tell(after.org, after.sid, subjects.Down.NOTICE, notice)
    await _close_dependents(parts, after, by=after.closed_by)
    await tell_world(parts, after)
    return after


async def check_used(parts: Parts, activity: Activity) -> None:
    """Pass if a summary is about an access that was asked for; otherwise NotFound or BadSignature."""
    entry = await parts.shelf.request(activity.org, activity.sid, activity.request_id)
    if entry is None:
        raise NotFound
    questions.check_activity(activity, entry)


async def used(parts: Parts, activity: Activity) -> None:
    """A recorded summary: kept beside its request, whatever state that is in, and told to the world."""
    key = f"{activity.org}.{activity.sid}.{activity.request_id}"
    try:
        before, after = await parts.shelf.change(key, lambda entry: questions.with_usage(entry, activity))
    except NotFound:
        return
    if before != after:
        await tell_world(parts, after)


async def _change(parts: Parts, entry: GrantEntry, event: domain.Event) -> tuple[GrantEntry, GrantEntry]:
    now = parts.clock()

    def edit(current: GrantEntry) -> GrantEntry:
        return current if domain.is_done(current, event) else domain.apply(current, event, now=now)

    before, after = await parts.shelf.change(key_of(entry), edit)
    parts.agenda.note(after)
    return before, after


async def _close_dependents(parts: Parts, ended: GrantEntry, *, by: Party) -> None:
    session = await parts.shelf.session(ended.org, ended.sid)
    if session is None:
        return
    for entry in questions.resting_on(await parts.shelf.requests(session), ended):
        await close(parts, entry, domain.ViewEnded(by=by))


def _end_of(session: SessionEntry | None) -> domain.SessionEnded:
    if session is None:
        return domain.SessionEnded(by=Party.SYSTEM, cause=Cause.END_SESSION)
    return domain.SessionEnded(by=session.ended_by or Party.SYSTEM, cause=session.cause or Cause.END_SESSION)


async def tell_world(parts: Parts, entry: GrantEntry) -> None:
    """The request's state is new."""
    log.info(
        "request %s", entry.state, extra={"sid": entry.sid, "request": entry.request_id, "cause": entry.cause}
    )
    await parts.wire.announce(entry.org, entry.sid, questions.view(entry))
