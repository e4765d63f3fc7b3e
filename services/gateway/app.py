"""The gateway's settings and wiring: the only place that knows all parts, the clock and the randomness."""

import asyncio
import hmac
import logging
import secrets
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI
from nats.aio.client import Client
from pydantic import Field, field_validator

from beistand import runtime
from beistand.bus import connection, keys
from beistand.bus.settings import BusSettings
from beistand.bus.store import Bucket, Store
from beistand.health import Ready, health_routes, nats_ready, serve_http
from beistand.protocol.messages import MAX_CONTROL, TicketEntry
from beistand.protocol.records import Name
from services.gateway import description, domain, events, handlers, pages, problems
from services.gateway.access import LIMITS, Door, Gateway
from services.gateway.accounts import Account, Accounts, Passwords, Tokens
from services.gateway.adapters import Feeds, Services
from services.gateway.edge import Guarded, Traced, WithHeaders
from services.gateway.pace import Pace
from services.gateway.state import Answers, Kept, Limiter, Tickets

CONSOLE = Path(__file__).parents[2] / "console" / "dist"

log = logging.getLogger(__name__)


class Settings(BusSettings):
    """What the gateway is told by its environment, beyond the bus (prefix `BEISTAND_`)."""

    host: str = "127.0.0.1"
    gateway_port: int = Field(default=8080, ge=0, le=65535)
    public_url: str = "http://localhost:8080"
    relay_url: str = "ws://localhost:8081/v1/view"
    allowed_origins: str = ""
    """Comma list; '' is the origin of `public_url`."""
    trusted_proxies: str = ""
    """Comma list of networks whose X-Forwarded-For is believed."""
    organisation_name: Name = "Beistand Demo"
    console_dir: Path = CONSOLE

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        origin = domain.origin_of(value)
        if not origin.startswith("http") or value.strip().rstrip("/").count("/") > 2:
            raise ValueError("must be http(s)://host[:port] without a path")
        return origin

    @field_validator("relay_url")
    @classmethod
    def _is_socket(cls, value: str) -> str:
        if not domain.origin_of(value).startswith("ws"):
            raise ValueError("must begin with ws:// or wss://")
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        return ",".join(domain.origin_of(part) for part in value.split(",") if part.strip())

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        domain.networks(value)
        return value

    @property
    def door(self) -> Door:
        """Where the gateway is and whom it lets speak."""
        return Door(
            public_url=self.public_url,
            relay_url=self.relay_url,
            organisation_name=self.organisation_name,
            allowed_origins=frozenset((self.allowed_origins or self.public_url).split(",")),
            trusted_proxies=domain.networks(self.trusted_proxies),
        )


def build(gateway: Gateway, *, ready: Ready, console: Path) -> FastAPI:
    """The application around these parts."""
    app = FastAPI(
        title=description.TITLE,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Ours is `Traced`: the framework's spans and logs record paths and error texts.
        telemetry={"tracing": False, "logs": False},
    )
    app.state.gateway = gateway
    routers = (handlers.public, handlers.router, events.router, pages.pages(console), health_routes(ready))
    for router in routers:
        app.include_router(router)
    problems.install(app)
    app.add_middleware(Guarded, max_body=MAX_CONTROL)
    app.add_middleware(WithHeaders, headers=pages.security_headers(gateway.door))
    app.add_middleware(Traced)
    app.openapi = lambda: description.document(app)  # type: ignore[method-assign]
    return app


async def wire(settings: Settings, client: Client, feeds: Feeds, passwords: Passwords) -> Gateway:
    """The real parts. Raises SettingsError (keys) or Unavailable (buckets)."""
    master = keys.read_raw(settings.keys, keys.TOKEN_KEY)
    users = await Store.open(client, Bucket.USERS, Account)
    return Gateway(
        door=settings.door,
        limits=LIMITS,
        accounts=Accounts(users, passwords, Tokens(master)),
        limiter=Limiter(await Store.open(client, Bucket.LIMITS, domain.Attempts), _derived(master, "limits")),
        pace=Pace(),
        tickets=Tickets(await Store.open(client, Bucket.TICKETS, TicketEntry)),
        answers=Answers(await Store.open(client, Bucket.LIMITS, Kept), _derived(master, "answers")),
        services=Services(client),
        feeds=feeds,
        clock=lambda: datetime.now(UTC),
        randomness=secrets.token_bytes,
    )


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run the gateway until `stop` is set."""
    feeds = Feeds()
    watcher = connection.Watcher("gateway-control", on_disconnected=feeds.interrupted)
    seed = keys.read_text(settings.keys, keys.nats_seed("gateway"))
    inbox = connection.inbox_prefix("gateway")
    await connection.open_connection(watcher, settings, seed=seed, inbox_prefix=inbox)
    client = watcher.client
    feeds.attach(client)
    try:
        gateway = await wire(settings, client, feeds, Passwords())
        app = build(gateway, ready=nats_ready(client), console=settings.console_dir)
        async with serve_http(app, host=settings.host, port=settings.gateway_port) as port:
            log.info("gateway ready", extra={"port": port})
            await stop.wait()
    finally:
        await client.close()


def _derived(master: bytes, purpose: str) -> bytes:
    return hmac.digest(master, f"beistand gateway {purpose}".encode(), "sha256")


def main() -> None:
    """Run until a signal."""
    runtime.run("gateway", lambda stop: serve(Settings(), stop))


if __name__ == "__main__":
    main()
