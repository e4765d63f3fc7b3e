"""What may be asked, when, by whom; and which decision is an answer to which question.

Pure: `now`, identifiers and nonces are arguments.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from beistand.protocol import signing
from beistand.protocol.capabilities import BY_POLICY, OFFERED, REQUIRES, Capability
from beistand.protocol.errors import (
    AlreadyAsked,
    AskingBlocked,
    BadSignature,
    Ended,
    InvalidMessage,
    NotFound,
    RateLimited,
    WrongState,
)
from beistand.protocol.messages import (
    Actor,
    GrantEntry,
    Party,
    RequestState,
    RequestView,
    SessionEntry,
    SessionState,
    Usage,
)
from beistand.protocol.records import Activity, Ask, Cause, DecidedBy, Decision, Outcome, repeats
from beistand.protocol.terms import MAX_TERM, Technician, Terms, is_too_long
from services.consent.domain import OPEN, Denied, Granted, Limits, TimedOut
from services.consent.standing import Standing

MAX_OPEN = 2
MAX_NAMED = 20
MAX_RECENT = 10
RECENT = timedelta(minutes=1)
CUSTOMERS_CAUSES = frozenset({Cause.STOP_SHARING, Cause.STOP_CONTROL, Cause.END_SESSION, Cause.AGENT_CLOSED})


def reachable(actor: Actor, session: SessionEntry | None) -> SessionEntry:
    """The session, or NotFound: others' sessions do not exist for this technician."""
    if session is None or actor.org != session.org:
        raise NotFound
    if not actor.sees_all and actor.technician_id != session.technician_id:
        raise NotFound
    return session


def require_active(session: SessionEntry) -> SessionEntry:
    """The session if the customer is in it, or Ended / WrongState."""
    if session.state in {SessionState.ENDED, SessionState.EXPIRED}:
        raise Ended
    if session.state is not SessionState.ACTIVE:
        raise WrongState("The customer is not connected.")
    return session


def terms_of(
    session: SessionEntry, actor: Actor, *, capability: Capability, terms: Terms | None, now: datetime
) -> Terms | None:
    """The terms to ask for, whoever asks among those they are for; None for what has none."""
    if capability is not Capability.UNATTENDED:
        if terms is not None:
            raise InvalidMessage("Only unattended access has terms.")
        return None
    if session.device_id is not None:
        raise WrongState("Unattended access is asked of a person who is there.")
    if terms is None:
        raise InvalidMessage("Unattended access needs its terms.")
    if is_too_long(terms, asked_at=now):
        raise InvalidMessage(f"Unattended access ends within {MAX_TERM.days} days, and not before it begins.")
    return _with(terms, Technician(id=actor.technician_id, name=actor.name))


def _with(terms: Terms, asking: Technician) -> Terms:
    """Nobody named stays everybody; otherwise the asking technician is one of them."""
    if not terms.technicians:
        return terms
    others = [technician for technician in terms.technicians if technician.id != asking.id]
    if len({technician.id for technician in others}) != len(others):
        raise InvalidMessage("A technician is named once.")
    if len(others) >= MAX_NAMED:
        raise InvalidMessage("Too many technicians are named.")
    return terms.model_copy(update={"technicians": (asking, *others)})


def check_ask(
    entries: Sequence[GrantEntry],
    *,
    technician_id: str,
    capability: Capability,
    now: datetime,
    limits: Limits,
) -> None:
    """Pass if this may be asked now; otherwise raise why not. `entries`: everything asked in the session."""
    if capability not in OFFERED:
        raise InvalidMessage("This cannot be asked for.")
    same = [entry for entry in entries if entry.capability is capability]
    _check_willing(same, now=now, limits=limits)
    if any(entry.technician_id == technician_id and entry.state in OPEN for entry in same):
        raise AlreadyAsked
    if sum(entry.state is RequestState.ASKED for entry in entries) >= MAX_OPEN:
        raise RateLimited("Two questions are open already; wait for the answers.")
    if sum(entry.asked_at > now - RECENT for entry in entries) >= MAX_RECENT:
        raise RateLimited("Too many questions in a short time; wait a minute.")
    if not supported(entries, technician_id=technician_id, capability=capability):
        raise WrongState(f"This needs {REQUIRES[capability]} first.")


def _check_willing(same: Iterable[GrantEntry], *, now: datetime, limits: Limits) -> None:
    for entry in same:
        if entry.blocked:
            raise AskingBlocked("The customer wants no more such questions in this session.")
        if entry.state not in {RequestState.DENIED, RequestState.TIMED_OUT} or entry.closed_at is None:
            continue
        left = (entry.closed_at + limits.pause - now).total_seconds()
        if left > 0:
            raise AskingBlocked(f"The answer was no. Wait {math.ceil(left)} seconds before asking again.")


def supported(entries: Iterable[GrantEntry], *, technician_id: str, capability: Capability) -> bool:
    """Whether what this capability rests on is live for the same technician."""
    needed = REQUIRES.get(capability)
    return needed is None or any(
        entry.capability is needed
        and entry.technician_id == technician_id
        and entry.state is RequestState.LIVE
        for entry in entries
    )


