"""Identifiers and the one rule for them: a NATS token without separators or wildcards.

A bad identifier cannot be constructed, so no subject, key or permission is ever built from one.
"""

import base64
import hashlib
import re
from typing import Annotated

from pydantic import StringConstraints

from beistand.protocol.errors import InvalidMessage

ORG_PATTERN = r"^[A-Za-z0-9_-]{1,32}\Z"
ID_PATTERN = r"^[A-Za-z0-9_-]{22}\Z"
CODE_PATTERN = r"^[0-9]{9}\Z"
AGENT_KEY_PATTERN = r"^U[A-Z2-7]{55}\Z"

OrgId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$", max_length=32)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$", max_length=22)]
"""Session, request/grant or technician: 128 random bits, base64url without padding."""
JoinCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$", max_length=9)]
AgentKey = Annotated[str, StringConstraints(pattern=r"^U[A-Z2-7]{55}$", max_length=56)]
"""An agent's Ed25519 public key in NATS nkey form; the same key signs consent."""


def id_from(randomness: bytes) -> str:
    """The identifier made of exactly 16 random bytes."""
    if len(randomness) != 16:
        raise InvalidMessage("An identifier needs 16 random bytes.")
    return base64.urlsafe_b64encode(randomness).rstrip(b"=").decode()


def device_id(agent_key: str) -> str:
    """The identifier of an enrolled device: 16 bytes of its public key's SHA-256, so nobody chooses it."""
    return id_from(hashlib.sha256(agent_key.encode()).digest()[:16])


def org(value: str) -> str:
    """`value` if it is an organisation's identifier, else InvalidMessage."""
    return _checked(value, ORG_PATTERN, "organisation")


def identifier(value: str) -> str:
    """`value` if it is an identifier, else InvalidMessage."""
    return _checked(value, ID_PATTERN, "identifier")


def _checked(value: str, pattern: str, what: str) -> str:
    if not isinstance(value, str) or not re.match(pattern, value):
        raise InvalidMessage(f"Not a valid {what}.")
    return value
