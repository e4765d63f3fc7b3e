"""The relay as a process: settings, wiring, drain. The only place here that has a clock."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from beistand import health, runtime
from beistand.bus import keys
from beistand.bus.connection import connect
from beistand.bus.permissions import Bucket
from beistand.bus.settings import BusSettings
from beistand.bus.store import Store
from beistand.protocol.ids import id_from
from beistand.protocol.messages import GrantEntry, SessionEntry, TicketEntry
from services.relay.adapters import Bus, Outbox
from services.relay.entrance import Entrance
from services.relay.ports import Clock
from services.relay.sockets import GOING_AWAY, Door, open_door


class Settings(BusSettings):
    """`BEISTAND_` RELAY_PORT, RELAY_HEALTH_PORT, HOST, PUBLIC_URL, ALLOWED_ORIGINS (comma list)."""

    host: str = "127.0.0.1"
    relay_port: int = 8081
    relay_health_port: int = 8084
    public_url: str = "http://localhost:8080"
    allowed_origins: str = ""

    @property
    def origins(self) -> frozenset[str]:
        """Who may open a viewer socket: the listed origins, or the gateway's own."""
        listed = self.allowed_origins or self.public_url
        return frozenset(_origin(url.strip()) for url in listed.split(",") if url.strip())


def _origin(url: str) -> str:
    """Scheme, host and port as a browser sends them in `Origin` (RFC 6454, section 6.1)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


@dataclass(frozen=True)
class Ports:
    """Where a running relay listens."""

    viewers: int
    health: int


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Serve viewers until `stop`."""
    async with running(settings):
        await stop.wait()


@asynccontextmanager
async def running(settings: Settings) -> AsyncGenerator[Ports]:
    """A relay while inside; at the end its viewers are closed with 1012, so that they come back elsewhere.

    Raises SettingsError (keys, taken port) or Unavailable (NATS, buckets).
    """
    consent_key = keys.read_raw(settings.keys, keys.CONSENT_PUBLIC)
    async with AsyncExitStack() as stack:
        bus = await _connected(settings, stack)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        outbox = Outbox(bus.control)
        sending = group.create_task(outbox.run(), name="outbox")
        stack.callback(sending.cancel)
        relay = id_from(secrets.token_bytes(16))
        entrance = Entrance(bus, outbox, relay=relay, consent_key=consent_key, clock=_clock(), group=group)
        door = Door(entrance.arrived, origins=settings.origins)
        stack.push_async_callback(door.drain, GOING_AWAY)
        viewers = await open_door(door, host=settings.host, port=settings.relay_port)
        stack.callback(viewers.close)
        app = health.health_app(health.nats_ready(bus.control, bus.media))
        serving = health.serve_http(app, host=settings.host, port=settings.relay_health_port)
        yield Ports(viewers.sockets[0].getsockname()[1], await stack.enter_async_context(serving))


async def _connected(settings: Settings, stack: AsyncExitStack) -> Bus:
    control = await connect(settings, "relay")
    stack.push_async_callback(control.close)
    media = await connect(settings, "relay", purpose="media")
    stack.push_async_callback(media.close)
    return Bus(
        control=control,
        media=media,
        sessions=await Store.open(control, Bucket.SESSIONS, SessionEntry),
        grants=await Store.open(control, Bucket.GRANTS, GrantEntry),
        tickets=await Store.open(control, Bucket.TICKETS, TicketEntry),
    )


def _clock() -> Clock:
    loop = asyncio.get_running_loop()
    return Clock(monotonic=loop.time, wall=lambda: datetime.now(UTC), call_at=loop.call_at)


def main() -> None:
    """`python -m services.relay.app`."""
    runtime.run("relay", lambda stop: serve(Settings(), stop))


if __name__ == "__main__":
    main()
