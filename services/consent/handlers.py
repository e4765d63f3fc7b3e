"""One function per message: load, verify, one step of the domain, store by compare-and-set, tell.

The two tables at the end are all that the consent service answers. A grant waits for the ledger; a stop takes
effect first and is recorded after.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from pydantic import BaseModel

from beistand.bus.rpc import Endpoint, Request
from beistand.bus.store import Conflict
from beistand.protocol import subjects
from beistand.protocol.device import record_of
from beistand.protocol.errors import (
    AlreadyAsked,
    BeistandError,
    NotFound,
    WrongState,
)
from beistand.protocol.messages import (
    AskConsent,
    AskDown,
    GrantEntry,
    Party,
    PauseView,
    Receipt,
    ReceiptWanted,
    Recorded,
    RequestList,
    RequestView,
    SessionEntry,
    SessionQuery,
    SignedUp,
    StandingUp,
    WithdrawRequest,
)
from beistand.protocol.records import (
    Activity,
    Ask,
    DecidedBy,
    Decision,
    DeviceRecord,
    End,
    Entry,
    Outcome,
    Pause,
    Revocation,
)
from services.consent import devices, domain, grants, questions, receipts
from services.consent.adapters import key_of
from services.consent.grants import Parts
from services.consent.standing import Standing

# --- technicians (through the gateway) ----------------------------------------------------------------


async def ask(parts: Parts, request: Request[AskConsent]) -> RequestView:
    """Put a question to the customer."""
    wanted, now = request.message, parts.clock()
    session = await parts.shelf.session(wanted.actor.org, wanted.session_id)
    session = questions.require_active(questions.reachable(wanted.actor, session))
    terms = questions.terms_of(
        session, wanted.actor, capability=wanted.capability, terms=wanted.terms, now=now
    )
    check = partial(
        questions.check_ask,
        technician_id=wanted.actor.technician_id,
        capability=wanted.capability,
        now=now,
        limits=parts.limits,
    )
    check(await parts.shelf.requests(session))
    question = questions.question(
        session,
        wanted.actor,
        request_id=parts.new_id(),
        nonce=parts.new_id(),
        capability=wanted.capability,
        reason=wanted.reason,
        now=now,
        limits=parts.limits,
        terms=terms,
    )
    entry = questions.asked(question, parts.pen.sign(question))
    revision = await _write_first(parts, entry, check)
    try:
        await parts.ledger.append(session, question, entry.ask_jws)
    except BeistandError:
        # What is not in the ledger was never asked.
        await _drop(parts, entry, revision)
        raise
    await parts.wire.tell(entry.org, entry.sid, subjects.Down.ASK, AskDown(jws=entry.ask_jws))
    await grants.tell_world(parts, entry)
    return questions.view(entry)


async def withdraw(parts: Parts, request: Request[WithdrawRequest]) -> RequestView:
    """A technician takes a question back or hands access back."""
    wanted = request.message
    session = await parts.shelf.session(wanted.actor.org, wanted.session_id)
    session = questions.reachable(wanted.actor, session)
    entry = await parts.shelf.request(session.org, session.sid, wanted.request_id)
    if entry is None:
        raise NotFound
    return questions.view(await grants.close(parts, entry, domain.TakenBack()))


async def list_requests(parts: Parts, request: Request[SessionQuery]) -> RequestList:
    """Everything asked in a session, oldest first."""
    query = request.message
    session = await parts.shelf.session(query.actor.org, query.session_id)
    entries = await parts.shelf.requests(questions.reachable(query.actor, session))
    return RequestList(items=tuple(questions.view(entry) for entry in entries))


# --- the customer's device ----------------------------------------------------------------------------


async def decision(parts: Parts, request: Request[SignedUp]) -> Recorded:
    """An answer: recorded first, whatever it does; then, and only then, perhaps a grant."""
    session = await _session(parts, request)
    jws = request.message.jws
    record = record_of(session, request.message, Decision)
    entry = await parts.shelf.request(session.org, session.sid, record.request_id)
    if entry is None:
        raise NotFound
    question = parts.pen.read(entry.ask_jws, Ask)
    standing = await _standing(parts, session, record)
    questions.check_answer(record, question, entry.ask_jws, standing=standing)
    lasts_s = questions.lasts_s(record, session, standing=standing, now=parts.clock())
    line = await parts.ledger.append(session, record, jws, lasts_s=lasts_s)
    questions.require_active(session)
    until = parts.pen.read(line.entry_jws, Entry).expires_at
    if until is None and record.outcome is Outcome.GRANTED:
        raise WrongState("This answer came while the customer was not connected.")
    event = questions.answered(record, decision_jws=jws, entry_jws=line.entry_jws, expires_at=until)
    await grants.answer(parts, entry, event)
    return Recorded(entry_jws=line.entry_jws)


async def revoked(parts: Parts, request: Request[SignedUp]) -> Recorded:
    """The device ended grants: they are over now, recorded after. Sent again it is harmless."""
    session = await _session(parts, request)
    record = record_of(session, request.message, Revocation)
    event = domain.Revoked(by=questions.who_stopped(record.cause), cause=record.cause)
    for request_id in record.grant_ids:
        entry = await parts.shelf.request(session.org, session.sid, request_id)
        if entry is not None:
            await grants.close(parts, entry, event)
    return await _acknowledge(parts, session, record, request.message.jws)


async def pause(parts: Parts, request: Request[SignedUp]) -> Recorded:
    """The device holds picture and input, or goes on."""
    session = await _session(parts, request)
    record = record_of(session, request.message, Pause)
    await parts.wire.announce(
        session.org, session.sid, PauseView(session_id=session.sid, paused=record.paused)
    )
    return await _acknowledge(parts, session, record, request.message.jws)


async def heard_end(parts: Parts, request: Request[SignedUp]) -> None:
    """The customer ended the session. The session service answers; here every grant ends at once."""
    session = await _session(parts, request)
    record = record_of(session, request.message, End)
    await grants.close_all(parts, session, domain.SessionEnded(by=Party.CUSTOMER, cause=record.cause))
    await _acknowledge(parts, session, record, request.message.jws)


async def activity(parts: Parts, request: Request[SignedUp]) -> Recorded:
    """What a grant was used for: recorded first, so that only what is proven is shown."""
    session = await _session(parts, request)
    record = record_of(session, request.message, Activity)
    await grants.check_used(parts, record)
    answer = await _acknowledge(parts, session, record, request.message.jws)
    await grants.used(parts, record)
    return answer


async def receipt(parts: Parts, request: Request[SessionQuery]) -> Receipt:
    """The proof of a session that is over, for technicians."""
    query = request.message
    session = await parts.shelf.session(query.actor.org, query.session_id)
    return await receipts.receipt_of(parts, questions.reachable(query.actor, session))


async def hand_over(parts: Parts, request: Request[ReceiptWanted]) -> Receipt:
    """The same for the customer's device, which brings what it holds no entry for."""
    return await receipts.hand_over(parts, request.message)


