"""The engine when things go wrong: forged questions, silent persons, services and buses that are away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client

from agent.engine import link
from agent.engine.key import DeviceKey
from agent.port import Answer, Phase
from beistand.bus import rpc
from beistand.bus.connection import connect
from beistand.bus.keys import CONSENT_SEED, read_raw
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.protocol import messages, signing, subjects
from beistand.protocol.errors import NotFound, Unavailable
from beistand.protocol.messages import AskDown, Join, Joined, Lease, Party, RequestState
from beistand.protocol.records import Cause
from services.consent import app as consent_app
from services.session import app as session_app
from tests.support.core_services import PATIENCE_S, Technician, new_id, running
from tests.support.person import Person, person_at, person_by_http, until
from tests.support.questions import an_ask

pytestmark = pytest.mark.integration


@asynccontextmanager
async def _one(serve: object, settings: object) -> AsyncIterator[None]:
    """One service, which goes away at the end."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(settings, stop), name="service")  # type: ignore[operator]
        try:
            yield
        finally:
            stop.set()


def _technician(services: Client) -> Technician:
    return Technician(services, org=f"org-{new_id()[:8]}")


async def _join(technician: Technician, person: Person) -> str:
    created = await technician.create()
    await person.joins(created.code)
    return created.session.id


async def _becomes(technician: Technician, sid: str, request_id: str, state: RequestState) -> None:
    async def is_so() -> bool:
        try:
            found = (await technician.requests(sid)).get(request_id)
        except Unavailable:
            return False
        return found is not None and found.state is state

    await until(is_so)


async def test_a_silent_person_means_no(bus_settings: BusSettings) -> None:
    async with running(bus_settings, consent_answer_s=5) as services, person_by_http(services) as person:
        technician = _technician(services)
        sid = await _join(technician, person)
        asked = await technician.ask(sid)
        question = await person.question()
        await person.sees(lambda view: not view.questions)
        person.says(question, Answer.ALLOW)  # too late
        await _becomes(technician, sid, asked.id, RequestState.TIMED_OUT)
        assert person.media.started == []


@pytest.mark.parametrize("forgery", ["another key", "another session", "nonsense"])
async def test_a_forged_question_is_never_shown(bus_settings: BusSettings, keys: Path, forgery: str) -> None:
    async with running(bus_settings) as services, person_by_http(services) as person:
        technician = _technician(services)
        sid = await _join(technician, person)
        consent_seed = read_raw(keys, CONSENT_SEED)
        forged = {
            "another key": signing.sign(an_ask(org=technician.org, sid=sid), bytes(32)),
            "another session": signing.sign(an_ask(org=technician.org), consent_seed),
            "nonsense": "x" * 100,
        }[forgery]
        consent = await connect(bus_settings, "consent")
        subject = subjects.down(technician.org, sid, subjects.Down.ASK)
        await consent.publish(subject, messages.encode(AskDown(jws=forged)))
        await consent.publish(subject, b'{"type": "ask"}')
        await consent.flush()
        await consent.close()
        # What comes after it is heard, so the forgery was heard, too.
        genuine = await technician.ask(sid)
        await person.sees(lambda view: bool(view.questions))
        shown = {question.request_id for view in person.seen for question in view.questions}
        assert shown == {genuine.id}


@pytest.fixture
async def clients(bus_settings: BusSettings) -> AsyncIterator[dict[str, Client]]:
    """Connections with the gateway's and a relay's identity."""
    found = {"gateway": await connect(bus_settings, "gateway"), "relay": await connect(bus_settings, "relay")}
    yield found
    for client in found.values():
        await client.close()


