"""What a session's own device signed: the one place that says when a record is that."""

from typing import TypeVar

from beistand.protocol import signing
from beistand.protocol.errors import BadSignature, InvalidMessage, WrongState
from beistand.protocol.messages import SessionEntry, SignedUp
from beistand.protocol.records import DeviceRecord

R = TypeVar("R", bound=DeviceRecord)


def record_of(session: SessionEntry, message: SignedUp, kind: type[R]) -> R:
    """The record in `message`, signed by the key that joined this session, about this session.

    InvalidMessage if it is announced as another kind, WrongState before anybody joined, else BadSignature.
    """
    if f"beistand-{message.type}+jws" != kind.typ:
        raise InvalidMessage
    if session.agent_key is None:
        raise WrongState("Nobody has joined this session.")
    record = signing.verify(message.jws, signing.public_key_of_agent(session.agent_key), kind)
    if (record.org, record.sid) != (session.org, session.sid):
        raise BadSignature("The record is about another session.")
    return record
