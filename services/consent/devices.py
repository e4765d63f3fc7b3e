"""The chains of enrolled devices: verified, stored, and told to the session service, which keeps the devices.

Everything can be brought again: the same record gets the same entry, and is told again.
"""

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
from services.consent.standing import Place, Standing


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
    await parts.wire.device_recorded(_news(session, record, decision, jws))
    return Recorded(entry_jws=line.entry_jws)


async def _enrolled(parts: Parts, record: Enrolment, jws: str, entry: GrantEntry) -> LedgerLine:
    """The enrolment's line: an earlier one, or a new one as long as the yes is live."""
    place = Place(record.org, record.sid)
    line = (await parts.ledger.read(place)).line_of(jws)
    if line is not None:
        return line
    if entry.state is not RequestState.LIVE:
        raise BadSignature("The person's yes is over.")
    return await parts.ledger.append(place, record, jws)


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
    page = await parts.ledger.read(place)
    stood = standing.standing_of(page, wanted.device_id)
    signed = standing.record_of(stood, wanted.jws)
    if f"beistand-{wanted.type}+jws" != signed.typ:
        raise BadSignature("The record is of another kind.")
    line = page.line_of(wanted.jws)
    if line is None:
        standing.check_open(stood)
        line = await parts.ledger.append(place, signed, wanted.jws)
    await parts.wire.device_recorded(DeviceRecorded(org=place.org, device_id=place.sid, jws=wanted.jws))
    return Recorded(entry_jws=line.entry_jws)


async def standing_for(
    parts: Parts, session: SessionEntry, decision: Decision, *, now: datetime
) -> Standing | None:
    """What a policy's yes in this session can rest on; None where only a person can allow anything."""
    if session.device_id is None:
        return None
    try:
        page = await parts.ledger.read(Place(session.org, session.device_id))
        stood = standing.standing_of(page, session.device_id)
    except NotFound:
        return None
    refused = standing.refusal(stood, technician_id=decision.technician_id, now=now)
    if refused is not None:
        raise refused
    return stood
