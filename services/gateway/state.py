"""What the gateway keeps in KV: attempt counters, tickets, answers for idempotency keys.

Written with compare-and-set, so any replica can serve any request. Nothing secret is stored readable.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from beistand.bus.store import Conflict, Store, Stored
from beistand.protocol.errors import BeistandError, RateLimited, TicketRefused, Unavailable, WrongState
from beistand.protocol.messages import Actor, M, Message, TicketEntry
from services.gateway.domain import Attempts, Limit, LimitReached, one_more

TICKET_LIFE = timedelta(seconds=30)
RESERVED_FOR = timedelta(seconds=30)
"""How long an idempotency key stays taken by a request that never finished."""
UNDER_WAY = "The first request with this idempotency key is still under way."
WRITE_TRIES = 8

log = logging.getLogger(__name__)


class Limiter:
    """Counts attempts per address, user or everywhere, under keys that cannot be read back."""

    def __init__(self, store: Store[Attempts], secret: bytes) -> None:
        self._store = store
        self._secret = secret
        self._one_at_a_time = asyncio.Lock()

    async def take(self, limit: Limit, *what: str, now: datetime) -> None:
        """Count one attempt; LimitReached if it is one too many, RateLimited if counting is contended."""
        key = self._key(what)
        async with self._one_at_a_time:
            for _ in range(WRITE_TRIES):
                stored = await self._store.get(key)
                counted = _counted(stored.value if stored else None, limit, what, now=now)
                try:
                    await _write(self._store, key, counted, revision=stored.revision if stored else None)
                except Conflict:
                    continue
                return
        raise RateLimited

    async def give_back(self, *what: str) -> None:
        """Take back one attempt that succeeded; if others are counted just now it stays counted."""
        key = self._key(what)
        stored = await self._store.get(key)
        if stored is None or not stored.value.count:
            return
        fewer = stored.value.model_copy(update={"count": stored.value.count - 1})
        try:
            await self._store.update(key, fewer, revision=stored.revision)
        except Conflict:
            log.debug("attempts counted meanwhile")

    async def forget(self, *what: str) -> None:
        """Begin to count anew."""
        key = self._key(what)
        stored = await self._store.get(key)
        if stored is None:
            return
        try:
            await self._store.delete(key, revision=stored.revision)
        except Conflict:
            log.debug("attempts counted meanwhile")

    def _key(self, what: tuple[str, ...]) -> str:
        return f"attempts.{_keyed_hash(self._secret, *what)}"


def _counted(before: Attempts | None, limit: Limit, what: tuple[str, ...], *, now: datetime) -> Attempts:
    """One more, or LimitReached and an alarm: that somebody guesses, never who or what."""
    try:
        return one_more(before, limit, now=now)
    except LimitReached:
        log.warning("attempts limited", extra={"what": what[0], "everywhere": len(what) == 1})
        raise


class Tickets:
    """Single-use tickets for the relay's and our own WebSockets; stored as hashes, redeemed by deletion."""

    def __init__(self, store: Store[TicketEntry]) -> None:
        self._store = store

    async def issue(
        self,
        audience: Literal["relay", "events"],
        actor: Actor,
        sid: str,
        *,
        randomness: bytes,
        now: datetime,
    ) -> tuple[str, datetime]:
        """A ticket made of 32 random bytes for one session, and when it expires."""
        ticket = base64.urlsafe_b64encode(randomness).rstrip(b"=").decode()
        expires_at = now + TICKET_LIFE
        entry = TicketEntry(
            audience=audience,
            org=actor.org,
            sid=sid,
            technician_id=actor.technician_id,
            expires_at=expires_at,
        )
        await self._store.create(_ticket_key(ticket), entry)
        return ticket, expires_at

    async def redeem(self, ticket: str, audience: str, sid: str, *, now: datetime) -> TicketEntry:
        """What the ticket stands for; TicketRefused for a wrong, used, expired or another session's one.

        A ticket shown at the wrong door is used up as well.
        """
        key = _ticket_key(ticket)
        stored = await self._store.get(key)
        if stored is None:
            raise TicketRefused
        try:
            await self._store.delete(key, revision=stored.revision)
        except Conflict:
            raise TicketRefused from None
        entry = stored.value
        if (entry.audience, entry.sid) != (audience, sid) or now >= entry.expires_at:
            raise TicketRefused
        return entry


