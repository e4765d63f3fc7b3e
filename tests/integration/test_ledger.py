"""The ledger on a real server: complete, in order, once, whatever stops in between."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from beistand.bus import keys as key_files
from beistand.bus import rpc
from beistand.bus.connection import connect
from beistand.bus.permissions import Bucket
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.bus.store import Store
from beistand.protocol import records, signing, subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError, NotFound, Unavailable, WrongState
from beistand.protocol.messages import (
    DeviceEntry,
    GrantEntry,
    Receipt,
    ReceiptWanted,
    RequestState,
    SessionEntry,
)
from beistand.protocol.records import Cause, Decision, End, Hello, Outcome, ReceiptRequest, Revocation
from services.consent import adapters
from services.consent.adapters import Pen, Shelf
from services.consent.ledger import JetStreamLedger
from services.session import app as session_app
from tests.integration.conftest import eventually
from tests.support.agent_wire import AgentWire, new_id
from tests.support.core_services import Technician, receipt_of, running
from tests.support.receipts import checked, kinds

pytestmark = pytest.mark.integration

SERVER_RESTARTS_WITHIN_S = 40
"""Until a killed broker serves devices again: every service signs in first, one after the other."""


@pytest.fixture
def service_settings() -> dict[str, Any]:
    """A question may follow a no at once."""
    return {"consent_pause_s": 0}


async def complete(technician: Technician, sid: str, count: int) -> Receipt:
    """The receipt once it has so many records: the end is stored after it has taken effect."""

    async def is_complete() -> bool:
        with suppress(BeistandError):
            return len((await receipt_of(technician, sid)).records) >= count
        return False

    await eventually(is_complete)
    return await receipt_of(technician, sid)


async def handed_over(agent: AgentWire, services: Client, *held: str, seed: bytes | None = None) -> Receipt:
    place = agent.seq, agent.prev
    jws = _request(agent, seed=seed)
    agent.seq, agent.prev = place
    wanted = ReceiptWanted(org=agent.org, session_id=agent.sid, jws=jws, records=held)
    return await rpc.call(services, subjects.Service.CONSENT_HAND_OVER, wanted, Receipt)


def _request(agent: AgentWire, *, seed: bytes | None = None) -> str:
    record = ReceiptRequest(org=agent.org, sid=agent.sid, asked_at=adapters.utc_now())
    return signing.sign(record, seed or agent.seed)


async def test_a_whole_session_is_a_receipt_that_holds(technician: Technician, agent: AgentWire) -> None:
    await technician.ask(agent.sid)
    view = await agent.allow_next()
    await technician.ask(agent.sid, Capability.CONTROL)
    ask, ask_jws = await agent.question()
    await agent.answer(ask, ask_jws, outcome=Outcome.DENIED)
    await agent.pause(paused=True)
    await agent.pause(paused=False)
    await agent.revoke(view.request_id)
    withdrawn = await technician.ask(agent.sid)
    await technician.withdraw(agent.sid, withdrawn.id)
    await agent.end()
    receipt = await complete(technician, agent.sid, 10)
    assert kinds(receipt) == [
        *("hello", "ask", "decision", "ask", "decision"),
        *("pause", "pause", "revocation", "ask", "end"),
    ]
    found = checked(receipt)
    assert isinstance(found[2], Decision)
    assert found[2].outcome is Outcome.GRANTED
    assert (receipt.technician_name, receipt.organisation_name) == ("Tina", "Acme")
    again = await receipt_of(technician, agent.sid)
    assert again == receipt.model_copy(update={"created_at": again.created_at})


async def test_there_is_no_receipt_before_the_end_nor_for_others(
    technician: Technician, agent: AgentWire, services: Client
) -> None:
    with pytest.raises(WrongState):
        await receipt_of(technician, agent.sid)
    with pytest.raises(WrongState):
        await handed_over(agent, services)
    await technician.end(agent.sid)
    with pytest.raises(NotFound):
        await receipt_of(Technician(services, org=technician.org), agent.sid)
    with pytest.raises(BeistandError) as refusal:
        await handed_over(agent, services, seed=b"x" * 32)
    assert refusal.value.code == "bad_signature"
    assert kinds(await handed_over(agent, services)) == ["hello"]


async def test_a_session_nobody_joined_has_no_receipt(technician: Technician) -> None:
    created = await technician.create()
    await technician.end(created.session.id)
    with pytest.raises(WrongState):
        await receipt_of(technician, created.session.id)


async def test_hellos_after_a_reconnect_stand_in_the_chains_order(
    technician: Technician, agent: AgentWire
) -> None:
    await technician.ask(agent.sid)
    await agent.allow_next()
    await agent.hello()
    await agent.pause(paused=True)
    await agent.hello()
    await technician.end(agent.sid)
    receipt = await receipt_of(technician, agent.sid)
    checked(receipt)
    assert kinds(receipt) == ["hello", "ask", "decision", "hello", "pause", "hello"]


async def test_the_device_brings_what_the_service_never_heard(
    technician: Technician, agent: AgentWire, services: Client
) -> None:
    held = (agent.sign(records.Pause, paused=True), agent.sign(End, cause=Cause.END_SESSION))
    await technician.end(agent.sid)
    receipt = await handed_over(agent, services, *held)
    checked(receipt)
    assert kinds(receipt) == ["hello", "pause", "end"]
    assert (await handed_over(agent, services, *held)).records == receipt.records


# --- replicas, crashes, silence ------------------------------------------------------------------------


@asynccontextmanager
async def ledger_of(bus: BusSettings) -> AsyncIterator[tuple[JetStreamLedger, Client]]:
    """The ledger of one replica, with the consent service's own identity and key."""
    client = await connect(bus, "consent")
    try:
        shelf = Shelf(
            await Store.open(client, Bucket.GRANTS, GrantEntry),
            await Store.open(client, Bucket.SESSIONS, SessionEntry),
            await Store.open(client, Bucket.DEVICES, DeviceEntry),
        )
        pen = Pen(key_files.read_raw(bus.keys, key_files.CONSENT_SEED))
        yield JetStreamLedger(client, pen=pen, shelf=shelf, clock=adapters.utc_now), client
    finally:
        await client.close()


