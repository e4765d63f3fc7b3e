"""Wiring of the consent service: settings, connections, tables, loops; nothing is decided here."""

import asyncio
import logging
from datetime import timedelta
from typing import Final

from beistand import runtime
from beistand.bus import keys, rpc, streams
from beistand.bus.connection import cancelled, connect
from beistand.bus.settings import BusSettings
from beistand.bus.store import Bucket, Store
from beistand.health import health_app, nats_ready, serve_http
from beistand.protocol.errors import BeistandError
from beistand.protocol.messages import DeviceEntry, GrantEntry, SessionEntry
from services.consent import grants, handlers
from services.consent.adapters import Agenda, Pen, Shelf, Wire, new_id, utc_now
from services.consent.backlog import Backlog
from services.consent.domain import Limits
from services.consent.ear import Ear
from services.consent.grants import Parts
from services.consent.ledger import JetStreamLedger

NAME: Final = "consent"
VERSION = "0.1.0"
SWEEP_EVERY_S = 0.5
AGAIN_AFTER_S = 1.0

log = logging.getLogger(__name__)


class Settings(BusSettings):
    """`BEISTAND_CONSENT_*`, `BEISTAND_HOST`."""

    host: str = "127.0.0.1"
    consent_health_port: int = 8083
    consent_answer_s: int = 60
    consent_duration_s: int = 3600
    consent_pause_s: int = 20

    @property
    def limits(self) -> Limits:
        """The durations as the domain has them."""
        return Limits(
            answer_s=self.consent_answer_s,
            duration_s=self.consent_duration_s,
            pause=timedelta(seconds=self.consent_pause_s),
        )


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run the service until `stop`; then take nothing new, finish what is under way, and leave."""
    client = await connect(settings, NAME)
    await streams.provision(client, replicas=settings.nats_replicas)
    sessions = await Store.open(client, Bucket.SESSIONS, SessionEntry)
    devices = await Store.open(client, Bucket.DEVICES, DeviceEntry)
    shelf = Shelf(await Store.open(client, Bucket.GRANTS, GrantEntry), sessions, devices)
    pen = Pen(keys.read_raw(settings.keys, keys.CONSENT_SEED))
    ledger = JetStreamLedger(client, pen=pen, shelf=shelf, clock=utc_now)
    async with asyncio.TaskGroup() as tasks:
        parts = Parts(
            shelf=shelf,
            ledger=ledger,
            backlog=Backlog(ledger, tasks),
            wire=Wire(client, utc_now),
            pen=pen,
            clock=utc_now,
            new_id=new_id,
            limits=settings.limits,
            agenda=Agenda(),
        )
        await _answer_until(stop, settings, parts, tasks)
    await client.drain()


async def _answer_until(
    stop: asyncio.Event, settings: Settings, parts: Parts, tasks: asyncio.TaskGroup
) -> None:
    client = parts.wire.client
    ear = Ear(client, parts, tasks)
    await ear.open()
    service = await rpc.serve(client, name=NAME, version=VERSION, endpoints=handlers.endpoints(parts))
    loops = [
        tasks.create_task(_follow(parts), name="follow the buckets"),
        tasks.create_task(_sweep(parts), name="sweep grants"),
    ]
    app = health_app(nats_ready(client))
    async with serve_http(app, host=settings.host, port=settings.consent_health_port):
        await stop.wait()
    await ear.close()
    await service.stop()
    parts.backlog.close()
    for loop in loops:
        await cancelled(loop)


async def _follow(parts: Parts) -> None:
    """Keep the agenda as the bucket is; once it is, also close what ended sessions left open."""
    while True:
        try:
            await _follow_once(parts)
        except* BeistandError as met:  # a task group raises all it met as one
            log.warning("watch interrupted: %s", met)
        await asyncio.sleep(AGAIN_AFTER_S)


async def _follow_once(parts: Parts) -> None:
    async with (
        parts.shelf.grants.watch("*.*.*") as entries,
        asyncio.TaskGroup() as tasks,
    ):
        async for stored in entries:
            if stored is None:
                tasks.create_task(_close_after_sessions(parts, tasks), name="follow sessions")
            else:
                parts.agenda.note(stored.value)


async def _close_after_sessions(parts: Parts, tasks: asyncio.TaskGroup) -> None:
    async with parts.shelf.sessions.watch("*.*") as sessions:
        async for stored in sessions:
            if stored is None or stored.value.state not in grants.OVER:
                continue
            if parts.agenda.has_open(stored.value):
                tasks.create_task(_close_after(parts, stored.value), name="close after a session")


async def _close_after(parts: Parts, session: SessionEntry) -> None:
    """Close what an ended session left open; tried until it is done, and no other session waits for it."""
    while parts.agenda.has_open(session):
        try:
            return await grants.session_over(parts, session.org, session.sid)
        except BeistandError as error:
            log.warning("grants not closed yet", extra={"sid": session.sid, "code": error.code})
        except Exception:  # an entry nobody foresaw must not end the watch of all the others
            log.exception("grants not closed yet", extra={"sid": session.sid})
        await asyncio.sleep(AGAIN_AFTER_S)
    return None


async def _sweep(parts: Parts) -> None:
    while True:
        try:
            await grants.sweep(parts)
        except BeistandError as error:
            log.warning("sweep interrupted", extra={"code": error.code})
        await asyncio.sleep(SWEEP_EVERY_S)


def main() -> None:
    """The process."""
    runtime.run(NAME, lambda stop: serve(Settings(), stop))


if __name__ == "__main__":
    main()