class Kept(Message):
    """KV `limits`, key `answer.<hash>`: an answer for an idempotency key, or the place reserved for it."""

    since: AwareDatetime
    about: str = Field(max_length=64)
    """Keyed hash of the request, so that one key is never the answer to another request."""
    sealed: str = Field(default="", max_length=32 * 1024)
    """JWE of the answer (it may hold a join code), '' while the first request is under way."""


@dataclass(frozen=True)
class Repeatable:
    """A request that may arrive twice: whose, under which key, and what it asks."""

    actor: Actor
    key: str
    about: tuple[str, ...]


class Answers:
    """The same answer for the same idempotency key and person, for an hour (the bucket's life).

    Answers are sealed with a key made from our secret and the caller's own key.
    """

    def __init__(self, store: Store[Kept], secret: bytes) -> None:
        self._store = store
        self._secret = secret

    async def once(
        self, request: Repeatable, kind: type[M], make: Callable[[], Awaitable[M]], *, now: datetime
    ) -> M:
        """The answer kept for this key, or a new one made by `make`.

        WrongState while another request makes it, or when the key was used for something else.
        """
        whose = (request.actor.org, request.actor.technician_id, request.key)
        place = f"answer.{_keyed_hash(self._secret, 'place', *whose)}"
        seal = OctKey.import_key(_keyed_digest(self._secret, "seal", *whose))
        about = _keyed_hash(self._secret, "about", *request.about)
        stored = await self._store.get(place)
        if stored is not None and stored.value.about != about:
            raise WrongState("This idempotency key was used for another request.")
        if stored is not None and stored.value.sealed:
            return _unsealed(stored.value.sealed, seal, kind)
        reserved = Kept(since=now, about=about)
        revision = await self._reserve(place, stored, reserved)
        return await self._made(place, revision, reserved, seal, make)

    async def _reserve(self, place: str, stored: Stored[Kept] | None, reserved: Kept) -> int:
        if stored is not None and reserved.since < stored.value.since + RESERVED_FOR:
            raise WrongState(UNDER_WAY)
        try:
            return await _write(self._store, place, reserved, revision=stored.revision if stored else None)
        except Conflict:
            raise WrongState(UNDER_WAY) from None

    async def _made(
        self, place: str, revision: int, reserved: Kept, seal: OctKey, make: Callable[[], Awaitable[M]]
    ) -> M:
        # What was made or refused counts, whatever becomes of the place kept for it.
        try:
            answer = await make()
        except BeistandError:
            with suppress(Conflict, Unavailable):
                await self._store.delete(place, revision=revision)
            raise
        kept = reserved.model_copy(update={"sealed": _sealed(answer, seal)})
        with suppress(Conflict, Unavailable):
            await self._store.update(place, kept, revision=revision)
        return answer


async def _write(store: Store[M], key: str, value: M, *, revision: int | None) -> int:
    if revision is None:
        return await store.create(key, value)
    return await store.update(key, value, revision=revision)


def _ticket_key(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


def _keyed_digest(secret: bytes, *parts: str) -> bytes:
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hmac.digest(secret, text.encode(), "sha256")


def _keyed_hash(secret: bytes, *parts: str) -> str:
    return _keyed_digest(secret, *parts).hex()


def _sealed(answer: BaseModel, seal: OctKey) -> str:
    return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, answer.model_dump_json(), seal)


def _unsealed(sealed: str, seal: OctKey, kind: type[M]) -> M:
    try:
        plain = jwe.decrypt_compact(sealed, seal).plaintext or b""
        return kind.model_validate_json(plain)
    except (JoseError, ValidationError):
        raise Unavailable("The kept answer cannot be read.") from None
