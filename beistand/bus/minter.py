"""Mints agents' NATS credentials: user JWTs for exactly one session, and the callout's signed answers.

Pure: keys, ids and the time are arguments. Refuses whatever nats-server would read as "everything": an empty
allow list, a missing limit, a wildcard in an id, no expiry.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from beistand.bus.permissions import ACCOUNT
from beistand.protocol import ids, subjects
from beistand.protocol.errors import InvalidMessage

MAX_LIFETIME = timedelta(hours=24)
"""No credential outlives this, whatever a session's limit says."""
_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}


class MintingRefused(Exception):
    """The credential would allow more than one session's agent may have."""


@dataclass(frozen=True)
class Limits:
    """Hard limits of one agent connection; where they are enforced, a missing one is read as 0.

    nats-server 2.15 ignores them for credentials from a callout in configuration mode; what holds there are
    the server's own `max_subscriptions` and `max_payload` (see config) and the relay's limits on frames.
    """

    subscriptions: int = 32
    payload: int = 512 * 1024
    """Bytes per message: a chunk of a frame and its header."""
    data: int = -1
    """Bytes in total, which cannot be known beforehand; -1 is unlimited."""


@dataclass(frozen=True)
class Credential:
    """Everything one user JWT says."""

    user: str
    """The nkey that nats-server made up for this connection."""
    name: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    expires_at: datetime
    limits: Limits


def credential(
    user: str, *, org: str, sid: str, expires_at: datetime, limits: Limits | None = None
) -> Credential:
    """What the agent of one session may do, and nothing else."""
    try:
        ids.org(org), ids.identifier(sid)
    except InvalidMessage as error:
        raise MintingRefused(str(error)) from None
    return Credential(
        user=user,
        name=sid,
        publish=(subjects.up_of_session(org, sid), subjects.media_of_session(org, sid)),
        subscribe=(
            subjects.down_of_session(org, sid),
            subjects.input_of_session(org, sid),
            f"{subjects.inbox_prefix(sid)}.>",
        ),
        expires_at=expires_at,
        limits=limits or Limits(),
    )


def device_credential(user: str, *, org: str, device_id: str, expires_at: datetime) -> Credential:
    """What an enrolled device may do outside of sessions: say that it is there, and be called."""
    try:
        ids.org(org), ids.identifier(device_id)
    except InvalidMessage as error:
        raise MintingRefused(str(error)) from None
    return Credential(
        user=user,
        name=device_id,
        publish=(subjects.device_up_of(org, device_id),),
        subscribe=(subjects.device_down_of(org, device_id), f"{subjects.inbox_prefix(device_id)}.>"),
        expires_at=expires_at,
        limits=Limits(),
    )


def mint(credential: Credential, signer: Any, *, now: datetime) -> str:
    """The user JWT, signed by the account key `signer` (`nkeys.KeyPair`). Raises MintingRefused."""
    _check(credential, now)
    claims = {
        "sub": credential.user,
        "name": credential.name,
        "aud": ACCOUNT,
        "exp": int(credential.expires_at.timestamp()),
        "nats": {
            "type": "user",
            "version": 2,
            "pub": {"allow": list(credential.publish)},
            "sub": {"allow": list(credential.subscribe)},
            "subs": credential.limits.subscriptions,
            "data": credential.limits.data,
            "payload": credential.limits.payload,
            "allowed_connection_types": ["STANDARD", "WEBSOCKET"],
        },
    }
    return _signed(claims, signer, now)


def allow(user: str, server: str, token: str, signer: Any, *, now: datetime) -> str:
    """The callout's answer that lets the connection in with the user JWT `token`."""
    return _response(user, server, {"jwt": token}, signer, now)


def refuse(user: str, server: str, code: str, signer: Any, *, now: datetime) -> str:
    """The callout's answer that keeps the connection out; `code` goes to the server's log only."""
    return _response(user, server, {"error": code}, signer, now)


def _check(wanted: Credential, now: datetime) -> None:
    limits = wanted.limits
    if not wanted.publish or not wanted.subscribe:
        raise MintingRefused("An empty allow list allows everything.")
    if limits.subscriptions <= 0 or limits.payload <= 0 or limits.data == 0:
        raise MintingRefused("A limit is missing.")
    if not now < wanted.expires_at <= now + MAX_LIFETIME:
        raise MintingRefused("The expiry is not within the limit.")
    for subject in (*wanted.publish, *wanted.subscribe):
        if "*" in subject or subject.removesuffix(".>").count(">") or len(subject.split(".")) < 3:
            raise MintingRefused("A subject reaches beyond the session.")


def _response(user: str, server: str, outcome: Mapping[str, str], signer: Any, now: datetime) -> str:
    claims = {
        "sub": user,
        "aud": server,
        "nats": {"type": "authorization_response", "version": 2, **outcome},
    }
    return _signed(claims, signer, now)


def _signed(claims: dict[str, Any], signer: Any, now: datetime) -> str:
    """A JWT as NATS makes them (ADR-14 of NATS): `jti` is the hash of the claims, `alg` is ed25519-nkey."""
    claims = {"iat": int(now.timestamp()), "iss": signer.public_key.decode(), **claims}
    digest = hashlib.sha256(json.dumps(claims, sort_keys=True).encode()).digest()
    claims["jti"] = base64.b32encode(digest).rstrip(b"=").decode()
    body = f"{_part(_HEADER)}.{_part(claims)}"
    return f"{body}.{_b64(signer.sign(body.encode()))}"


def _part(value: Mapping[str, Any]) -> str:
    return _b64(json.dumps(value, separators=(",", ":")).encode())


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
