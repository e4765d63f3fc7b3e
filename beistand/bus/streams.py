"""What JetStream keeps: the buckets, the streams of domain events, chat and ledger; made idempotently."""

import asyncio
import logging
from collections import deque

from nats.aio.client import Client
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError
from pydantic import ValidationError

from beistand.bus.connection import UNREACHABLE
from beistand.bus.permissions import Bucket, Stream
from beistand.protocol import subjects
from beistand.protocol.errors import Unavailable
from beistand.protocol.messages import CloudEvent, encode

log = logging.getLogger(__name__)

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
TTL_S = {Bucket.CODES: 15 * MINUTE, Bucket.TICKETS: 12 * HOUR, Bucket.LIMITS: HOUR}
"""Buckets whose keys go by themselves; the others keep theirs."""
RETENTION_S = 90 * DAY
MAX_BYTES = 512 * 1024 * 1024
"""Per stream; JetStream sets it aside on the disk."""
MAX_EVENT = 64 * 1024
PUBLISH_TRIES = 3
PROVISION_WITHIN_S = 30.0
AGAIN_S = 0.2
_ALREADY_EXISTS_OTHERWISE = 10058
"""JetStream error code: a stream of that name exists with other settings."""


async def provision(client: Client, *, replicas: int = 1) -> None:
    """Create whatever bucket or stream is missing; never changes or empties one.

    A cluster that elects its leaders answers nobody for seconds, so this is tried for PROVISION_WITHIN_S.
    Raises Unavailable.
    """
    js = client.jetstream()
    wanted = (*(_bucket(bucket, replicas) for bucket in Bucket), *_streams(replicas))
    try:
        async with asyncio.timeout(PROVISION_WITHIN_S):
            for config in wanted:
                await _ensured(js, config)
    except TimeoutError:
        raise Unavailable("JetStream cannot be reached.") from None


async def _ensured(js: JetStreamContext, config: api.StreamConfig) -> None:
    """Make sure of one stream, however often that takes."""
    while True:
        try:
            return await _ensure(js, config)
        except UNREACHABLE as error:
            log.info("stream not provisioned yet", extra={"stream": config.name, "why": type(error).__name__})
            await asyncio.sleep(AGAIN_S)


async def publish_event(client: Client, org: str, event: CloudEvent) -> None:
    """Store and spread a domain event, exactly once by its id. Unavailable if that is not confirmed."""
    kind = subjects.Event(event.type.split(".")[1])
    subject = subjects.event(org, event.subject, kind)
    headers = {api.Header.MSG_ID.value: event.id}
    js = client.jetstream()
    for attempt in range(1, PUBLISH_TRIES + 1):
        try:
            await js.publish(subject, encode(event), timeout=2, headers=headers)
        except UNREACHABLE as error:
            if attempt == PUBLISH_TRIES:
                raise Unavailable("The event could not be stored.") from error
        else:
            return


async def chat_of(client: Client, org: str, sid: str, *, limit: int = 500) -> list[CloudEvent]:
    """The newest `limit` chat events of a session, oldest first. Raises Unavailable."""
    subject = subjects.event(org, sid, subjects.Event.CHAT)
    lines: deque[CloudEvent] = deque(maxlen=limit)
    try:
        subscription = await client.jetstream().subscribe(subject, stream=Stream.CHAT, ordered_consumer=True)
        try:
            info = await subscription.consumer_info()
            pending = (info.num_pending or 0) + (info.delivered.consumer_seq if info.delivered else 0)
            while pending:
                message = await subscription.next_msg(timeout=5)
                pending = message.metadata.num_pending
                lines.extend(_parsed(message.data))
        finally:
            await subscription.unsubscribe()
    except UNREACHABLE as error:
        raise Unavailable from error
    return list(lines)


def _parsed(data: bytes) -> list[CloudEvent]:
    try:
        return [CloudEvent.model_validate_json(data)]
    except ValidationError:
        log.error("stored event does not parse", extra={"stream": Stream.CHAT})
        return []


async def _ensure(js: JetStreamContext, config: api.StreamConfig) -> None:
    name = config.name or ""
    try:
        await js.stream_info(name)
    except NotFoundError:
        try:
            await js.add_stream(config)
        except APIError as error:
            # Another replica of another release was faster; its stream serves as well.
            if error.err_code != _ALREADY_EXISTS_OTHERWISE:
                raise
        else:
            log.info("stream created", extra={"stream": name})


def _bucket(bucket: Bucket, replicas: int) -> api.StreamConfig:
    """A KV bucket's stream (ADR-8 of NATS).

    Not `allow_direct`: that answers from any replica, perhaps with an old value; a grant is read as it is.
    """
    return api.StreamConfig(
        name=bucket.stream,
        subjects=[f"$KV.{bucket}.>"],
        max_msgs_per_subject=1,
        max_age=TTL_S.get(bucket, 0),
        max_msg_size=MAX_EVENT,
        discard=api.DiscardPolicy.NEW,
        storage=api.StorageType.FILE,
        num_replicas=replicas,
        duplicate_window=2 * MINUTE,
        deny_delete=True,
        allow_direct=False,
        allow_rollup_hdrs=False,
    )


def _streams(replicas: int) -> tuple[api.StreamConfig, ...]:
    return _events(replicas), _chat(replicas), _ledger(replicas)


def _events(replicas: int) -> api.StreamConfig:
    kinds = (subjects.Event.SESSION, subjects.Event.REQUEST, subjects.Event.PAUSE, subjects.Event.DEVICE)
    return _stream(Stream.EVENTS, [f"bst.evt.*.*.{kind}" for kind in kinds], replicas)


def _chat(replicas: int) -> api.StreamConfig:
    return _stream(Stream.CHAT, [f"bst.evt.*.*.{subjects.Event.CHAT}"], replicas)


def _ledger(replicas: int) -> api.StreamConfig:
    """Everything for good: no limit drops a record, nobody deletes or purges one; when the disk is full,
    new records are refused, and with them new grants."""
    return api.StreamConfig(
        name=Stream.LEDGER.value,
        subjects=["bst.ledger.*.*"],
        max_msg_size=MAX_EVENT,
        discard=api.DiscardPolicy.NEW,
        storage=api.StorageType.FILE,
        num_replicas=replicas,
        duplicate_window=2 * MINUTE,
        deny_delete=True,
        deny_purge=True,
        allow_direct=False,
        allow_rollup_hdrs=False,
    )


def _stream(name: Stream, kept: list[str], replicas: int) -> api.StreamConfig:
    return api.StreamConfig(
        name=name.value,
        subjects=kept,
        max_age=RETENTION_S,
        max_bytes=MAX_BYTES,
        max_msg_size=MAX_EVENT,
        discard=api.DiscardPolicy.OLD,
        storage=api.StorageType.FILE,
        num_replicas=replicas,
        duplicate_window=2 * MINUTE,
        deny_delete=True,
        deny_purge=True,
    )
