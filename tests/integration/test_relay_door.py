"""Who does not get in at the relay: origins, paths, tickets, forged and borrowed grants."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nats.aio.client import Client
from websockets.exceptions import InvalidStatus

from beistand.bus import keys
from beistand.bus.connection import connect
from beistand.bus.permissions import Bucket
from beistand.bus.settings import BusSettings, SettingsError
from beistand.bus.store import Store
from beistand.protocol import signing
from beistand.protocol.messages import GrantEntry, ViewerShown
from beistand.protocol.records import Ask, Entry
from services.relay import app as relay_app
from tests.support.core_services import new_id
from tests.support.relay_stage import Stage, staged

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(bus_settings: BusSettings) -> AsyncIterator[Stage]:
    async with staged(bus_settings) as stage:
        yield stage


async def refused(stage: Stage, ticket: str) -> int:
    """The close code a viewer with this ticket gets; it must never be let in."""
    async with stage.viewer() as viewer:
        await viewer.hello(ticket)
        code = await viewer.close_code()
        assert viewer.texts("relay.ready") == []
        assert viewer.frames == []
        assert viewer.texts("relay.stopped") != []
        return code


# --- before the upgrade -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [None, "null", "https://evil.example", "http://localhost:8080.evil.example", "http://localhost", "*", ""],
)
async def test_a_foreign_origin_is_refused_before_the_upgrade(stage: Stage, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with stage.viewer(origin=origin):
            pass
    assert refusal.value.response.status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/v1/view/", "/v1/view?ticket=x", "//v1/view", "/v1/%76iew", "/v1/view;x", "/V1/view"]
)
async def test_any_other_path_is_not_there(stage: Stage, path: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with stage.viewer(path=path):
            pass
    assert refusal.value.response.status_code == 404


async def test_a_taken_port_is_said_in_one_line(bus_settings: BusSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = relay_app.Settings(
            nats_url=bus_settings.nats_url,
            keys=bus_settings.keys,
            relay_port=taken.getsockname()[1],
            relay_health_port=0,
        )
        with pytest.raises(SettingsError, match="cannot listen"):
            await unpacked(relay_app.serve(settings, asyncio.Event()))


async def unpacked(work: Any) -> None:
    """Raise what a task group raised as itself."""
    try:
        await work
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


# --- tickets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first", ["{}", "x", b"x", '{"type":"viewer.refresh"}', '{"type":"viewer.hello"}', "x" * 9000]
)
async def test_anything_but_a_hello_is_not_understood(stage: Stage, first: str | bytes) -> None:
    async with stage.viewer() as viewer:
        await viewer.say(first)
        assert await viewer.close_code() == 4400


async def test_silence_is_closed(stage: Stage) -> None:
    async with stage.viewer() as viewer:
        assert await viewer.close_code() == 4401


async def test_a_made_up_ticket_is_refused(stage: Stage) -> None:
    await stage.allow()
    assert await refused(stage, "A" * 43) == 4401


@pytest.mark.parametrize(
    "changes",
    [
        {"audience": "events"},
        {"audience": "agent"},
        {"technician_id": None},
        {"expires_at": datetime.now(UTC) - timedelta(seconds=1)},
    ],
    ids=["for events", "for an agent", "nobody's", "expired"],
)
async def test_a_ticket_for_something_else_is_refused(stage: Stage, changes: dict[str, Any]) -> None:
    await stage.allow()
    assert await refused(stage, await stage.ticket(**changes)) == 4401


async def test_a_ticket_is_good_for_one_socket(stage: Stage) -> None:
    await stage.allow()
    ticket = await stage.ticket()
    async with stage.viewer() as viewer:
        await viewer.hello(ticket)
        await viewer.until("relay.ready")
        assert await refused(stage, ticket) == 4401
        await viewer.say(ViewerShown(seq=1))


async def test_of_fifty_sockets_with_one_ticket_one_gets_in(stage: Stage) -> None:
    await stage.allow()
    ticket = await stage.ticket()

    async def outcome() -> str:
        async with stage.viewer() as viewer:
            await viewer.hello(ticket)
            closed = asyncio.ensure_future(viewer.close_code())
            ready = asyncio.ensure_future(viewer.until("relay.ready"))
            await asyncio.wait({closed, ready}, return_when=asyncio.FIRST_COMPLETED)
            is_in = ready.done() and ready.exception() is None
            result = "in" if is_in else str(await closed)
            for future in (closed, ready):
                future.cancel()
            await asyncio.gather(closed, ready, return_exceptions=True)
            return result

    outcomes = await asyncio.gather(*(outcome() for _ in range(50)))
    assert sorted(outcomes) == ["4401"] * 49 + ["in"]


# --- grants -----------------------------------------------------------------------------------


async def test_without_a_yes_there_is_no_picture(stage: Stage) -> None:
    await stage.technician.ask(stage.sid)
    assert await refused(stage, await stage.ticket()) == 4403


async def test_another_technicians_grant_lets_nobody_else_in(stage: Stage) -> None:
    await stage.allow()
    assert await refused(stage, await stage.ticket(technician_id=new_id())) == 4403


async def test_another_sessions_ticket_shows_nothing_of_this_one(stage: Stage) -> None:
    await stage.allow()
    assert await refused(stage, await stage.ticket(sid=new_id())) == 4410
    assert await refused(stage, await stage.ticket(org="another")) == 4410


@pytest.mark.parametrize("by_forger", [False, True], ids=["around the real yes", "with a yes of its own"])
async def test_a_grant_forged_in_the_store_never_shows_a_frame(
    stage: Stage, bus_settings: BusSettings, by_forger: bool
) -> None:
    """A taken-over consent service can write and countersign what it likes, but not sign for the device."""
    real, thief = await stage.allow(), new_id()
    grants, consent = await consent_store(bus_settings)
    key = f"{stage.technician.org}.{stage.sid}.{real}"
    stored = await grants.get(key)
    assert stored is not None
    entry = stored.value.model_copy(update={"technician_id": thief})
    if by_forger:
        entry = forged(stage, entry, keys.read_raw(bus_settings.keys, keys.CONSENT_SEED))
    await grants.update(key, entry, revision=stored.revision)
    await consent.close()
    async with stage.viewer() as viewer:
        await viewer.hello(await stage.ticket(technician_id=thief))
        await stage.frame(real, key=True)
        assert await viewer.close_code() == 4403
        assert (await viewer.until("relay.stopped"))["code"] == "bad_signature"
        assert viewer.frames == []


async def consent_store(bus_settings: BusSettings) -> tuple[Store[GrantEntry], Client]:
    client = await connect(bus_settings, "consent")
    return await Store.open(client, Bucket.GRANTS, GrantEntry), client


def forged(stage: Stage, entry: GrantEntry, consent_seed: bytes) -> GrantEntry:
    """Ask and countersignature are perfect; only the device's signature is somebody else's."""
    ask = signing.verify(entry.ask_jws, signing.public_key_of(consent_seed), Ask)
    ask = ask.model_copy(update={"technician_id": entry.technician_id})
    ask_jws = signing.sign(ask, consent_seed)
    decision_jws = stage.agent.decide(ask, ask_jws, seed=b"\7" * 32)
    receipt = signing.verify(entry.entry_jws or "", signing.public_key_of(consent_seed), Entry)
    receipt = receipt.model_copy(update={"record_hash": signing.hash_of(decision_jws)})
    signed = {
        "ask_jws": ask_jws,
        "decision_jws": decision_jws,
        "entry_jws": signing.sign(receipt, consent_seed),
    }
    return entry.model_copy(update=signed)