def resting_on(entries: Iterable[GrantEntry], ended: GrantEntry) -> list[GrantEntry]:
    """What is open and cannot go on now that `ended` is over."""
    return [
        entry
        for entry in entries
        if REQUIRES.get(entry.capability) is ended.capability
        and entry.technician_id == ended.technician_id
        and entry.state in OPEN
    ]


def question(
    session: SessionEntry,
    actor: Actor,
    *,
    request_id: str,
    nonce: str,
    capability: Capability,
    reason: str,
    now: datetime,
    limits: Limits,
    terms: Terms | None = None,
) -> Ask:
    """The question to sign and put to the customer."""
    return Ask(
        org=session.org,
        sid=session.sid,
        request_id=request_id,
        technician_id=actor.technician_id,
        technician_name=actor.name,
        organisation_name=session.organisation_name,
        capability=capability,
        reason=reason,
        nonce=nonce,
        asked_at=now,
        answer_within_s=limits.answer_s,
        duration_s=limits.duration_s,
        terms=terms,
    )


def asked(ask: Ask, ask_jws: str) -> GrantEntry:
    """The stored side of a question."""
    shared = ask.model_dump(
        include={
            "org",
            "sid",
            "request_id",
            "technician_id",
            "technician_name",
            "capability",
            "reason",
            "asked_at",
        }
    )
    answer_until = ask.asked_at + timedelta(seconds=ask.answer_within_s)
    return GrantEntry(**shared, state=RequestState.ASKED, answer_until=answer_until, ask_jws=ask_jws)


def view(entry: GrantEntry) -> RequestView:
    """The request as technicians see it: no records."""
    shown = entry.model_dump(include=set(RequestView.model_fields) - {"id", "session_id"})
    return RequestView(id=entry.request_id, session_id=entry.sid, **shown)


# --- answers ------------------------------------------------------------------------------------------


def check_answer(decision: Decision, ask: Ask, ask_jws: str, *, standing: Standing | None = None) -> None:
    """Pass if the decision answers exactly this question, and whoever decided may; otherwise BadSignature.

    `standing`: in an unattended session, the standing yes of its device.
    """
    if not repeats(decision, ask) or decision.ask_hash != signing.hash_of(ask_jws):
        raise BadSignature("The answer is not one to this question as it was asked.")
    is_yes = decision.outcome is Outcome.GRANTED
    names_key = decision.device_key is not None
    if names_key is not (is_yes and decision.capability is Capability.UNATTENDED):
        raise BadSignature("A yes to unattended access names the device's key, and nothing else does.")
    if decision.enrolment_hash is not None and decision.decided_by is not DecidedBy.POLICY:
        raise BadSignature("Only a policy rests on a standing yes.")
    if is_yes and decision.decided_by is DecidedBy.POLICY:
        _check_policy(decision, standing)
    elif is_yes and decision.decided_by is not DecidedBy.PERSON:
        raise BadSignature("Only a person can allow this.")
    if decision.block and decision.outcome is not Outcome.DENIED:
        raise BadSignature("Only a no can be for the rest of the session.")


def _check_policy(decision: Decision, standing: Standing | None) -> None:
    if standing is None or decision.capability not in BY_POLICY:
        raise BadSignature("Only a person can allow this.")
    if decision.enrolment_hash != standing.enrolment_hash:
        raise BadSignature("This rests on no standing yes of this device.")


def answered(
    decision: Decision, *, decision_jws: str, entry_jws: str, expires_at: datetime | None
) -> Granted | Denied | TimedOut:
    """What the decision does to its request; `expires_at` is that of its entry."""
    if expires_at is not None:
        return Granted(decision_jws, entry_jws, expires_at)
    if decision.outcome is Outcome.DENIED:
        return Denied(decision_jws, entry_jws, block=decision.block)
    return TimedOut(decision_jws, entry_jws)


def lasts_s(
    decision: Decision, session: SessionEntry, *, standing: Standing | None = None, now: datetime
) -> int | None:
    """How long what this decision grants lasts; None if it grants nothing, or nothing any more.

    What rests on a standing yes never outlasts it.
    """
    if decision.outcome is not Outcome.GRANTED or session.state is not SessionState.ACTIVE:
        return None
    if standing is None:
        return decision.duration_s
    left_s = math.ceil((standing.enrolment.terms.until - now).total_seconds())
    return min(decision.duration_s, max(1, left_s))


def check_activity(activity: Activity, entry: GrantEntry) -> None:
    """Pass if the summary is about this request's access, and counts what it can; otherwise BadSignature."""
    if (activity.technician_id, activity.capability) != (entry.technician_id, entry.capability):
        raise BadSignature("The summary is about another access.")
    if (activity.input is not None) is not (activity.capability is Capability.CONTROL):
        raise BadSignature("Input is counted for control, and only for it.")


def with_usage(entry: GrantEntry, activity: Activity) -> GrantEntry:
    """The request with what it was used for; the first word on that stands."""
    if entry.usage is not None:
        return entry
    used = activity.model_dump(include=set(Usage.model_fields))
    return entry.model_copy(update={"usage": Usage.model_validate(used)})


def who_stopped(cause: Cause) -> Party:
    """Whether a revocation was a person's wish or the device's own."""
    return Party.CUSTOMER if cause in CUSTOMERS_CAUSES else Party.SYSTEM