async def test_a_stop_while_the_consent_service_is_away_is_told_later(
    bus_settings: BusSettings, clients: dict[str, Client]
) -> None:
    ports = {"session_health_port": 0, "consent_health_port": 0}
    bus = {"nats_url": bus_settings.nats_url, "keys": bus_settings.keys}
    session = session_app.Settings(**bus, **ports, agent_nats_urls=bus_settings.nats_url)  # type: ignore[arg-type]
    consent = consent_app.Settings(**bus, **ports)  # type: ignore[arg-type]
    technician, relay = _technician(clients["gateway"]), clients["relay"]
    async with _one(session_app.serve, session), person_by_http(technician.services) as person:
        async with _one(consent_app.serve, consent):
            await until(lambda: _answers(technician))
            sid = await _join(technician, person)
            await technician.ask(sid)
            view = await person.allows()
        heard = await relay.subscribe(subjects.up(technician.org, sid, subjects.Up.REVOKED))
        await relay.flush()
        person.engine.stop_sharing()
        assert person.gate.live_views() == ()
        await heard.next_msg(PATIENCE_S)  # relays hear it at once, consent service or not
        await person.sees(lambda seen: "delivery_pending" in seen.notices)
        async with _one(consent_app.serve, consent):
            await _becomes(technician, sid, view, RequestState.REVOKED)
            found = (await technician.requests(sid))[view]
            assert (found.closed_by, found.cause) == (Party.CUSTOMER, Cause.STOP_SHARING)


async def _answers(technician: Technician) -> bool:
    try:
        await technician.sessions()
        await technician.requests(new_id())
    except Unavailable:
        return False
    except NotFound:
        return True
    return True


async def test_a_lost_bus_ends_every_access_and_the_session_goes_on(keys: Path, tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path, keys) as server:
        bus = BusSettings(nats_url=server.url, keys=keys)
        async with running(bus) as services, person_by_http(services) as person:
            technician = _technician(services)
            sid = await _join(technician, person)
            await technician.ask(sid)
            view = await person.allows()
            await server.stop()
            await person.sees(lambda seen: seen.phase is Phase.RECONNECTING)
            assert person.gate.live_views() == ()
            assert person.view.accesses == ()
            await server.start()
            await person.sees(lambda seen: seen.phase is Phase.SESSION)
            await _becomes(technician, sid, view, RequestState.REVOKED)
            relay = await connect(bus, "relay")
            leases = await relay.subscribe(subjects.up(technician.org, sid, subjects.Up.LEASE))
            lease = messages.parse(Lease, (await leases.next_msg(PATIENCE_S)).data)
            assert lease == Lease()
            await relay.close()
            await technician.ask(sid)
            assert await person.allows() != view


async def test_when_the_media_connection_is_lost_every_key_goes_up(bus_settings: BusSettings) -> None:
    heard: list[link.Ears] = []

    async def dialled(joined: Joined, key: DeviceKey, ears: link.Ears) -> link.Link:
        heard.append(ears)
        return await link.dial(joined, key, ears)

    async with running(bus_settings) as services, person_at(_look_up_at(services), dialled) as person:
        await _join(_technician(services), person)
        assert person.injector.releases == 0
        heard[0].lost("media")
        assert person.injector.releases >= 1


def _look_up_at(services: Client) -> Callable[[str, str], Awaitable[Joined]]:
    """A look-up for the engine's loop that asks on this one."""
    loop = asyncio.get_running_loop()

    async def look_up(code: str, agent_key: str) -> Joined:
        asked = rpc.call(
            services, subjects.Service.SESSION_JOIN, Join(code=code, agent_key=agent_key), Joined
        )
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asked, loop))

    return look_up


async def test_when_the_engine_itself_breaks_the_session_is_left_and_its_connections_closed(
    bus_settings: BusSettings,
) -> None:
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def dialled(joined: Joined, key: DeviceKey, ears: link.Ears) -> link.Link:
        opened = await link.dial(joined, key, ears)
        close = opened.close

        async def noted() -> None:
            await close()
            loop.call_soon_threadsafe(closed.set)

        opened.close = noted  # type: ignore[method-assign]
        return opened

    async with running(bus_settings) as services, person_at(_look_up_at(services), dialled) as person:
        await _join(_technician(services), person)
        person.engine._call(person.engine._failed, "anything", ValueError())
        view = await person.sees(lambda view: view.phase is Phase.ENDED)
        assert (view.ended_by, view.ended_cause) == (Party.SYSTEM, Cause.AGENT_LOST)
        async with asyncio.timeout(PATIENCE_S):
            await closed.wait()
