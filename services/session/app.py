"""Wiring of the session service: settings, connections, tables, loops; nothing is decided here."""

import asyncio
import logging
from datetime import timedelta
from functools import partial
from typing import Final

from nats.aio.msg import Msg

from beistand import runtime
from beistand.bus import keys, rpc, streams
from beistand.bus.callout import serve_callout
from beistand.bus.connection import cancelled, connect
from beistand.bus.settings import BusSettings
from beistand.bus.store import Bucket, Store
from beistand.bus.system import System
from beistand.health import health_app, nats_ready, serve_http
from beistand.protocol import subjects
from beistand.protocol.errors import BeistandError, Unavailable
from beistand.protocol.messages import DeviceEntry, SessionEntry, TicketEntry
from services.session import handlers, lifecycle, standing
from services.session.adapters import Agenda, Shelf, SystemChance, Wire, utc_now
from services.session.codes import CodeEntry
from services.session.domain import Limits
from services.session.lifecycle import Parts

NAME: Final = "session"
VERSION = "0.1.0"
SWEEP_EVERY_S = 0.5
AGAIN_AFTER_S = 1.0

log = logging.getLogger(__name__)


class Settings(BusSettings):
    """`BEISTAND_AGENT_NATS_URLS` (comma list, as agents see it), `BEISTAND_SESSION_*`, `BEISTAND_HOST`."""

    host: str = "127.0.0.1"
    session_health_port: int = 8082
    agent_nats_urls: str = "nats://127.0.0.1:4222"
    session_waiting_s: int = 600
    session_suspended_s: int = 120
    session_limit_s: int = 8 * 3600

    @property
    def limits(self) -> Limits:
        """The durations as the domain has them."""
        return Limits(
            waiting=timedelta(seconds=self.session_waiting_s),
            suspended=timedelta(seconds=self.session_suspended_s),
            total=timedelta(seconds=self.session_limit_s),
        )


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run the service until `stop`; then take nothing new, finish what is under way, and leave."""
    client = await connect(settings, NAME)
    system = await System.connect(settings)
    await streams.provision(client, replicas=settings.nats_replicas)
    shelf = Shelf(
        sessions=await Store.open(client, Bucket.SESSIONS, SessionEntry),
        codes=await Store.open(client, Bucket.CODES, CodeEntry),
        tickets=await Store.open(client, Bucket.TICKETS, TicketEntry),
        devices=await Store.open(client, Bucket.DEVICES, DeviceEntry),
    )
    chance = SystemChance()
    async with asyncio.TaskGroup() as tasks:
        parts = Parts(
            shelf=shelf,
            wire=Wire(client, system, chance, utc_now),
            chance=chance,
            clock=utc_now,
            limits=settings.limits,
            agent_urls=tuple(url.strip() for url in settings.agent_nats_urls.split(",") if url.strip()),
            consent_key=keys.read_text(settings.keys, keys.CONSENT_PUBLIC),
            agenda=Agenda(),
            tasks=tasks,
        )
        await _answer_until(stop, settings, parts)
    await system.close()
    await client.drain()


async def _answer_until(stop: asyncio.Event, settings: Settings, parts: Parts) -> None:
    client = parts.wire.client
    loops = [
        parts.tasks.create_task(_follow(parts), name="follow sessions"),
        parts.tasks.create_task(_sweep(parts), name="sweep sessions"),
        parts.tasks.create_task(_follow_devices(parts), name="follow devices"),
    ]
    await parts.wire.system.watch_disconnects(partial(_disconnected, parts))
    await client.subscribe(subjects.up_everywhere(subjects.Up.LEASE), cb=partial(_lease, parts))
    beats = subjects.device_up_everywhere(subjects.DeviceUp.BEAT)
    await client.subscribe(beats, cb=partial(standing.beat, parts))
    answers = subjects.device_up_everywhere(subjects.DeviceUp.ANSWER)
    await client.subscribe(answers, cb=partial(standing.answered, parts))
    service = await rpc.serve(client, name=NAME, version=VERSION, endpoints=handlers.endpoints(parts))
    callout = await serve_callout(
        client, settings.keys, partial(lifecycle.admit, parts), partial(standing.admit, parts)
    )
    app = health_app(nats_ready(client))
    async with serve_http(app, host=settings.host, port=settings.session_health_port):
        await stop.wait()
    await callout.stop()
    await service.stop()
    for loop in loops:
        await cancelled(loop)


async def _disconnected(parts: Parts, server_id: str, client_id: int) -> None:
    connection = (server_id, client_id)
    device = parts.presence.owner_of(connection)
    if device is None:
        await lifecycle.disconnected(parts, connection)
    else:
        await standing.disconnected(parts, device, connection)


async def _lease(parts: Parts, message: Msg) -> None:
    """Every replica hears every lease: no queue group."""
    place = subjects.parse(message.subject)
    parts.leases.heard(f"{place.org}.{place.sid}", now=parts.clock())


async def _follow(parts: Parts) -> None:
    """Keep the agenda as the bucket is."""
    while True:
        try:
            async with parts.shelf.sessions.watch("*.*") as sessions:
                async for stored in sessions:
                    if stored is not None:
                        await lifecycle.noticed(parts, stored.value)
        except Unavailable:
            await asyncio.sleep(AGAIN_AFTER_S)


async def _follow_devices(parts: Parts) -> None:
    """Know who is connected by which connection."""
    while True:
        try:
            async with parts.shelf.devices.watch("*.*") as stored:
                async for device in stored:
                    if device is not None:
                        standing.noticed(parts, device.value)
        except Unavailable:
            await asyncio.sleep(AGAIN_AFTER_S)


async def _sweep(parts: Parts) -> None:
    while True:
        try:
            await lifecycle.sweep(parts)
            await standing.sweep(parts)
        except BeistandError as error:
            log.warning("sweep interrupted", extra={"code": error.code})
        await asyncio.sleep(SWEEP_EVERY_S)


def main() -> None:
    """The process."""
    runtime.run(NAME, lambda stop: serve(Settings(), stop))


if __name__ == "__main__":
    main()
