"""The gateway on a real nats-server and a real port, with accounts of every role and short ways to use it."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from beistand.bus import connection, keys
from beistand.bus.settings import BusSettings
from beistand.bus.store import Bucket, Store
from beistand.health import nats_ready, serve_http
from beistand.protocol.ids import id_from
from beistand.protocol.messages import EventsHello, EventsSnapshot, encode
from services.gateway import app as gateway_app
from services.gateway.access import Gateway, Limits
from services.gateway.accounts import Account, Passwords, Tokens
from services.gateway.adapters import Feeds
from services.gateway.domain import Limit, Role

ORIGIN = "https://console.example"
MANY = Limit(attempts=10**6, window_s=600)
PLENTY = Limits(join=MANY, join_everywhere=MANY, sign_in=MANY, sign_in_address=MANY, receipt=MANY)
"""Counters outlive a test, and all tests come from one address."""
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""What real checks cost is tested elsewhere; here only that they are right."""


def new_id() -> str:
    return id_from(secrets.token_bytes(16))


@dataclass
class Person:
    """Somebody signed in, with an HTTP client of their own."""

    account: Account
    token: str
    http: httpx.AsyncClient

    async def session(self) -> dict[str, Any]:
        """A new session as the API tells it."""
        answer = await self.http.post("/v1/sessions")
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    async def ticket(self, sid: str, audience: str = "events") -> str:
        answer = await self.http.post(f"/v1/sessions/{sid}/tickets", json={"audience": audience})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ticket"])


@dataclass
class Stage:
    """The running gateway."""

    url: str
    app: FastAPI
    gateway: Gateway
    watcher: connection.Watcher
    users: Store[Account]
    tokens: Tokens
    http: httpx.AsyncClient
    resources: AsyncExitStack

    async def person(self, role: Role = Role.TECHNICIAN, *, org: str = "acme", password: str = "") -> Person:
        """A new account, signed in; without a password nobody else can sign in to it."""
        account = Account(
            user=f"{role}-{secrets.token_hex(6)}",
            technician_id=new_id(),
            name="Tina",
            org=org,
            role=role,
            password_hash=await CHEAP.hashed(password) if password else "",
            created_at=datetime.now(UTC),
        )
        await self.users.create(account.user, account)
        token = self.tokens.issue(account, now=datetime.now(UTC))
        client = httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=20
        )
        return Person(account, token, await self.resources.enter_async_context(client))

    def events(self, sid: str, *, origin: str | None = ORIGIN, **options: Any) -> connect:
        """The event socket of a session; says nothing yet."""
        url = f"{self.url.replace('http', 'ws', 1)}/v1/sessions/{sid}/events"
        return connect(url, additional_headers={} if origin is None else {"Origin": origin}, **options)


async def hello(ws: ClientConnection, ticket: str) -> EventsSnapshot:
    """Show the ticket; what the gateway says first."""
    await ws.send(encode(EventsHello(ticket=ticket)).decode())
    return EventsSnapshot.model_validate_json(await ws.recv())


@asynccontextmanager
async def staged(
    bus: BusSettings, *, console: Path = Path("/nonexistent"), limits: Limits = PLENTY, **changes: Any
) -> AsyncIterator[Stage]:
    """The gateway up, on a free port; `changes` are settings."""
    options: dict[str, Any] = {
        "nats_url": bus.nats_url,
        "keys": bus.keys,
        "allowed_origins": ORIGIN,
    } | changes
    settings = gateway_app.Settings(**options)
    feeds = Feeds()
    watcher = connection.Watcher("gateway-control", on_disconnected=feeds.interrupted)
    seed = keys.read_text(bus.keys, keys.nats_seed("gateway"))
    await connection.open_connection(
        watcher, settings, seed=seed, inbox_prefix=connection.inbox_prefix("gateway")
    )
    feeds.attach(watcher.client)
    try:
        gateway = replace(await gateway_app.wire(settings, watcher.client, feeds, CHEAP), limits=limits)
        app = gateway_app.build(gateway, ready=nats_ready(watcher.client), console=console)
        async with serve_http(app, host="127.0.0.1", port=0) as port:
            url = f"http://127.0.0.1:{port}"
            async with AsyncExitStack() as resources:
                http = await resources.enter_async_context(httpx.AsyncClient(base_url=url, timeout=20))
                users = await Store.open(watcher.client, Bucket.USERS, Account)
                tokens = Tokens(keys.read_raw(bus.keys, keys.TOKEN_KEY))
                yield Stage(url, app, gateway, watcher, users, tokens, http, resources)
    finally:
        await watcher.client.close()
