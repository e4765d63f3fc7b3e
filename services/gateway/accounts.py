"""Local accounts: who may sign in, passwords as argon2id, bearer tokens as signed JWTs (RFC 7519, RFC 8725).

An account is read again with every request, so a new password, another role or a removal works at once.
"""

import asyncio
import re
from collections.abc import Collection
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import AwareDatetime, Field, ValidationError

from beistand.bus.store import Store, Stored
from beistand.protocol.errors import InvalidMessage, Unauthenticated
from beistand.protocol.ids import Id, OrgId
from beistand.protocol.messages import Actor, Message
from beistand.protocol.records import Name
from beistand.protocol.terms import Technician
from services.gateway.domain import SEE_ALL, Permission, Role, is_allowed

TOKEN_LIFE = timedelta(hours=8)
MAX_PASSWORD = 1024
MIN_PASSWORD = 12
AT_ONCE = 2
"""Password checks at a time: each takes 64 MiB and some 50 ms of a core."""
USER_PATTERN = r"^[a-z0-9_-]+(\.[a-z0-9_-]+)*$"
MAX_USER = 64

_ISSUER = "beistand-gateway"
_ALGORITHM = "HS256"
_TYPE = "at+jwt"


class Account(Message):
    """KV `users`, key user name: written by `python -m services.gateway.users` only."""

    user: str = Field(pattern=USER_PATTERN, max_length=MAX_USER)
    technician_id: Id
    name: Name
    org: OrgId
    role: Role
    password_hash: str = Field(max_length=200)
    generation: int = Field(default=0, ge=0)
    """Counts passwords; a token of an earlier one is no longer good."""
    created_at: AwareDatetime

    @property
    def actor(self) -> Actor:
        """This person as services see them."""
        return Actor(
            technician_id=self.technician_id,
            name=self.name,
            org=self.org,
            sees_all=self.role in SEE_ALL,
        )


class Claims(Message):
    """What a bearer token says; `usr` is the user name, `gen` the account's generation."""

    iss: str
    aud: str
    sub: Id
    usr: str
    gen: int
    iat: int
    exp: int


def user_name(text: str) -> str:
    """The user name meant by `text`, or InvalidMessage. It is a KV key, hence the narrow alphabet."""
    name = text.strip().lower()
    if len(name) > MAX_USER or not re.fullmatch(USER_PATTERN, name):
        raise InvalidMessage("A user name has letters, digits, '-', '_' and single dots inside.")
    return name


class Passwords:
    """Hashes and checks passwords off the event loop, a few at a time (argon2id, RFC 9106)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()  # RFC 9106, second recommended option
        self._decoy = self._hasher.hash("nobody has this password")
        self._free = asyncio.Semaphore(AT_ONCE)

    async def hashed(self, password: str) -> str:
        """What to store of a password; InvalidMessage if it is too short or too long."""
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise InvalidMessage(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
        async with self._free:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def is_right(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one; without a hash the same work is done for a no."""
        async with self._free:
            matches = await asyncio.to_thread(self._matches, password_hash or self._decoy, password)
        return matches and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False


class Tokens:
    """Makes and reads bearer tokens; knows one algorithm and one key."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)

    def issue(self, account: Account, *, now: datetime) -> str:
        """A token for this account, good for TOKEN_LIFE."""
        claims = Claims(
            iss=_ISSUER,
            aud=_ISSUER,
            sub=account.technician_id,
            usr=account.user,
            gen=account.generation,
            iat=int(now.timestamp()),
            exp=int((now + TOKEN_LIFE).timestamp()),
        )
        header = {"alg": _ALGORITHM, "typ": _TYPE}
        return jwt.encode(header, claims.model_dump(), self._key, algorithms=[_ALGORITHM])

    def read(self, token: str, *, now: datetime) -> Claims:
        """The claims of a token of ours that has not expired, or Unauthenticated."""
        try:
            decoded = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
            claims = Claims.model_validate(decoded.claims)
        except (JoseError, ValidationError, ValueError):
            raise Unauthenticated from None
        header_is_ours = decoded.header == {"alg": _ALGORITHM, "typ": _TYPE}
        is_current = claims.iat <= now.timestamp() + 1 and now.timestamp() < claims.exp
        if not (header_is_ours and claims.iss == claims.aud == _ISSUER and is_current):
            raise Unauthenticated
        return claims


class Accounts:
    """Sign-in and the account behind a token."""

    def __init__(self, store: Store[Account], passwords: Passwords, tokens: Tokens) -> None:
        self._store = store
        self._passwords = passwords
        self._tokens = tokens

    async def sign_in(self, user: str, password: str, *, now: datetime) -> str:
        """A token, or Unauthenticated: the same answer and the same work for a wrong name or password."""
        stored = await self._find(user)
        password_hash = stored.value.password_hash if stored else None
        if not await self._passwords.is_right(password_hash, password) or stored is None:
            raise Unauthenticated("User name or password is wrong.")
        return self._tokens.issue(stored.value, now=now)

    async def account(self, token: str, *, now: datetime) -> Account:
        """The account a token stands for, as it is now, or Unauthenticated."""
        claims = self._tokens.read(token, now=now)
        stored = await self._find(claims.usr)
        if stored is None:
            raise Unauthenticated
        account = stored.value
        if (account.technician_id, account.generation) != (claims.sub, claims.gen):
            raise Unauthenticated
        return account

    async def technicians(self, org: str, ids: Collection[str]) -> dict[str, Technician]:
        """Those of the organisation's people with these ids who may come in to a device, by id."""
        found: dict[str, Technician] = {}
        if not ids:
            return found
        async with self._store.watch(">") as accounts:
            async for stored in accounts:
                if stored is None:
                    break
                account = stored.value
                is_asked_for = account.org == org and account.technician_id in ids
                if is_asked_for and is_allowed(account.role, Permission.OPEN_DEVICE):
                    found[account.technician_id] = Technician(id=account.technician_id, name=account.name)
        return found

    async def _find(self, user: str) -> Stored[Account] | None:
        try:
            return await self._store.get(user_name(user))
        except InvalidMessage:
            return None
