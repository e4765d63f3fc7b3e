"""The nine-digit join code: four digits find it, five prove it, and every way of failing looks the same.

Pure; the secret digits and `now` are arguments. What is stored holds the secret only as a salted hash, which
protects a glance at the bucket and no more: the code's protection is five tries and ten minutes.
"""

import hashlib
import hmac
from datetime import datetime

from pydantic import AwareDatetime

from beistand.protocol.errors import CodeRefused
from beistand.protocol.ids import Id, OrgId
from beistand.protocol.messages import Message, SessionEntry, SessionState

TRIES = 5
JOINS = 8
LOCATOR_DIGITS, SECRET_DIGITS = 4, 5


class CodeEntry(Message):
    """KV `codes`, key the locator: which session a code leads to, and what may still be tried."""

    org: OrgId
    sid: Id
    digest: str
    tries_left: int
    joins_left: int
    expires_at: AwareDatetime


def split(code: str) -> tuple[str, str]:
    """(locator, secret) of a nine-digit code."""
    return code[:LOCATOR_DIGITS], code[LOCATOR_DIGITS:]


def issued(entry: SessionEntry, secret: str) -> CodeEntry:
    """The stored side of a new session's code."""
    return CodeEntry(
        org=entry.org,
        sid=entry.sid,
        digest=_digest(entry.sid, secret),
        tries_left=TRIES,
        joins_left=JOINS,
        expires_at=entry.waiting_until,
    )


def is_dead(code: CodeEntry, *, now: datetime) -> bool:
    """Whether nobody can join with this code any more."""
    return now >= code.expires_at or code.tries_left <= 0 or code.joins_left <= 0


def tried(code: CodeEntry, secret: str, *, now: datetime) -> CodeEntry:
    """The code after one attempt: a wrong one costs a try, a right one a join; CodeRefused once dead."""
    if is_dead(code, now=now):
        raise CodeRefused
    if matches(code, secret):
        return code.model_copy(update={"joins_left": code.joins_left - 1})
    return code.model_copy(update={"tries_left": code.tries_left - 1})


def matches(code: CodeEntry, secret: str) -> bool:
    """Whether this is the secret part, compared in constant time."""
    return hmac.compare_digest(code.digest, _digest(code.sid, secret))


def joinable(entry: SessionEntry | None, *, now: datetime) -> SessionEntry:
    """The session if somebody may still join it; the same CodeRefused for every reason why not."""
    if entry is None or entry.state is not SessionState.WAITING:
        raise CodeRefused
    if now >= entry.waiting_until or entry.agent_key is not None:
        raise CodeRefused
    return entry


def _digest(salt: str, secret: str) -> str:
    return hashlib.sha256(f"{salt}:{secret}".encode()).hexdigest()
