"""What a session's own device signed, and an enrolled one: the one place that says when a record is that."""

import base64
import json
from typing import TypeVar

from beistand.protocol import ids, signing
from beistand.protocol.errors import BadSignature, InvalidMessage, WrongState
from beistand.protocol.messages import SessionEntry, SignedUp
from beistand.protocol.records import GENESIS, DeviceRecord, Enrolment, Hello, Vouch

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


def enrolment_of(jws: str, *, device_id: str | None = None) -> Enrolment:
    """The enrolment in `jws`, signed by the very key whose hash is the device's id; otherwise BadSignature.

    Nobody has to be trusted for that: who changes the key changes the id. `device_id`: the one it must be.
    """
    key = _claimed_key(jws)
    enrolment = signing.verify(jws, signing.public_key_of_agent(key), Enrolment)
    if enrolment.sid != ids.device_id(key) or device_id not in {None, enrolment.sid}:
        raise BadSignature("The enrolment is another device's.")
    if (enrolment.seq, enrolment.prev) != (0, GENESIS):
        raise BadSignature("An enrolment begins a chain.")
    return enrolment


def vouch_of(hello: Hello) -> Vouch | None:
    """The word of an enrolled device in a hello, signed by the key whose hash is the device's id.

    None if the hello has none; BadSignature if it is not that, or about another session or key.
    """
    if hello.vouch_jws is None:
        return None
    key = _claimed_key(hello.vouch_jws)
    vouch = signing.verify(hello.vouch_jws, signing.public_key_of_agent(key), Vouch)
    said = (vouch.org, vouch.sid, vouch.device_id, vouch.agent_key)
    if said != (hello.org, hello.sid, ids.device_id(key), hello.agent_key):
        raise BadSignature("The device stands by another key or session.")
    return vouch


def _claimed_key(jws: str) -> str:
    """The key that a record of an enrolled device names, not verified yet."""
    try:
        payload = jws.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        key = claims["device_key"]
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        raise BadSignature from None
    if not isinstance(key, str):
        raise BadSignature
    return key
