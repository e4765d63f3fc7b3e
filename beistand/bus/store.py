"""State in JetStream KV with compare-and-set: typed values, one writer wins, everything read from the leader.

Knows buckets and revisions; what the values mean is the services' business.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Self

from nats.aio.client import Client
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, BucketNotFoundError, KeyNotFoundError
from nats.js.kv import KV_DEL, KV_OP, KeyValue
from pydantic import ValidationError

from beistand.bus.connection import UNREACHABLE
from beistand.bus.permissions import Bucket
from beistand.protocol.errors import NotFound, Unavailable
from beistand.protocol.messages import M
from beistand.telemetry import meter

__all__ = ["Bucket", "Conflict", "Store", "Stored"]

log = logging.getLogger(__name__)

OPEN_WITHIN_S = 30.0
"""How long a starting service waits for the session service to provision the buckets."""
WRITE_TRIES = 3
WRITE_TIMEOUT_S = 2.0
CHANGE_TRIES = 32
_WRONG_LAST_SEQUENCE = frozenset({10071, 10164})
"""JetStream error codes: another write to this key came first."""
_LOOK_EVERY_S = 0.1

_unreadable = meter.create_counter("beistand.store.unreadable", description="Stored values that do not parse")


class Conflict(Exception):
    """Somebody else changed, created or removed the key meanwhile; nothing was written."""


@dataclass(frozen=True)
class Stored(Generic[M]):
    """A value and the revision that a conditional write needs."""

    value: M
    revision: int


class Store(Generic[M]):
    """One bucket of values of one model. Every method raises Unavailable when JetStream does not answer."""

    def __init__(self, bucket: Bucket, model: type[M], kv: KeyValue, js: JetStreamContext) -> None:
        self._bucket = bucket
        self._model = model
        self._kv = kv
        self._js = js

    @classmethod
    async def open(cls, client: Client, bucket: Bucket, model: type[M]) -> Self:
        """The bucket, as soon as it is provisioned; Unavailable if that does not happen."""
        js = client.jetstream(timeout=WRITE_TIMEOUT_S)
        try:
            async with asyncio.timeout(OPEN_WITHIN_S):
                return cls(bucket, model, await _existing(js, bucket), js)
        except UNREACHABLE as error:
            raise Unavailable(f"The bucket {bucket} is not there.") from error

    async def get(self, key: str) -> Stored[M] | None:
        """The present value, or None."""
        try:
            entry = await self._kv.get(key)
        except KeyNotFoundError:
            return None
        except UNREACHABLE as error:
            raise Unavailable from error
        return self._stored(entry)

    async def create(self, key: str, value: M) -> int:
        """Write a key that must not exist; the new revision. Conflict if it exists."""
        try:
            return await self._write(key, _encode(value), expected=0)
        except Conflict:
            # A deleted key leaves a marker behind, which is what has to be replaced then.
            return await self._write(key, _encode(value), expected=await self._deleted_at(key))

    async def update(self, key: str, value: M, *, revision: int) -> int:
        """Replace the value that has this revision; the new revision. Conflict if it changed meanwhile."""
        return await self._write(key, _encode(value), expected=revision)

    async def delete(self, key: str, *, revision: int) -> None:
        """Remove the value that has this revision; Conflict if it changed or went meanwhile.

        Of any number of callers with one revision exactly one succeeds: the single-use redeem.
        """
        await self._write(key, b"", expected=revision, operation=KV_DEL)

    async def change(self, key: str, edit: Callable[[M], M]) -> M:
        """Read, edit, write, again if somebody was faster; what is stored then. NotFound if there is no key.

        `edit` may run several times and may raise to abort; returning an equal value writes nothing.
        """
        for _ in range(CHANGE_TRIES):
            stored = await self.get(key)
            if stored is None:
                raise NotFound
            edited = edit(stored.value)
            if edited == stored.value:
                return edited
            try:
                await self.update(key, edited, revision=stored.revision)
            except Conflict:
                continue
            return edited
        raise Unavailable("Too many writers at once; nothing was done.")

    async def list(self, prefix: str) -> list[Stored[M]]:
        """Every present value whose key is below `prefix` (without the dot)."""
        found = []
        async with self.watch(f"{prefix}.>") as values:
            async for stored in values:
                if stored is None:
                    break
                found.append(stored)
        return found

    @asynccontextmanager
    async def watch(self, pattern: str) -> AsyncIterator[AsyncIterator[Stored[M] | None]]:
        """Present values, then None once for "up to date", then every change; removals are not shown.

        It survives reconnects, but may then be ten seconds late: nothing that stops access may wait for it.
        """
        try:
            watcher = await self._kv.watch(pattern, ignore_deletes=True)
        except UNREACHABLE as error:
            raise Unavailable from error
        try:
            yield self._values(watcher)
        finally:
            await watcher.stop()  # type: ignore[no-untyped-call]

    async def _values(self, watcher: KeyValue.KeyWatcher) -> AsyncIterator[Stored[M] | None]:
        async for entry in watcher:
            if entry is None:
                yield None
                continue
            stored = self._stored(entry)
            if stored is not None:
                yield stored

    def _stored(self, entry: KeyValue.Entry) -> Stored[M] | None:
        """The typed value; one that does not parse permits nobody anything, so it counts as absent."""
        try:
            value = self._model.model_validate_json(entry.value or b"")
        except ValidationError:
            _unreadable.add(1, {"bucket": self._bucket})
            log.error(
                "stored value does not parse", extra={"bucket": self._bucket, "revision": entry.revision}
            )
            return None
        return Stored(value, entry.revision or 0)

    async def _deleted_at(self, key: str) -> int:
        """The revision of the deletion marker of `key`; Conflict if the key exists."""
        try:
            await self._kv.get(key)
        except KeyNotFoundError as error:
            marker: KeyValue.Entry | None = error.entry
            return (marker.revision or 0) if marker else 0
        except UNREACHABLE as error:
            raise Unavailable from error
        raise Conflict

    async def _write(self, key: str, data: bytes, *, expected: int, operation: str = "") -> int:
        """One conditional write. No answer means "unknown": it is repeated with the same message id, so that
        the server tells whether the first one was stored instead of storing it twice.
        """
        headers = {
            api.Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(expected),
            api.Header.MSG_ID.value: secrets.token_hex(16),
        }
        if operation:
            headers[KV_OP] = operation
        for attempt in range(1, WRITE_TRIES + 1):
            try:
                answer = await self._js.publish(f"$KV.{self._bucket}.{key}", data, headers=headers)
            except APIError as error:
                if error.err_code in _WRONG_LAST_SEQUENCE:
                    raise Conflict from None
                raise Unavailable from error
            except UNREACHABLE as error:
                if attempt == WRITE_TRIES:
                    raise Unavailable("The answer of the store is missing.") from error
            else:
                return answer.seq
        raise Unavailable


async def _existing(js: JetStreamContext, bucket: Bucket) -> KeyValue:
    while True:
        try:
            return await js.key_value(bucket.value)
        except BucketNotFoundError:
            await asyncio.sleep(_LOOK_EVERY_S)


def _encode(value: M) -> bytes:
    return value.model_dump_json(exclude_none=True).encode()
