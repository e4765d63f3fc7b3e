"""Signing and verifying records: JWS compact serialisation (RFC 7515) with Ed25519 (RFC 8037, RFC 9864).

Verify, then parse: nothing of a record is looked at before its signature, key and `typ` are right.
Keys are raw 32-byte Ed25519 seeds and public keys; an agent's public key in nkey form is converted here.
"""

import base64
import binascii
import hashlib
import json
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import ValidationError

from beistand.protocol.errors import BadSignature, InvalidMessage
from beistand.protocol.records import Record

R = TypeVar("R", bound=Record)

MAX_JWS = 16 * 1024
_ALGORITHM = "Ed25519"
_REGISTRY = jws.JWSRegistry(algorithms=[_ALGORITHM])
_NKEY_USER_PREFIX = 20 << 3


def sign(record: Record, seed: bytes) -> str:
    """The JWS text of `record`, signed with a raw Ed25519 seed (32 bytes)."""
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "d": _b64(seed), "x": _b64(public_key_of(seed))})
    header = {"alg": _ALGORITHM, "typ": record.typ}
    return jws.serialize_compact(header, record.model_dump_json(), key, registry=_REGISTRY)


def verify(token: str, public_key: bytes, kind: type[R]) -> R:
    """The record in `token`, or BadSignature if the key, type or content is not as it must be."""
    if len(token) > MAX_JWS:
        raise BadSignature("The record is too large.")
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _b64(public_key)})
    try:
        signed = jws.deserialize_compact(token, key, registry=_REGISTRY)
    except (JoseError, ValueError, UnicodeError) as error:
        raise BadSignature from error
    header: dict[str, Any] = signed.headers()
    if header != {"alg": _ALGORITHM, "typ": kind.typ}:
        raise BadSignature("The record is of another kind.")
    try:
        return kind.model_validate_json(signed.payload)
    except ValidationError:
        raise BadSignature("The record does not say what it must.") from None


def type_of(token: str) -> str:
    """The kind a record claims to be, not verified; BadSignature if it claims none."""
    try:
        header = json.loads(_unb64(token.partition(".")[0]))
        return str(header["typ"])
    except (ValueError, KeyError, TypeError):
        raise BadSignature("The record is of no kind.") from None


def hash_of(token: str) -> str:
    """SHA-256 of a record's exact JWS text, base64url; what `prev`, `ask_hash` and `record_hash` hold."""
    return _b64(hashlib.sha256(token.encode()).digest())


def public_key_of_agent(agent_key: str) -> bytes:
    """The raw 32-byte Ed25519 key in an nkey user public key (`U...`: prefix, key, CRC-16 little-endian)."""
    try:
        raw = base64.b32decode(agent_key + "=" * (-len(agent_key) % 8))
    except (binascii.Error, ValueError):
        raise InvalidMessage("Not a valid agent key.") from None
    if len(raw) != 35 or raw[0] != _NKEY_USER_PREFIX:
        raise InvalidMessage("Not a valid agent key.")
    if binascii.crc_hqx(raw[:33], 0) != int.from_bytes(raw[33:], "little"):
        raise InvalidMessage("Not a valid agent key.")
    return raw[1:33]


def raw_key(public_key: str) -> bytes:
    """The 32 bytes of a public key written as base64url without padding (RFC 4648, section 5)."""
    return _unb64(public_key)


def public_key_of(seed: bytes) -> bytes:
    """The raw public key of a raw seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
