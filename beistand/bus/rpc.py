"""Request and answer over the NATS services API (`nats.micro`): decode, call the handler, answer, count.

Every request runs in a bounded task of its own, so a slow one delays no other. An agent's request is answered
only at an inbox of its own session, and its trace starts here. Refusals carry a code and one safe sentence.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.micro.request import ERROR_CODE_HEADER, ERROR_HEADER
from nats.micro.request import Request as MicroRequest
from nats.micro.service import EndpointStats, Service, ServiceConfig
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode
from pydantic import BaseModel

from beistand.bus.connection import UNREACHABLE
from beistand.protocol import subjects
from beistand.protocol.errors import (
    BeistandError,
    InvalidMessage,
    RateLimited,
    TooLarge,
    Unavailable,
    error_of,
)
from beistand.protocol.messages import M, Message, encode, parse
from beistand.telemetry import extract, inject, meter, tracer

log = logging.getLogger(__name__)

MAX_AT_ONCE = 256
"""Requests one endpoint works on at a time; more are refused, not queued until nobody waits for them."""
MAX_PER_SESSION = 8
"""Of these, requests of one session's agent: a flooding agent slows only itself."""
MAX_ANSWER = 1024 * 1024
"""Largest answer in bytes (NATS' max_payload)."""
STOP_PATIENCE_S = 5.0

_refusals = meter.create_counter(
    "beistand.rpc.refusals", description="Requests refused, by endpoint and code"
)


@dataclass(frozen=True)
class Request(Generic[M]):
    """A validated request. `org` and `sid` come from an agent's subject, '' between services."""

    message: M
    org: str = ""
    sid: str = ""


@dataclass(frozen=True)
class Endpoint(Generic[M]):
    """One subject and its handler; the handler refuses by raising a BeistandError."""

    name: str
    subject: str
    message: type[M]
    handler: Callable[[Request[M]], Awaitable[BaseModel]]


async def serve(client: Client, *, name: str, version: str, endpoints: Sequence[Endpoint[Any]]) -> Service:
    """Answer these endpoints as one of the replicas of service `name`, until `stop()` of the answer."""
    service = _Service(client, ServiceConfig(name=name, version=version, queue_group=name))
    await service.start()
    for endpoint in endpoints:
        await service.open(endpoint)
    await client.flush()
    return service


async def call(
    client: Client, endpoint: subjects.Service, message: Message, reply: type[M], *, timeout: float = 5.0
) -> M:
    """Ask another service. Raises the BeistandError its answer names, or Unavailable if there is none."""
    return await request(client, subjects.service(endpoint), message, reply, timeout=timeout)


async def request(
    client: Client, subject: str, message: Message, reply: type[M], *, timeout: float = 5.0
) -> M:
    """Ask on any subject, such as an agent on `bst.up`; otherwise like `call`."""
    with tracer.start_as_current_span(f"request {_span_name(subject)}", kind=SpanKind.CLIENT):
        try:
            answer = await client.request(
                subject, encode(message), timeout=timeout, headers=inject({}) or None
            )
        except errors.MaxPayloadError:
            raise TooLarge from None
        except UNREACHABLE as error:
            raise Unavailable from error
    headers = answer.headers or {}
    if ERROR_HEADER in headers:
        raise error_of(headers[ERROR_HEADER], answer.data.decode(errors="replace"))
    return parse(reply, answer.data, limit=MAX_ANSWER)


async def publish(client: Client, subject: str, message: Message) -> None:
    """Say something to whoever listens. Raises Unavailable if it cannot leave this process."""
    try:
        await client.publish(subject, encode(message), headers=inject({}) or None)
    except UNREACHABLE as error:
        raise Unavailable from error


@dataclass
class _Figures:
    """What `nats micro stats` shows of one endpoint; times in nanoseconds."""

    errors: int = 0
    busy: int = 0
    done: int = 0
    last_error: str = ""
    refusals: Counter[str] = field(default_factory=Counter)


class _Service(Service):
    """A nats.micro service whose requests run concurrently and are waited for when it stops."""

    def __init__(self, client: Client, config: ServiceConfig) -> None:
        config.stats_handler = self._fill
        super().__init__(client, config)
        self._name = config.name
        self._desks: dict[str, _Desk[Any]] = {}
        self._bus = client

    async def open(self, endpoint: Endpoint[M]) -> None:
        """Answer one more endpoint."""
        desk = _Desk(self._bus, endpoint, f"{self._name}.{endpoint.name}")
        self._desks[endpoint.name] = desk
        await self.add_endpoint(name=endpoint.name, subject=endpoint.subject, handler=desk.receive)

    async def stop(self) -> None:
        """Take no more requests, finish those under way."""
        await super().stop()
        tasks = {task for desk in self._desks.values() for task in desk.tasks}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_PATIENCE_S)
            for task in late:
                task.cancel()

    def _fill(self, stats: EndpointStats) -> dict[str, Any]:
        # micro only sees how fast requests are taken in; the true figures are the desk's.
        figures = self._desks[stats.name].figures
        stats.num_errors, stats.last_error = figures.errors, figures.last_error
        stats.processing_time = figures.busy
        stats.average_processing_time = figures.busy // max(1, figures.done)
        return {"refused": dict(figures.refusals)}


