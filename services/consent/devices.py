"""The chains of enrolled devices: verified, stored, and told to the session service, which keeps devices.

Everything can be brought again: the same record gets the same entry, and where the chain stands is told.
"""

import logging
from datetime import datetime

from beistand.bus.rpc import Request
from beistand.protocol import signing
from beistand.protocol.device import enrolment_of
from beistand.protocol.errors import BadSignature, NotFound
from beistand.protocol.messages import (
    DeviceRecorded,
    GrantEntry,
    LedgerLine,
    Recorded,
    RequestState,
    SessionEntry,
    SignedUp,
    StandingUp,
)
from beistand.protocol.records import Decision, Enrolment
from beistand.protocol.terms import Technician
from services.consent import standing
from services.consent.grants import Parts
from services.consent.standing import Place, Standing, Word

log = logging.getLogger(__name__)


async def enrolment(parts: Parts, request: Request[SignedUp]) -> Recorded:
    """A device stands ready: what the person allowed a moment ago in this session, and nothing else."""
    jws = request.message.jws
    record = enrolment_of(jws)
    if request.message.type != "enrolment" or (record.org, record.session_id) != (request.org, request.sid):
        raise BadSignature("The enrolment is of another session.")
    session = await parts.shelf.session(request.org, request.sid)
    entry = await parts.shelf.request(request.org, request.sid, record.request_id)
    if session is None or session.agent_key is None or entry is None or entry.decision_jws is None:
        raise BadSignature("The enrolment rests on no answer of this session.")
    decision = signing.verify(entry.decision_jws, signing.public_key_of_agent(session.agent_key), Decision)
    standing.check_enrolment(record, decision, entry.decision_jws)
    line = await _enrolled(parts, record, jws, entry)
    await _tell_standing(parts, Place(record.org, record.sid), _news(session, record, decision, jws))
    return Recorded(entry_jws=line.entry_jws)


async def _enrolled(parts: Parts, record: Enrolment, jws: str, entry: GrantEntry) -> LedgerLine:
    """The enrolment's line: an earlier one unless it is over, or a new one as long as the yes is live."""
    place = Place(record.org, record.sid)
    page = await parts.ledger.read(place)
    line = page.line_of(jws)
    if line is not None:
        standing.check_again((await _standing(parts, place)).state, Word.ENROL)
        return line
    if entry.state is not RequestState.LIVE:
        raise BadSignature("The person's yes is over.")
    line = await parts.ledger.append(place, record, jws)
    log.info("device enrolled", extra={"sid": entry.sid, "device": place.sid})
    return line


def _news(session: SessionEntry, record: Enrolment, decision: Decision, jws: str) -> DeviceRecorded:
    return DeviceRecorded(
        org=record.org,
        device_id=record.sid,
        jws=jws,
        organisation_name=session.organisation_name,
        enrolled_by=Technician(id=decision.technician_id, name=decision.technician_name),
    )


async def record(parts: Parts, request: Request[StandingUp]) -> Recorded:
    """A pause, its end, or the withdrawal. Its signature is all that counts, whoever brings it."""
    wanted = request.message
    if request.sid and (request.org, request.sid) != (wanted.org, wanted.device_id):
        raise BadSignature("The record is about another device.")
    place = Place(wanted.org, wanted.device_id)
    stood = await _standing(parts, place)
    signed = standing.record_of(stood, wanted.jws)
    if f"beistand-{wanted.type}+jws" != signed.typ:
        raise BadSignature("The record is of another kind.")
    word = standing.word_of(signed)
    line = (await parts.ledger.read(place)).line_of(wanted.jws)
    if line is None:
        standing.after(stood.state, word)
        line = await parts.ledger.append(place, signed, wanted.jws)
        log.info("device record stored", extra={"device": place.sid, "word": word.value})
    else:
        standing.check_again(stood.state, word)
    news = DeviceRecorded(org=place.org, device_id=place.sid, jws=wanted.jws)
    await _tell_standing(parts, place, news)
    return Recorded(entry_jws=line.entry_jws)


async def _tell_standing(parts: Parts, place: Place, news: DeviceRecorded) -> None:
    """Tell the session service of the chain's last record: an earlier one brought again undoes nothing."""
    last = (await parts.ledger.read(place)).lines[-1].jws
    if last != news.jws:
        news = DeviceRecorded(org=place.org, device_id=place.sid, jws=last)
    await parts.wire.device_recorded(news)


async def standing_for(
    parts: Parts, session: SessionEntry, decision: Decision, *, now: datetime
) -> Standing | None:
    """What a policy's yes in this session can rest on; None where only a person can allow anything."""
    if session.device_id is None:
        return None
    try:
        stood = await _standing(parts, Place(session.org, session.device_id))
    except NotFound:
        return None
    refused = standing.refusal(stood, technician_id=decision.technician_id, now=now)
    if refused is not None:
        raise refused
    return stood


async def _standing(parts: Parts, place: Place) -> Standing:
    entry = await parts.shelf.device(place.org, place.sid)
    return standing.standing_of(await parts.ledger.read(place), place.sid, entry=entry)
