"""What surrounds every request before any route sees it: size, path, headers, span, and the last resort.

Plain ASGI and nothing about sessions: each class does one thing and calls the next.
"""

import asyncio
import logging
from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from beistand import telemetry
from beistand.protocol.errors import BeistandError, InvalidMessage, NotFound, TooLarge
from services.gateway import problems
from services.gateway.domain import is_plain_path

BODY_TIMEOUT_S = 10.0
"""How long a body may take to arrive."""

log = logging.getLogger(__name__)


class Traced:
    """One span per request, named by the route's template, so no identifier or secret in a path is exported.

    Always a new trace: whoever calls from outside does not choose our trace ids or what gets sampled. (The
    framework's own spans record path and query, hence not those.)
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the rest inside a span."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        method = "WS" if scope["type"] == "websocket" else scope["method"]
        with telemetry.tracer.start_as_current_span(
            method, context=Context(), kind=SpanKind.SERVER, record_exception=False
        ) as span:
            span.set_attribute("http.request.method", method)
            await self._app(scope, receive, _noting_status(send, span))
            _name_by_route(span, method, scope)


def _noting_status(send: Send, span: Span) -> Send:
    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            span.set_attribute("http.response.status_code", message["status"])
            if message["status"] >= 500:
                span.set_status(StatusCode.ERROR)
        await send(message)

    return noting


def _name_by_route(span: Span, method: str, scope: Scope) -> None:
    template = getattr(scope.get("route"), "path", None)
    if template is not None:
        span.update_name(f"{method} {template}")
        span.set_attribute("http.route", template)


class WithHeaders:
    """The same security headers on every answer; nothing under /v1 is kept by any cache."""

    def __init__(self, app: ASGIApp, *, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = dict(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add what the answer does not say itself."""

        async def adding(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/v1/"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, adding)


class Guarded:
    """Refuses paths with two readings and bodies over the limit; the unexpected becomes `internal`."""

    def __init__(self, app: ASGIApp, *, max_body: int) -> None:
        self._app = app
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is plain and small."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        answered = _Answered(send)
        try:
            _check_path(scope)
            if scope["type"] == "http":
                receive = await _whole_body(scope, receive, self._max_body)
            await self._app(scope, receive, answered)
        except BeistandError as error:
            problems.noted(error, HTTPConnection(scope))
            await _refuse(error, scope, receive, answered)
        except Exception:
            log.exception("unexpected")
            problems.refusals.add(1, {"code": BeistandError.code})
            await _refuse(BeistandError(), scope, receive, answered)


class _Answered:
    """A `send` that knows whether the answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False
        self.accepted = False

    async def __call__(self, message: Message) -> None:
        self.begun = self.begun or message["type"] != "websocket.accept"
        self.accepted = self.accepted or message["type"] == "websocket.accept"
        await self._send(message)


async def _refuse(error: BeistandError, scope: Scope, receive: Receive, answered: _Answered) -> None:
    if answered.accepted:
        await answered({"type": "websocket.close", "code": error.close_code, "reason": error.code})
        return
    if answered.begun:
        return
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, answered).send_denial_response(problems.answer(error))
        return
    await problems.answer(error)(scope, receive, answered)


def _check_path(scope: Scope) -> None:
    if not is_plain_path(scope.get("raw_path") or scope["path"].encode()):
        raise NotFound


async def _whole_body(scope: Scope, receive: Receive, limit: int) -> Receive:
    """Read the body, at most `limit` bytes, before anything else happens; then hand it on in one piece."""
    declared = Headers(scope=scope).get("content-length", "0")
    if not declared.isdecimal() or int(declared) > limit:
        raise TooLarge
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await _read(receive, limit)
    except TimeoutError:
        raise InvalidMessage("The request did not arrive in time.") from None
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def whole() -> Message:
        return pending.pop() if pending else await receive()

    return whole


async def _read(receive: Receive, limit: int) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidMessage("The request did not arrive whole.")
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > limit:
            raise TooLarge
        if not message.get("more_body", False):
            return body