# --- steps shared by the handlers ---------------------------------------------------------------------


async def _session(parts: Parts, request: Request[Any]) -> SessionEntry:
    session = await parts.shelf.session(request.org, request.sid)
    if session is None:
        raise NotFound
    return session


async def _standing(parts: Parts, session: SessionEntry, decision: Decision) -> Standing | None:
    """What a yes by policy rests on; nobody else needs it."""
    if (decision.outcome, decision.decided_by) != (Outcome.GRANTED, DecidedBy.POLICY):
        return None
    return await devices.standing_for(parts, session, decision, now=parts.clock())


async def _write_first(parts: Parts, entry: GrantEntry, check: Callable[[list[GrantEntry]], None]) -> int:
    """Store a question; of several asked at the same moment only the first to be stored stays."""
    revision = await parts.shelf.grants.create(key_of(entry), entry)
    earlier = await parts.shelf.stored_before(entry, revision)
    try:
        check(earlier)
    except BeistandError:
        await _drop(parts, entry, revision)
        raise
    return revision


async def _drop(parts: Parts, entry: GrantEntry, revision: int) -> None:
    try:
        await parts.shelf.grants.delete(key_of(entry), revision=revision)
    except Conflict:
        raise AlreadyAsked from None


async def _acknowledge(parts: Parts, session: SessionEntry, record: DeviceRecord, jws: str) -> Recorded:
    """Record what has taken effect already; BadSignature if records before it are missing."""
    line = await parts.backlog.record(session, record, jws)
    return Recorded(entry_jws=line.entry_jws)


# --- everything this service answers ------------------------------------------------------------------

Handler = Callable[[Parts, Request[Any]], Awaitable[BaseModel]]

SERVICE: dict[subjects.Service, tuple[type[Any], Handler]] = {
    subjects.Service.CONSENT_ASK: (AskConsent, ask),
    subjects.Service.CONSENT_WITHDRAW: (WithdrawRequest, withdraw),
    subjects.Service.CONSENT_LIST: (SessionQuery, list_requests),
    subjects.Service.CONSENT_RECEIPT: (SessionQuery, receipt),
    subjects.Service.CONSENT_HAND_OVER: (ReceiptWanted, hand_over),
    subjects.Service.CONSENT_DEVICE_RECORD: (StandingUp, devices.record),
}
UP: dict[subjects.Up, tuple[type[Any], Handler]] = {
    subjects.Up.DECISION: (SignedUp, decision),
    subjects.Up.REVOKED: (SignedUp, revoked),
    subjects.Up.PAUSE: (SignedUp, pause),
    subjects.Up.ACTIVITY: (SignedUp, activity),
    subjects.Up.ENROLMENT: (SignedUp, devices.enrolment),
}


def endpoints(parts: Parts) -> list[Endpoint[Any]]:
    """The two tables, bound to what the handlers use."""
    services = [
        Endpoint(verb.value.split(".")[1], subjects.service(verb), message, partial(handler, parts))
        for verb, (message, handler) in SERVICE.items()
    ]
    ups = [
        Endpoint(f"up-{verb.value}", subjects.up_everywhere(verb), message, partial(handler, parts))
        for verb, (message, handler) in UP.items()
    ]
    everywhere = subjects.device_up_everywhere(subjects.DeviceUp.RECORD)
    standing = Endpoint("device-up-record", everywhere, StandingUp, partial(devices.record, parts))
    return [*services, *ups, standing, *_posted(parts)]


def _posted(parts: Parts) -> list[Endpoint[Any]]:
    """The same handlers for what came by HTTPS; the session service answers an end."""
    verbs = [verb for verb in subjects.POSTED if verb in UP]
    return [
        Endpoint(
            f"posted-{verb.value}", subjects.posted_everywhere(verb), UP[verb][0], partial(UP[verb][1], parts)
        )
        for verb in verbs
    ]
