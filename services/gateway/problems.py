"""Every refusal over HTTP as a problem document (RFC 9457), over WebSocket as a close code: one map for all.

What the peer gets is the error's own safe sentence; what happened inside stays in the log.
"""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect, WebSocketState

from beistand import telemetry
from beistand.protocol.errors import (
    BeistandError,
    Forbidden,
    InvalidMessage,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
)
from services.gateway.domain import LimitReached

MEDIA_TYPE = "application/problem+json"
MAX_FAULTS = 10
RETRY_AFTER_S = 60
"""How long to wait where a service refused without saying how long."""

log = logging.getLogger(__name__)
refusals = telemetry.meter.create_counter(
    "beistand.gateway.refusals", description="Refused requests by code."
)


class MethodNotAllowed(BeistandError):
    """The path exists, but not for this method."""

    code, status, title = "method_not_allowed", 405, "This is not possible with this method"


_OF_STATUS: Mapping[int, type[BeistandError]] = {
    400: InvalidMessage,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
}
"""What the framework itself refuses with."""


class Fault(BaseModel):
    """One thing wrong with a request: where (JSON pointer into body, path, query or header), and what."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """A problem document."""

    type: str = Field(examples=["urn:beistand:error:not_found"])
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable, for programs.", examples=["not_found"])
    errors: list[Fault] | None = Field(default=None, description="With invalid_message: what is wrong where.")


def answer(
    error: BeistandError, *, faults: list[Fault] | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The response for an error."""
    problem = Problem(
        type=f"urn:beistand:error:{error.code}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        code=error.code,
        errors=faults,
    )
    content = problem.model_dump(exclude_none=True)
    return JSONResponse(content, error.status, {**_headers(error), **(headers or {})}, MEDIA_TYPE)


def noted(error: BeistandError, connection: HTTPConnection) -> BeistandError:
    """Count a refusal and log it, once and without content."""
    route = getattr(connection.scope.get("route"), "path", "")
    refusals.add(1, {"code": error.code})
    log.info("refused", extra={"code": error.code, "route": route})
    return error


def install(app: FastAPI) -> None:
    """Let every refusal of the app leave as a problem document or a close code."""
    app.add_exception_handler(BeistandError, _refuse)
    app.add_exception_handler(HTTPException, _refuse_as_framework)
    app.add_exception_handler(RequestValidationError, _refuse_invalid)
    app.add_exception_handler(WebSocketRequestValidationError, _refuse_invalid)
    app.add_exception_handler(WebSocketDisconnect, _gone)


async def close(ws: WebSocket, error: BeistandError) -> None:
    """End a WebSocket for a reason: before it opened by an HTTP answer, later by close code 4000 + status."""
    if ws.application_state is WebSocketState.DISCONNECTED or ws.client_state is WebSocketState.DISCONNECTED:
        return
    if ws.application_state is WebSocketState.CONNECTING:
        await ws.send_denial_response(answer(error))
        return
    await ws.close(error.close_code, error.code)


# One handler serves requests and sockets alike (a response, or None), which the framework's types do not
# foresee; hence Any.


async def _refuse(connection: HTTPConnection, error: Exception) -> Any:
    refusal = error if isinstance(error, BeistandError) else BeistandError()
    noted(refusal, connection)
    if not isinstance(connection, WebSocket):
        return answer(refusal)
    await close(connection, refusal)
    return None


async def _gone(_connection: HTTPConnection, _error: Exception) -> Any:
    """The other side left; nobody to tell."""


async def _refuse_as_framework(request: Request, error: Exception) -> JSONResponse:
    refused = error if isinstance(error, HTTPException) else HTTPException(500)
    refusal = _OF_STATUS.get(refused.status_code, BeistandError)()
    noted(refusal, request)
    allowed = {key: value for key, value in (refused.headers or {}).items() if key.lower() == "allow"}
    return answer(refusal, headers=allowed)


async def _refuse_invalid(connection: HTTPConnection, error: Exception) -> Any:
    faults = _faults(error)
    if isinstance(connection, WebSocket):
        return await _refuse(connection, NotFound())
    if faults and all(fault.pointer.startswith("/path/") for fault in faults):
        return await _refuse(connection, NotFound())
    return answer(noted(InvalidMessage(), connection), faults=faults)


def _faults(error: Exception) -> list[Fault]:
    """Places and rules only; what was sent is not repeated."""
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    return [
        Fault(pointer=_pointer(fault["loc"]), detail=str(fault["msg"])[:200]) for fault in found[:MAX_FAULTS]
    ]


def _pointer(location: tuple[int | str, ...]) -> str:
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in location)
    return "".join(f"/{part[:60]}" for part in escaped)


def _headers(error: BeistandError) -> dict[str, str]:
    if isinstance(error, LimitReached):
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, RateLimited):
        return {"Retry-After": str(RETRY_AFTER_S)}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    return {}