async def session_entry(bus: BusSettings, agent: AgentWire) -> SessionEntry:
    client = await connect(bus, "session")
    try:
        stored = await (await Store.open(client, Bucket.SESSIONS, SessionEntry)).get(
            f"{agent.org}.{agent.sid}"
        )
    finally:
        await client.close()
    assert stored is not None
    return stored.value


async def test_two_replicas_store_a_record_once(
    bus_settings: BusSettings, technician: Technician, agent: AgentWire
) -> None:
    session = await session_entry(bus_settings, agent)
    held = [agent.sign(records.Pause, paused=bool(turn % 2)) for turn in range(6)]
    verified = [_verified(agent, jws) for jws in held]
    async with ledger_of(bus_settings) as (one, _), ledger_of(bus_settings) as (other, _):
        for record, jws in zip(verified, held, strict=True):
            lines = await asyncio.gather(
                *(ledger.append(session, record, jws) for ledger in (one, other, one, other))
            )
            assert len({line.entry_jws for line in lines}) == 1
        assert (await one.read(session)).lines == (await other.read(session)).lines
    await technician.end(agent.sid)
    receipt = await receipt_of(technician, agent.sid)
    checked(receipt)
    assert kinds(receipt) == ["hello", *["pause"] * 6]


def _verified(agent: AgentWire, jws: str) -> records.Pause:
    return signing.verify(jws, signing.public_key_of(agent.seed), records.Pause)


async def test_silence_is_resolved_by_reading_back(tmp_path: Path, keys: Path) -> None:
    """The server takes the record and does not answer in time: stored once, with one entry."""
    async with EmbeddedServer(tmp_path, keys) as server:
        bus = BusSettings(nats_url=server.url, keys=keys)
        async with running(bus) as client:
            technician = Technician(client, org="acme")
            _, agent = await technician.in_session()
            async with agent:
                await agent.hello()
                session = await session_entry(bus, agent)
                jws = agent.sign(records.Pause, paused=True)
                async with ledger_of(bus) as (ledger, _):
                    await ledger.read(session)
                    publish = ledger._js.publish

                    async def unanswered(*arguments: object, **options: object) -> None:
                        """The message arrives; its acknowledgement is lost on the way."""
                        await publish(*arguments, **options)  # type: ignore[arg-type]
                        ledger._js.publish = publish  # type: ignore[method-assign]
                        raise TimeoutError

                    ledger._js.publish = unanswered  # type: ignore[method-assign,assignment]
                    line = await ledger.append(session, _verified(agent, jws), jws)
                    assert (await ledger.append(session, _verified(agent, jws), jws)) == line
                    assert [each.jws for each in (await ledger.read(session)).lines].count(jws) == 1


