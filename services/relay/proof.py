"""Whether a stored grant is really the customer's: every signature and every binding, checked here again.

Pure. Trusts two keys and nothing else: the agent's, bound to the session at join, and the consent service's.
A forged, widened, replayed or borrowed grant ends here, whoever wrote it into the store.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from beistand.protocol import records, signing
from beistand.protocol.capabilities import BY_POLICY, Capability
from beistand.protocol.errors import BadSignature, BeistandError, Ended, NoGrant, Unavailable
from beistand.protocol.messages import GrantEntry, RequestState, SessionEntry, SessionState
from beistand.protocol.records import Ask, DecidedBy, Decision, Entry, Outcome

CLOCK_SKEW = timedelta(seconds=30)
"""How far the clocks of two services may be apart."""

CARRIED = frozenset({Capability.VIEW, Capability.CONTROL})
"""What pictures or input flow under; a yes to unattended access opens neither."""

_NOT_ACTIVE: dict[SessionState, type[BeistandError]] = {
    SessionState.WAITING: NoGrant,
    SessionState.SUSPENDED: Unavailable,
    SessionState.ENDED: Ended,
    SessionState.EXPIRED: Ended,
}


@dataclass(frozen=True)
class Grant:
    """A grant that was proven: whose it is, what for, and how long it still lasts."""

    id: str
    technician_id: str
    capability: Capability
    expires_at: datetime
    remaining_s: float
    """Seconds left when it was proven; from then on only a monotonic clock counts."""


def session_refusal(session: SessionEntry | None, *, now: datetime) -> BeistandError | None:
    """Why nothing may flow in this session, or None if it is going on."""
    if session is None or session.limit_at <= now:
        return Ended()
    if session.state is SessionState.ACTIVE:
        return None
    return _NOT_ACTIVE[session.state]()


def verified(entry: GrantEntry, *, session: SessionEntry, consent_key: bytes, now: datetime) -> Grant:
    """The grant that `entry` proves, or why it proves none.

    `consent_key` is the raw Ed25519 public key of the consent service. Raises NoGrant (not live, expired) or
    BadSignature (forged, altered, of another session, request, technician or capability).
    """
    if entry.state is not RequestState.LIVE or session.agent_key is None:
        raise NoGrant
    if entry.decision_jws is None or entry.entry_jws is None:
        raise BadSignature("A grant without its records.")
    agent_key = signing.public_key_of_agent(session.agent_key)
    decision = signing.verify(entry.decision_jws, agent_key, Decision)
    receipt = signing.verify(entry.entry_jws, consent_key, Entry)
    ask = signing.verify(entry.ask_jws, consent_key, Ask)
    _check_answer(decision, ask, ask_jws=entry.ask_jws)
    _check_decider(decision, session)
    _check_place(entry, session, decision, receipt)
    return _grant(decision, _expiry(decision, receipt, session, now=now), now=now)


def _check_answer(decision: Decision, ask: Ask, *, ask_jws: str) -> None:
    """The decision is a yes to exactly this question, and to what a relay carries at all."""
    holds = (
        decision.outcome is Outcome.GRANTED
        and decision.capability in CARRIED
        and decision.ask_hash == signing.hash_of(ask_jws)
        and records.repeats(decision, ask)
    )
    if not holds:
        raise BadSignature("The decision is not an answer to this question.")


def _check_decider(decision: Decision, session: SessionEntry) -> None:
    """A person said yes; or, in an unattended session only, the device by the standing yes it names."""
    is_policy = decision.decided_by is DecidedBy.POLICY
    names_standing = decision.enrolment_hash is not None
    if is_policy and names_standing and session.device_id is not None and decision.capability in BY_POLICY:
        return
    if decision.decided_by is not DecidedBy.PERSON or names_standing:
        raise BadSignature("Nobody who may has allowed this.")


def _check_place(entry: GrantEntry, session: SessionEntry, decision: Decision, receipt: Entry) -> None:
    """Stored entry, session and countersignature all speak of this decision."""
    holds = (
        (entry.org, entry.sid) == (session.org, session.sid) == (decision.org, decision.sid)
        and (receipt.org, receipt.sid) == (session.org, session.sid)
        and receipt.record_hash == signing.hash_of(entry.decision_jws or "")
        and entry.request_id == decision.request_id
        and entry.technician_id == decision.technician_id
        and entry.capability is decision.capability
    )
    if not holds:
        raise BadSignature("The grant is not the one that was decided.")


def _expiry(decision: Decision, receipt: Entry, session: SessionEntry, *, now: datetime) -> datetime:
    """The earliest end anybody set: never later than what the customer signed, by the server's clock."""
    signed_end = records.expiry(receipt.recorded_at, decision.duration_s)
    if receipt.expires_at is None or receipt.expires_at > signed_end:
        raise BadSignature("The grant lasts longer than was decided.")
    if receipt.recorded_at > now + CLOCK_SKEW:
        raise BadSignature("The grant was recorded in the future.")
    return min(receipt.expires_at, session.limit_at)


def _grant(decision: Decision, expires_at: datetime, *, now: datetime) -> Grant:
    remaining_s = (expires_at - now).total_seconds()
    if remaining_s <= 0:
        raise NoGrant("The grant has expired.")
    return Grant(decision.request_id, decision.technician_id, decision.capability, expires_at, remaining_s)
