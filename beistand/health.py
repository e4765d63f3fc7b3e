"""How a service tells that it lives and can work, and how it serves HTTP inside its own event loop."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from nats.aio.client import Client
from starlette.types import ASGIApp

from beistand.bus.connection import UNREACHABLE
from beistand.bus.settings import SettingsError
from beistand.protocol.errors import BeistandError, Unavailable

log = logging.getLogger(__name__)

READY_WITHIN_S = 2.0
GRACE_S = 5
PROBLEM = "application/problem+json"

Ready = Callable[[], Awaitable[None]]
"""Returns if the service can work now, raises if not."""


def nats_ready(*clients: Client) -> Ready:
    """Ready means: a round trip to NATS on every one of these connections."""

    async def ready() -> None:
        for client in clients:
            if not client.is_connected:
                raise Unavailable
            await client.flush(timeout=int(READY_WITHIN_S))

    return ready


def health_routes(ready: Ready) -> APIRouter:
    """`/healthz`: the event loop turns. `/readyz`: `ready` says so within two seconds, else 503."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @router.get("/readyz", responses={503: {"description": "A part cannot be reached."}})
    async def readyz() -> JSONResponse:
        """The service can work."""
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await ready()
        except (BeistandError, *UNREACHABLE):
            return problem(Unavailable())
        return JSONResponse({"status": "ok"})

    return router


def health_app(ready: Ready) -> FastAPI:
    """An application with nothing but the two routes, for services that serve no other HTTP."""
    app = FastAPI(title="Health", openapi_url=None)
    app.include_router(health_routes(ready))
    return app


def problem(error: BeistandError) -> JSONResponse:
    """The error as an RFC 9457 problem document."""
    body = {
        "type": f"urn:beistand:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
    }
    return JSONResponse(body, status_code=error.status, media_type=PROBLEM)


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: stopping is decided by the main of the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve_http(app: ASGIApp, *, host: str, port: int) -> AsyncIterator[int]:
    """Serve `app` while inside; yields the port (0 takes a free one). SettingsError if it is taken."""
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        # uvicorn would believe X-Forwarded-For from this machine; that is for the application to decide.
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=64 * 1024,
    )
    server = _Server(config)
    # A listening socket queues connections, so clients need not wait for the task to begin.
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(sockets=[listener]), name=f"http {port}")
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host} port {port}: {error.strerror}") from None
