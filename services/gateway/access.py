"""The only doors to the routes: `Require...` for a signed-in person's permission, `ByTicket` for a WebSocket.

A route without one of them, and not listed as public, fails tests/rules/test_routes.py.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, cast

from fastapi import Depends, WebSocket
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect

from beistand.protocol.errors import Forbidden, InvalidMessage, TicketRefused, Unauthenticated
from beistand.protocol.ids import Id
from beistand.protocol.messages import Actor, EventsHello, TicketEntry, parse
from services.gateway.accounts import Accounts
from services.gateway.adapters import Feeds, Services
from services.gateway.bodies import Audience, TicketWanted
from services.gateway.domain import Limit, Network, Permission, client_address, is_allowed, limit_group
from services.gateway.pace import Pace
from services.gateway.state import Answers, Limiter, Tickets

FIRST_MESSAGE_WITHIN_S = 5.0
MAX_HELLO = 1024
MAX_TOKEN = 4096
RECORDS = Limit(attempts=120, window_s=60)


@dataclass(frozen=True)
class Limits:
    """How often strangers may try."""

    join: Limit
    join_everywhere: Limit
    sign_in: Limit
    """Per address and user name; a success begins anew."""
    sign_in_address: Limit
    receipt: Limit
    """Devices that ask for their receipts, per address."""
    record: Limit = RECORDS
    """Counted in memory: a stop waits for no store."""


LIMITS = Limits(
    join=Limit(attempts=10, window_s=60),
    join_everywhere=Limit(attempts=600, window_s=60),
    sign_in=Limit(attempts=10, window_s=300),
    sign_in_address=Limit(attempts=60, window_s=300),
    receipt=Limit(attempts=60, window_s=60),
)


@dataclass(frozen=True)
class Door:
    """Where the gateway is, as others see it, and whom it lets speak from a browser."""

    public_url: str
    relay_url: str
    organisation_name: str
    allowed_origins: frozenset[str]
    trusted_proxies: tuple[Network, ...] = ()

    @property
    def sockets_url(self) -> str:
        """Our own WebSockets: http -> ws, https -> wss."""
        return "ws" + self.public_url.removeprefix("http")


@dataclass(frozen=True)
class Gateway:
    """Everything a route may use."""

    door: Door
    limits: Limits
    accounts: Accounts
    limiter: Limiter
    pace: Pace
    tickets: Tickets
    answers: Answers
    services: Services
    feeds: Feeds
    clock: Callable[[], datetime]
    randomness: Callable[[int], bytes]


def gateway_of(connection: HTTPConnection) -> Gateway:
    """The parts this application was built with."""
    return cast(Gateway, connection.app.state.gateway)


Wired = Annotated[Gateway, Depends(gateway_of)]


def caller_of(connection: HTTPConnection, gateway: Wired) -> str:
    """Whom limits count: the caller's address, or its network."""
    peer = connection.client.host if connection.client else None
    forwarded = connection.headers.getlist("x-forwarded-for")
    return limit_group(client_address(peer, forwarded, gateway.door.trusted_proxies))


Caller = Annotated[str, Depends(caller_of)]

_bearer = HTTPBearer(auto_error=False, description="From POST /v1/auth/token; good for eight hours.")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class Require:
    """A dependency: the signed-in person, if their role has this permission."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, gateway: Wired, bearer: Bearer) -> Actor:
        """The actor, or Unauthenticated / Forbidden."""
        return await _permitted(self.permission, gateway, bearer)


class RequireForTicket:
    """A dependency like `Require`, where the permission depends on what the ticket is for."""

    permissions: Mapping[Audience, Permission] = MappingProxyType(
        {"relay": Permission.VIEW_SCREEN, "events": Permission.FOLLOW_EVENTS}
    )

    async def __call__(self, gateway: Wired, bearer: Bearer, body: TicketWanted | None = None) -> Actor:
        """The actor, or Unauthenticated / Forbidden."""
        wanted = body or TicketWanted()
        return await _permitted(self.permissions[wanted.audience], gateway, bearer)


async def _permitted(permission: Permission, gateway: Gateway, bearer: Bearer) -> Actor:
    if bearer is None or len(bearer.credentials) > MAX_TOKEN:
        raise Unauthenticated
    account = await gateway.accounts.account(bearer.credentials, now=gateway.clock())
    if not is_allowed(account.role, permission):
        raise Forbidden
    return account.actor


class ByTicket:
    """A dependency: what the ticket in the first message stands for, on a socket from one of our own pages.

    Origin first (RFC 6455 section 10.2): a foreign, absent or `null` one does not get as far as a socket.
    """

    def __init__(self, audience: Audience) -> None:
        self.audience = audience

    async def __call__(self, ws: WebSocket, session_id: Id, gateway: Wired) -> TicketEntry:
        """The redeemed ticket, on the accepted socket; Forbidden, InvalidMessage or TicketRefused."""
        if ws.headers.getlist("origin") not in [[origin] for origin in gateway.door.allowed_origins]:
            raise Forbidden("This page may not connect.")
        await ws.accept()
        hello = parse(EventsHello, await _first_text(ws), limit=MAX_HELLO)
        return await gateway.tickets.redeem(hello.ticket, self.audience, session_id, now=gateway.clock())


async def _first_text(ws: WebSocket) -> str:
    try:
        async with asyncio.timeout(FIRST_MESSAGE_WITHIN_S):
            message = await ws.receive()
    except TimeoutError:
        raise TicketRefused("No ticket arrived in time.") from None
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text = message.get("text")
    if not isinstance(text, str):
        raise InvalidMessage
    return text
