"""State in JetStream KV with compare-and-set: typed values, one writer wins, everything read from the leader.

Knows buckets and revisions; what the values mean is the services' business.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Generic, NoReturn, Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, BucketNotFoundError, KeyNotFoundError, NotFoundError
from nats.js.kv import KV_DEL, KV_MARKER_REASON, KV_OP, KeyValue
from pydantic import ValidationError

from beistand.bus.connection import UNREACHABLE
from beistand.bus.permissions import Bucket
from beistand.protocol.errors import NotFound, Unavailable
from beistand.protocol.messages import M
from beistand.telemetry import meter

__all__ = ["Bucket", "Conflict", "Store", "Stored"]

log = logging.getLogger(__name__)

OPEN_WITHIN_S = 30.0
"""How long a starting service waits for who provisions the buckets, and for a cluster that elects."""
WRITE_TRIES = 3
WRITE_TIMEOUT_S = 2.0
CHANGE_TRIES = 32
WATCH_HEARTBEAT_S = 1.0
_WRONG_LAST_SEQUENCE = frozenset({10071, 10164})
"""JetStream error codes: another write to this key came first."""
_LOOK_EVERY_S = 0.1
EXPECTED = api.Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value
MESSAGE_ID = api.Header.MSG_ID.value

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
        return self._parsed(entry.value or b"", entry.revision or 0)

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
        """Every present value whose key is below `prefix` (without the dot), oldest write first.

        A key that is rewritten while the listing runs can be missing from what the stream delivers (its old
        message is gone, the new one not yet due), so the keys are asked for afterwards, too.
        """
        found: dict[str, Stored[M] | None] = {}
        async with self._subscribed(f"{prefix}.>") as messages:
            async for message in messages:
                if message is None:
                    break
                found[message.subject] = self._stored(message)
        for subject in sorted(await self._subjects(f"{prefix}.>") - set(found)):
            found[subject] = await self.get(subject.removeprefix(f"$KV.{self._bucket}."))
        return sorted((stored for stored in found.values() if stored), key=lambda stored: stored.revision)

    @asynccontextmanager
    async def watch(self, pattern: str) -> AsyncIterator[AsyncIterator[Stored[M] | None]]:
        """Present values, then None once for "up to date", then every change; removals are not shown.

        It survives reconnects, but may then be seconds late: nothing that stops access may wait for it.
        """
        async with self._subscribed(pattern) as messages:
            yield self._values(messages)

    @asynccontextmanager
    async def _subscribed(self, pattern: str) -> AsyncIterator[AsyncIterator[Msg | None]]:
        """The messages behind `watch`, removals included."""
        try:
            # nats-py's own KV watcher notices a lost consumer after ten seconds at the earliest.
            subscription = await self._js.subscribe(
                f"$KV.{self._bucket}.{pattern}",
                stream=self._bucket.stream,
                ordered_consumer=True,
                deliver_policy=api.DeliverPolicy.LAST_PER_SUBJECT,
                idle_heartbeat=WATCH_HEARTBEAT_S,
            )
        except UNREACHABLE as error:
            raise Unavailable from error
        try:
            yield self._messages(subscription)
        finally:
            with suppress(*UNREACHABLE):
                await subscription.unsubscribe()

    async def _values(self, messages: AsyncIterator[Msg | None]) -> AsyncIterator[Stored[M] | None]:
        async for message in messages:
            if message is None:
                yield None
            elif (stored := self._stored(message)) is not None:
                yield stored

    async def _subjects(self, pattern: str) -> set[str]:
        """Every subject the leader holds a message for, removed keys included."""
        wanted = f"$KV.{self._bucket}.{pattern}"
        try:
            info = await self._js.stream_info(self._bucket.stream, subjects_filter=wanted)
        except UNREACHABLE as error:
            raise Unavailable from error
        return set(info.state.subjects or {})

    async def _messages(self, subscription: JetStreamContext.PushSubscription) -> AsyncIterator[Msg | None]:
        try:
            info = await subscription.consumer_info()
            present = (info.num_pending or 0) + (info.delivered.consumer_seq if info.delivered else 0)
            catching_up = present > 0
            if not catching_up:
                yield None
            while True:
                message = await subscription.next_msg(timeout=None)
                yield message
                if catching_up and message.metadata.num_pending == 0:
                    catching_up = False
                    yield None
        except UNREACHABLE as error:
            raise Unavailable from error

    def _stored(self, message: Msg) -> Stored[M] | None:
        if _is_removal(message):
            return None
        return self._parsed(message.data, message.metadata.sequence.stream)

    def _parsed(self, data: bytes, revision: int) -> Stored[M] | None:
        """The typed value; one that does not parse permits nobody anything, so it counts as absent."""
        try:
            return Stored(self._model.model_validate_json(data), revision)
        except ValidationError:
            _unreadable.add(1, {"bucket": self._bucket})
            log.error("stored value does not parse", extra={"bucket": self._bucket, "revision": revision})
            return None

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
        """One conditional write; its revision.

        No answer means "unknown": the same write is tried again, and if the key has changed meanwhile the
        leader is asked whether that was this very write.
        """
        message_id = secrets.token_hex(16)
        headers = {EXPECTED: str(expected), MESSAGE_ID: message_id} | (
            {KV_OP: operation} if operation else {}
        )
        for attempt in range(WRITE_TRIES):
            try:
                answer = await self._js.publish(f"$KV.{self._bucket}.{key}", data, headers=headers)
            except APIError as error:
                if error.err_code not in _WRONG_LAST_SEQUENCE:
                    raise Unavailable from error
                return await self._own(key, message_id) if attempt else _lost()
            except UNREACHABLE:
                continue
            return answer.seq
        raise Unavailable("The answer of the store is missing.")

    async def _own(self, key: str, message_id: str) -> int:
        """The revision of `key` if the write with this id made it, else Conflict."""
        try:
            last = await self._js.get_last_msg(self._bucket.stream, f"$KV.{self._bucket}.{key}")
        except NotFoundError:
            raise Conflict from None
        except UNREACHABLE as error:
            raise Unavailable from error
        if last.seq is None or (last.headers or {}).get(MESSAGE_ID) != message_id:
            raise Conflict
        return last.seq


def _lost() -> NoReturn:
    raise Conflict


async def _existing(js: JetStreamContext, bucket: Bucket) -> KeyValue:
    while True:
        try:
            return await js.key_value(bucket.value)
        except (BucketNotFoundError, *UNREACHABLE):
            await asyncio.sleep(_LOOK_EVERY_S)


def _is_removal(message: Msg) -> bool:
    return bool({KV_OP, KV_MARKER_REASON} & set(message.headers or {}))


def _encode(value: M) -> bytes:
    return value.model_dump_json(exclude_none=True).encode()
