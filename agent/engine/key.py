"""The device's signing key of one session: fresh for every join, gone for good when the session is over."""

import secrets

import nkeys

from beistand.protocol import signing
from beistand.protocol.errors import WrongState
from beistand.protocol.records import Record


class DeviceKey:
    """A raw Ed25519 seed that can be destroyed; nothing signs after that."""

    def __init__(self, seed: bytes) -> None:
        self._seed = bytearray(seed)

    @classmethod
    def generate(cls) -> "DeviceKey":
        """A new key, never stored anywhere."""
        return cls(secrets.token_bytes(32))

    @property
    def seed(self) -> bytes:
        """The raw seed; WrongState once destroyed."""
        if not self._seed:
            raise WrongState("The key of this session is destroyed.")
        return bytes(self._seed)

    @property
    def agent_key(self) -> str:
        """The public key in nkey form."""
        pair = nkeys.from_seed(nkeys.encode_seed(self.seed, nkeys.PREFIX_BYTE_USER))
        public: bytes = pair.public_key
        return public.decode()

    def sign(self, record: Record) -> str:
        """The record's JWS text; WrongState once destroyed."""
        return signing.sign(record, self.seed)

    def destroy(self) -> None:
        """Overwrite the seed as far as Python lets us (copies in libraries live until they are collected)."""
        self._seed[:] = bytes(len(self._seed))
        self._seed.clear()
