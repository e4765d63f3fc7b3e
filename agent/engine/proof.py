"""Whether what the consent service says is proven: its asks, and its entries for our decisions. Pure."""

from beistand.protocol import signing
from beistand.protocol.errors import BadSignature
from beistand.protocol.records import Ask, Entry


def ask_of(jws: str, consent_key: bytes, *, org: str, sid: str) -> tuple[Ask, str]:
    """The question in `jws` and its hash, or BadSignature if it is not one for this session by this key."""
    ask = signing.verify(jws, consent_key, Ask)
    if (ask.org, ask.sid) != (org, sid):
        raise BadSignature("The question is for another session.")
    return ask, signing.hash_of(jws)


def entry_of(jws: str | None, consent_key: bytes, *, org: str, sid: str, record_jws: str) -> Entry:
    """The entry that proves `record_jws` was recorded in this session, or BadSignature."""
    if jws is None:
        raise BadSignature("The record was not countersigned.")
    entry = signing.verify(jws, consent_key, Entry)
    if (entry.org, entry.sid, entry.record_hash) != (org, sid, signing.hash_of(record_jws)):
        raise BadSignature("The entry is for another record.")
    return entry
