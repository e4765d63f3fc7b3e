"""What the store says about a session and its grants, weighed and handed to the gate.

A stored grant counts only once its records have proven it; a stored end counts at once.
"""

import logging
from collections.abc import Iterable

from beistand.protocol import signing
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BadSignature, BeistandError, NoGrant
from beistand.protocol.messages import GrantEntry, Party, RequestState, SessionEntry, SessionState
from beistand.protocol.records import Cause
from services.relay import proof
from services.relay.domain import Life, Reason
from services.relay.proof import Grant
from services.relay.room import Room

log = logging.getLogger(__name__)

_ENDED = (SessionState.ENDED, SessionState.EXPIRED)
_NOT_OVER = (RequestState.ASKED, RequestState.LIVE)


def agent_key_of(session: SessionEntry | None) -> bytes | None:
    """The raw public key of the agent bound to a session, once there is one."""
    if session is None or session.agent_key is None:
        return None
    return signing.public_key_of_agent(session.agent_key)


def session_seen(room: Room, session: SessionEntry) -> None:
    """The session as stored. The first agent key seen stays: another key is another device."""
    known = room.session.agent_key if room.session else None
    if known is not None and session.agent_key != known:
        log.error("the session's agent key has changed", extra={"sid": room.sid})
        return room.apply(room.gate.end(Party.SYSTEM, None, now=room.now))
    room.session = session
    if session.agent_key is not None:
        unread, room.unread = room.unread, []
        for read in unread:
            read()
    if session.state in _ENDED:
        return room.apply(room.gate.end(session.ended_by or Party.SYSTEM, session.cause, now=room.now))
    refusal = proof.session_refusal(session, now=room.wall)
    if refusal is not None:
        reason = Reason(type(refusal), Party.SYSTEM, Cause.AGENT_LOST)
        room.apply(room.gate.stop_all(reason, now=room.now))
    return None


def grant_seen(room: Room, entry: GrantEntry, *, consent_key: bytes) -> None:
    """A request or grant as stored; a live one is looked at only if its technician has a viewer here."""
    if entry.state not in _NOT_OVER:
        reason = Reason(NoGrant, entry.closed_by or Party.SYSTEM, entry.cause)
        return room.apply(room.gate.stop([entry.request_id], reason, now=room.now))
    if room.expected[entry.technician_id]:
        _prove(room, entry, consent_key=consent_key)
    return None


def view_grant(room: Room, technician_id: str, entries: Iterable[GrantEntry], *, consent_key: bytes) -> Grant:
    """The technician's proven view grant, from all entries of the session; or why there is none."""
    refusal = proof.session_refusal(room.session, now=room.wall)
    if refusal is not None:
        raise refusal
    own = [entry for entry in entries if entry.technician_id == technician_id]
    refusals = {entry.capability: _prove(room, entry, consent_key=consent_key) for entry in own}
    grant = room.gate.live(technician_id, Capability.VIEW, now=room.now)
    if grant is None:
        raise refusals.get(Capability.VIEW) or NoGrant()
    return grant


def _prove(room: Room, entry: GrantEntry, *, consent_key: bytes) -> BeistandError | None:
    """Prove a stored grant to the gate; the refusal, if it does not hold."""
    if entry.state is not RequestState.LIVE or room.session is None:
        return None
    if room.gate.life(entry.request_id) is not Life.UNSEEN:
        return None
    try:
        grant = proof.verified(entry, session=room.session, consent_key=consent_key, now=room.wall)
    except BadSignature as forged:
        extra = {"sid": room.sid, "grant": entry.request_id, "why": forged.detail}
        log.error("a stored grant is not the customer's; refused", extra=extra)
        return forged
    except BeistandError as refusal:
        return refusal
    room.apply(room.gate.prove(grant, now=room.now))
    return None