class _Desk(Generic[M]):
    """One endpoint at work."""

    def __init__(self, client: Client, endpoint: Endpoint[M], name: str) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self.figures = _Figures()
        self._client = client
        self._endpoint = endpoint
        self._name = name
        self._under_way: Counter[str] = Counter()

    async def receive(self, request: MicroRequest) -> None:
        """Take a request in, without waiting for its answer."""
        # The public Request does not show the reply subject, which has to be checked.
        message: Msg = request._msg
        try:
            org, sid = _sender(message)
        except _Steered:
            # Answering, even with an error, would write where the agent may not.
            self._count_refusal("steered_reply")
            return
        busy = self._refusal(sid)
        if busy is not None:
            await self._refuse(message, busy)
            return
        self._under_way[sid] += 1
        task = asyncio.get_running_loop().create_task(self._work(message, org, sid), name=self._name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _refusal(self, sid: str) -> BeistandError | None:
        if sid and self._under_way[sid] >= MAX_PER_SESSION:
            return RateLimited()
        return Unavailable() if len(self.tasks) >= MAX_AT_ONCE else None

    async def _work(self, message: Msg, org: str, sid: str) -> None:
        started = time.perf_counter_ns()
        # What an agent sends along is no trace context of ours.
        context = Context() if sid else extract(message.headers)
        try:
            with tracer.start_as_current_span(self._name, context=context, kind=SpanKind.SERVER) as span:
                refusal = await self._answer(message, org, sid)
                if refusal is not None:
                    span.set_status(Status(StatusCode.ERROR, refusal.code))
        except UNREACHABLE:
            self._count_refusal("answer_lost")
        finally:
            self.figures.busy += time.perf_counter_ns() - started
            self.figures.done += 1
            self._under_way[sid] -= 1
            self._under_way += Counter()  # drops what is back at zero

    async def _answer(self, message: Msg, org: str, sid: str) -> BeistandError | None:
        try:
            asked = Request(parse(self._endpoint.message, message.data), org, sid)
            answer = _encoded(await self._endpoint.handler(asked))
        except BeistandError as error:
            await self._refuse(message, error)
            return error
        except Exception:
            log.exception("request failed", extra={"endpoint": self._name})
            internal = BeistandError()
            await self._refuse(message, internal)
            return internal
        if message.reply:
            await self._client.publish(message.reply, answer)
        return None

    async def _refuse(self, message: Msg, error: BeistandError) -> None:
        self._count_refusal(error.code)
        log.info("request refused", extra={"endpoint": self._name, "code": error.code})
        if not message.reply:
            return
        headers = {ERROR_CODE_HEADER: str(error.status), ERROR_HEADER: error.code}
        await self._client.publish(message.reply, error.detail.encode(), headers=headers)

    def _count_refusal(self, code: str) -> None:
        self.figures.errors += 1
        self.figures.last_error = code
        self.figures.refusals[code] += 1
        _refusals.add(1, {"endpoint": self._name, "code": code})


class _Steered(Exception):
    """An agent's request that wants its answer anywhere but in the session's own inbox."""


def _sender(message: Msg) -> tuple[str, str]:
    """Organisation and session of an agent's request, ('', '') for one between services."""
    if not message.subject.startswith(("bst.up.", "bst.posted.", "bst.devup.")):
        return "", ""
    try:
        address = subjects.parse(message.subject)
    except InvalidMessage:
        raise _Steered from None
    # A posted one comes from the gateway, which wants the answer itself.
    if address.family != "posted" and not subjects.is_own_inbox(message.reply, address.sid):
        raise _Steered
    return address.org, address.sid


def _encoded(answer: BaseModel) -> bytes:
    data = answer.model_dump_json(exclude_none=True).encode()
    if len(data) > MAX_ANSWER:
        raise TooLarge("The answer is too large; ask for less.")
    return data


def _span_name(subject: str) -> str:
    """The subject without anything that names a session."""
    tokens = subject.split(".")
    return subject if tokens[1:2] == ["srv"] else ".".join((*tokens[:2], *tokens[4:5]))
