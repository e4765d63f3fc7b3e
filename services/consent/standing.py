"""What the chain of an enrolled device says: whether its person's standing yes holds, and on what it rests.

Pure: pages, records and `now` are arguments.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from beistand.protocol import signing
from beistand.protocol.capabilities import Capability
from beistand.protocol.device import enrolment_of
from beistand.protocol.errors import BadSignature, BeistandError, Ended, NotFound, OutsideTerms
from beistand.protocol.messages import DeviceEntry, DeviceState
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

KINDS: MappingProxyType[str, type[Standby | Withdrawal]] = MappingProxyType(
    {kind.typ: kind for kind in (Standby, Withdrawal)}
)


class Word(StrEnum):
    """What a record of the device's chain says."""

    ENROL = "enrol"
    PAUSE = "pause"
    GO_ON = "go_on"
    WITHDRAW = "withdraw"


OVER = frozenset({DeviceState.WITHDRAWN, DeviceState.GIVEN_UP, DeviceState.CLONED})
"""For good: no word but the person's own withdrawal is heard any more."""

TABLE: MappingProxyType[tuple[DeviceState, Word], DeviceState] = MappingProxyType(
    {
        (DeviceState.ENROLLED, Word.PAUSE): DeviceState.PAUSED,
        (DeviceState.ENROLLED, Word.GO_ON): DeviceState.ENROLLED,
        (DeviceState.ENROLLED, Word.WITHDRAW): DeviceState.WITHDRAWN,
        (DeviceState.PAUSED, Word.PAUSE): DeviceState.PAUSED,
        (DeviceState.PAUSED, Word.GO_ON): DeviceState.ENROLLED,
        (DeviceState.PAUSED, Word.WITHDRAW): DeviceState.WITHDRAWN,
        (DeviceState.GIVEN_UP, Word.WITHDRAW): DeviceState.WITHDRAWN,
        (DeviceState.CLONED, Word.WITHDRAW): DeviceState.WITHDRAWN,
    }
)
"""What a new word does to an enrolled device."""

_REFUSED_BY: MappingProxyType[DeviceState, Rule] = MappingProxyType(
    {
        DeviceState.PAUSED: Rule.PAUSED,
        DeviceState.WITHDRAWN: Rule.WITHDRAWN,
        DeviceState.GIVEN_UP: Rule.GIVEN_UP,
        DeviceState.CLONED: Rule.CLONED,
    }
)


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
    state: DeviceState = DeviceState.ENROLLED


def after(state: DeviceState, word: Word) -> DeviceState:
    """What a new word makes of the state; Ended if that is over, BadSignature for a second enrolment."""
    if (state, word) in TABLE:
        return TABLE[state, word]
    if state in OVER:
        raise Ended("Unattended access to this device is over.")
    raise BadSignature("A device is enrolled once.")


def check_again(state: DeviceState, word: Word) -> None:
    """Pass if a stored record may be brought again; Ended if the device is over and this is not why."""
    if state in OVER and word is not Word.WITHDRAW:
        raise Ended("Unattended access to this device is over.")


def standing_of(page: Page, device_id: str, *, entry: DeviceEntry | None) -> Standing:
    """What a device's page says, and what the session service noted; NotFound if there is no enrolment."""
    if not page.lines:
        raise NotFound
    first, *later = (line.jws for line in page.lines)
    standing = Standing(enrolment_of(first, device_id=device_id), signing.hash_of(first))
    for jws in later:
        standing = replace(standing, state=after(standing.state, word_of(record_of(standing, jws))))
    if standing.state not in OVER and entry is not None and entry.state in OVER:
        return replace(standing, state=entry.state)
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


def word_of(record: StandingRecord) -> Word:
    """What a record says."""
    match record:
        case Enrolment():
            return Word.ENROL
        case Standby(paused=paused):
            return Word.PAUSE if paused else Word.GO_ON
        case Withdrawal():
            return Word.WITHDRAW


def refusal(standing: Standing, *, technician_id: str, now: datetime) -> BeistandError | None:
    """Why the standing yes lets this technician do nothing now, or None.

    Days and hours are the device's own to check, and the session service's when it opens the session.
    """
    rule = _rule(standing, technician_id=technician_id, now=now)
    return None if rule is None else OutsideTerms(f"{rule}: The person's standing permission does not hold.")


def _rule(standing: Standing, *, technician_id: str, now: datetime) -> Rule | None:
    terms = standing.enrolment.terms
    if standing.state in _REFUSED_BY:
        return _REFUSED_BY[standing.state]
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