async def test_the_server_dies_between_decision_and_answer(tmp_path: Path, keys: Path) -> None:
    """SIGKILL of JetStream's leader: the grant is neither lost nor doubled."""
    server = EmbeddedServer(tmp_path, keys)
    await server.start()
    bus = BusSettings(nats_url=server.url, keys=keys)
    try:
        async with running(bus) as client:
            technician = Technician(client, org="acme")
            _, agent = await technician.in_session()
            agent.gives_up_after = SERVER_RESTARTS_WITHIN_S
            async with agent:
                await agent.hello()
                await technician.ask(agent.sid)
                decision = agent.decide(*await agent.question())
                sending = asyncio.create_task(agent.send(subjects.Up.DECISION, "decision", decision))
                await asyncio.sleep(0)  # the request is written; how far it gets is chance, as in life
                process = server._process
                assert process is not None
                process.send_signal(signal.SIGKILL)
                await process.wait()
                with suppress(BeistandError):
                    await sending
                await server.start()
                recorded = await _retried(agent, decision)
                assert recorded == await agent.send(subjects.Up.DECISION, "decision", decision)
                states = [each.state for each in (await technician.requests(agent.sid)).values()]
                assert states == [RequestState.LIVE]
                await technician.end(agent.sid)
                receipt = await receipt_of(technician, agent.sid)
                checked(receipt)
                assert [line.jws for line in receipt.records].count(decision) == 1
    finally:
        await server.stop()


async def _retried(agent: AgentWire, decision: str) -> object:
    answers: list[object] = []

    async def is_answered() -> bool:
        with suppress(Unavailable, NatsError):
            answers.append(await agent.send(subjects.Up.DECISION, "decision", decision))
        return bool(answers)

    await eventually(is_answered, within=SERVER_RESTARTS_WITHIN_S)
    return answers[0]


async def test_a_consent_service_that_is_killed_leaves_no_gap(bus_settings: BusSettings) -> None:
    stop = asyncio.Event()
    options = {"nats_url": bus_settings.nats_url, "keys": bus_settings.keys}
    settings = session_app.Settings(
        **options,
        agent_nats_urls=bus_settings.nats_url,
        session_health_port=0,  # type: ignore[arg-type]
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session_app.serve(settings, stop))
        gateway = await connect(bus_settings, "gateway")
        try:
            await _through_a_kill(bus_settings, Technician(gateway, org=f"org-{new_id()[:8]}"))
        finally:
            stop.set()
            await gateway.close()


async def _through_a_kill(bus: BusSettings, technician: Technician) -> None:
    async with _consent_process(bus, technician) as process, _joined(technician) as agent:
        await technician.ask(agent.sid)
        view = await agent.allow_next()
        process.kill()
        await process.wait()
        revocation = agent.sign(Revocation, grant_ids=(view.request_id,), cause=Cause.STOP_SHARING)
        with pytest.raises(Unavailable):
            await agent.send(subjects.Up.REVOKED, "revocation", revocation)
        await agent.hello()  # a reconnect while nobody keeps the ledger
        async with _consent_process(bus, technician):
            await agent.send(subjects.Up.REVOKED, "revocation", revocation)
            await agent.end()
            receipt = await complete(technician, agent.sid, 6)
    found = checked(receipt)
    assert kinds(receipt) == ["hello", "ask", "decision", "revocation", "hello", "end"]
    assert sum(isinstance(record, Hello) for record in found) == 2


@asynccontextmanager
async def _joined(technician: Technician) -> AsyncIterator[AgentWire]:
    """A device that has said hello."""
    _, agent = await technician.in_session()
    async with agent:
        await agent.hello()
        yield agent


@asynccontextmanager
async def _consent_process(
    bus: BusSettings, technician: Technician
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service as a process of its own, answering; gone afterwards, whatever happens."""
    environment = {
        **os.environ,
        "BEISTAND_NATS_URL": bus.nats_url,
        "BEISTAND_KEYS": str(bus.keys),
        "BEISTAND_CONSENT_HEALTH_PORT": "0",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.consent.app", env=environment, stderr=asyncio.subprocess.DEVNULL
    )

    async def answers() -> bool:
        try:
            await technician.requests(new_id())
        except Unavailable:
            return False
        except BeistandError:
            return True
        return True

    try:
        await eventually(answers)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
