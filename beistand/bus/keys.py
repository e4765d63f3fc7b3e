"""The key files of an installation: made once, private to their owner, each service reading only its own.

nats-<service>.seed   nkey user seed of a service's NATS connection
nats-system.seed      nkey user seed of the system account's user (kick, watch disconnects)
callout.seed          nkey account seed that signs agents' NATS credentials
consent.seed, .pub    raw Ed25519 key of the consent service, base64url
token.key             32 bytes, base64url: the gateway's bearer tokens
"""

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Any

import nkeys

from beistand.bus.settings import SERVICES, ServiceName, SettingsError
from beistand.protocol.signing import public_key_of

SYSTEM_SEED = "nats-system.seed"
CALLOUT_SEED = "callout.seed"
CONSENT_SEED = "consent.seed"
CONSENT_PUBLIC = "consent.pub"
TOKEN_KEY = "token.key"  # noqa: S105 - a file name


def nats_seed(service: ServiceName) -> str:
    """The file with the NATS identity of a service."""
    return f"nats-{service}.seed"


def ensure_keys(directory: Path) -> None:
    """Create whatever key file is missing (0600, directory 0700); never touches an existing one."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (*map(nats_seed, SERVICES), SYSTEM_SEED):
        _write_once(directory / name, _new_nkey(nkeys.PREFIX_BYTE_USER))
    _write_once(directory / CALLOUT_SEED, _new_nkey(nkeys.PREFIX_BYTE_ACCOUNT))
    _write_once(directory / CONSENT_SEED, _b64(secrets.token_bytes(32)))
    _write_once(directory / CONSENT_PUBLIC, _b64(public_key_of(read_raw(directory, CONSENT_SEED))))
    _write_once(directory / TOKEN_KEY, _b64(secrets.token_bytes(32)))


def read_text(directory: Path, name: str) -> str:
    """The content of a key file; SettingsError naming the file if it cannot be read."""
    path = directory / name
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        raise SettingsError(
            f"BEISTAND_KEYS: cannot read {path}; make the keys with: beistand keys {directory}"
        ) from None


def read_raw(directory: Path, name: str) -> bytes:
    """The 32 bytes of a base64url key file."""
    text = read_text(directory, name)
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise SettingsError(f"BEISTAND_KEYS: {directory / name} does not hold a 32-byte key")
    return raw


def read_nkey(directory: Path, name: str) -> Any:
    """The nkey pair (`nkeys.KeyPair`) of a seed file."""
    seed = bytearray(read_text(directory, name).encode())
    try:
        return nkeys.from_seed(seed)
    except (nkeys.NkeysError, ValueError):
        raise SettingsError(f"BEISTAND_KEYS: {directory / name} does not hold an nkey seed") from None


def public_nkey(directory: Path, name: str) -> str:
    """The public key (`U...`, `A...`) of a seed file."""
    return str(read_nkey(directory, name).public_key.decode())


def _new_nkey(prefix: int) -> str:
    return str(nkeys.encode_seed(secrets.token_bytes(32), prefix).decode())


def _write_once(path: Path, content: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(content + "\n")


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
