"""What the chain of an enrolled device says: whether its person's standing yes holds, and on what it rests.

Pure: pages, records and `now` are arguments.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from beistand.protocol import signing
from beistand.protocol.capabilities import Capability
from beistand.protocol.device import enrolment_of
from beistand.protocol.errors import BadSignature, BeistandError, NotFound, OutsideTerms, WrongState
from beistand.protocol.records import (
    DecidedBy,
    Decision,
    Enrolment,
    Outcome,
    Standby,
    StandingRecord,
    Withdrawal,
)
from beistand.protocol.terms import Rule
from services.consent.chain import Page

KINDS: dict[str, type[Standby | Withdrawal]] = {kind.typ: kind for kind in (Standby, Withdrawal)}


@dataclass(frozen=True)
class Place:
    """Where a device's chain is kept."""

    org: str
    sid: str
    """The device's id."""


@dataclass(frozen=True)
class Standing:
    """An enrolment, and what became of it."""

    enrolment: Enrolment
    enrolment_hash: str
    is_paused: bool = False
    is_over: bool = False


def standing_of(page: Page, device_id: str) -> Standing:
    """What a device's page says; NotFound if it has never been enrolled."""
    if not page.lines:
        raise NotFound
    first, *later = (line.jws for line in page.lines)
    standing = Standing(enrolment_of(first, device_id=device_id), signing.hash_of(first))
    for jws in later:
        standing = _after(standing, record_of(standing, jws))
    return standing


def record_of(standing: Standing, jws: str) -> Standby | Withdrawal:
    """A later record of the same device; otherwise BadSignature."""
    kind = KINDS.get(signing.type_of(jws))
    if kind is None:
        raise BadSignature("The record is of another kind.")
    enrolment = standing.enrolment
    record = signing.verify(jws, signing.public_key_of_agent(enrolment.device_key), kind)
    if (record.org, record.sid) != (enrolment.org, enrolment.sid):
        raise BadSignature("The record is about another device.")
    return record


def _after(standing: Standing, record: StandingRecord) -> Standing:
    if isinstance(record, Withdrawal):
        return replace(standing, is_over=True)
    if isinstance(record, Standby):
        return replace(standing, is_paused=record.paused)
    raise BadSignature("A device is enrolled once.")


def check_open(standing: Standing) -> None:
    """Pass if another record may follow; after a withdrawal none does."""
    if standing.is_over:
        raise WrongState("Unattended access was withdrawn.")


def refusal(standing: Standing, *, technician_id: str, now: datetime) -> BeistandError | None:
    """Why the standing yes lets this technician do nothing now, or None.

    Days and hours are the device's own to check: it knows its clock and its zone.
    """
    rule = _rule(standing, technician_id=technician_id, now=now)
    return None if rule is None else OutsideTerms(f"{rule}: The person's standing permission does not hold.")


def _rule(standing: Standing, *, technician_id: str, now: datetime) -> Rule | None:
    terms = standing.enrolment.terms
    if standing.is_over:
        return Rule.WITHDRAWN
    if standing.is_paused:
        return Rule.PAUSED
    if now >= terms.until:
        return Rule.EXPIRED
    if terms.technicians and technician_id not in {technician.id for technician in terms.technicians}:
        return Rule.WRONG_TECHNICIAN
    return None


def check_enrolment(enrolment: Enrolment, decision: Decision, decision_jws: str) -> None:
    """Pass if the enrolment is what this yes of the person said; otherwise BadSignature."""
    is_yes = (decision.outcome, decision.decided_by, decision.capability) == (
        Outcome.GRANTED,
        DecidedBy.PERSON,
        Capability.UNATTENDED,
    )
    said = (decision.org, decision.sid, decision.request_id, decision.device_key, decision.terms)
    cited = (
        enrolment.org,
        enrolment.session_id,
        enrolment.request_id,
        enrolment.device_key,
        enrolment.terms,
    )
    if not is_yes or said != cited or enrolment.decision_hash != signing.hash_of(decision_jws):
        raise BadSignature("The enrolment is not what the person allowed.")
