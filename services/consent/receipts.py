"""The receipt of a session that is over: what the ledger holds, closed with the service's signature."""

import base64
from datetime import datetime

from beistand.protocol import signing
from beistand.protocol.errors import BadSignature, NotFound, WrongState
from beistand.protocol.messages import Receipt, ReceiptWanted, SessionEntry
from beistand.protocol.records import (
    GENESIS,
    Activity,
    Closing,
    Decision,
    DeviceRecord,
    End,
    Hello,
    Pause,
    ReceiptRequest,
    Revocation,
)
from services.consent import grants
from services.consent.chain import Page
from services.consent.grants import OVER, Parts

KINDS: dict[str, type[DeviceRecord]] = {
    kind.typ: kind for kind in (Hello, Decision, Revocation, Pause, End, Activity)
}


async def receipt_of(parts: Parts, session: SessionEntry) -> Receipt:
    """The receipt; WrongState while the session goes on, or if nobody ever joined it."""
    agent_key, over_since = session.agent_key, _over_since(session)
    if agent_key is None:
        raise WrongState("Nobody has joined this session.")
    page = await parts.ledger.read(session)
    return Receipt(
        org=session.org,
        sid=session.sid,
        organisation_name=session.organisation_name,
        technician_name=session.technician_name,
        agent_key=agent_key,
        consent_key=base64.urlsafe_b64encode(parts.pen.public_key).rstrip(b"=").decode(),
        created_at=parts.clock(),
        records=page.lines,
        closing_jws=parts.pen.sign(_closing(session, page, closed_at=over_since)),
    )


def _over_since(session: SessionEntry) -> datetime:
    if session.state not in OVER or session.ended_at is None:
        raise WrongState("The session is not over.")
    return session.ended_at


def _closing(session: SessionEntry, page: Page, *, closed_at: datetime) -> Closing:
    """The same for the same page, whenever and by whichever replica it is made."""
    last = signing.hash_of(page.lines[-1].entry_jws) if page.lines else GENESIS
    return Closing(
        org=session.org,
        sid=session.sid,
        count=len(page.lines),
        last_entry_hash=last,
        chain_head=page.head,
        closed_at=closed_at,
    )


async def hand_over(parts: Parts, wanted: ReceiptWanted) -> Receipt:
    """The receipt for the device that signed the session; what it still holds is stored first."""
    session = await parts.shelf.session(wanted.org, wanted.session_id)
    if session is None or session.agent_key is None:
        raise NotFound
    key = signing.public_key_of_agent(session.agent_key)
    _check_about(session, signing.verify(wanted.jws, key, ReceiptRequest))
    _over_since(session)
    for jws in wanted.records:
        record = signing.verify(jws, key, _kind_of(jws))
        _check_about(session, record)
        await _take_in(parts, session, record, jws)
    return await receipt_of(parts, session)


async def _take_in(parts: Parts, session: SessionEntry, record: DeviceRecord, jws: str) -> None:
    if isinstance(record, Activity):
        await grants.check_used(parts, record)
    await parts.ledger.append(session, record, jws)
    if isinstance(record, Activity):
        await grants.used(parts, record)


def _check_about(session: SessionEntry, record: ReceiptRequest | DeviceRecord) -> None:
    if (record.org, record.sid) != (session.org, session.sid):
        raise BadSignature("The record is about another session.")


def _kind_of(jws: str) -> type[DeviceRecord]:
    kind = KINDS.get(signing.type_of(jws))
    if kind is None:
        raise BadSignature("The record is of another kind.")
    return kind
