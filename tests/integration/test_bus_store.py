"""State with compare-and-set: of any number of writers one wins, and nothing is written twice or unseen."""

import asyncio
import itertools
import secrets
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nats.errors import TimeoutError as NatsTimeout

from beistand.bus.connection import connect
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.bus.store import Bucket, Conflict, Store
from beistand.bus.streams import provision
from beistand.protocol.errors import Ended, NotFound, Unavailable
from beistand.protocol.messages import SessionEntry, SessionState, TicketEntry
from tests.integration.conftest import ORG, Connect, eventually, new_id

pytestmark = pytest.mark.integration

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def ticket() -> TicketEntry:
    return TicketEntry(audience="relay", org=ORG, sid=new_id(), technician_id=new_id(), expires_at=NOW)


def entry(org: str = ORG) -> SessionEntry:
    return SessionEntry(
        org=org,
        sid=new_id(),
        organisation_name="Beistand",
        technician_id=new_id(),
        technician_name="Dana",
        state=SessionState.WAITING,
        created_at=NOW,
        waiting_until=NOW + timedelta(minutes=10),
        limit_at=NOW + timedelta(hours=12),
    )


def key_of(value: SessionEntry) -> str:
    return f"{value.org}.{value.sid}"


def new_key() -> str:
    return secrets.token_hex(32)


@pytest.fixture
async def tickets(service_client: Connect) -> Store[TicketEntry]:
    return await Store.open(await service_client("gateway"), Bucket.TICKETS, TicketEntry)


@pytest.fixture
async def sessions(service_client: Connect) -> Store[SessionEntry]:
    return await Store.open(await service_client("session"), Bucket.SESSIONS, SessionEntry)


async def won(attempt: Awaitable[object]) -> bool:
    try:
        await attempt
    except Conflict:
        return False
    return True


async def test_a_value_comes_back_as_it_was(sessions: Store[SessionEntry]) -> None:
    value = entry()
    assert await sessions.get(key_of(value)) is None
    revision = await sessions.create(key_of(value), value)
    stored = await sessions.get(key_of(value))
    assert stored is not None
    assert (stored.value, stored.revision) == (value, revision)


async def test_what_exists_cannot_be_created(tickets: Store[TicketEntry]) -> None:
    key = new_key()
    await tickets.create(key, ticket())
    with pytest.raises(Conflict):
        await tickets.create(key, ticket())


async def test_what_was_deleted_can_be_created_again(tickets: Store[TicketEntry]) -> None:
    key, again = new_key(), ticket()
    await tickets.delete(key, revision=await tickets.create(key, ticket()))
    assert await tickets.get(key) is None
    await tickets.create(key, again)
    stored = await tickets.get(key)
    assert stored is not None
    assert stored.value == again


async def test_an_old_revision_writes_nothing(sessions: Store[SessionEntry]) -> None:
    value = entry()
    old = await sessions.create(key_of(value), value)
    newer = value.model_copy(update={"state": SessionState.ACTIVE})
    await sessions.update(key_of(value), newer, revision=old)
    with pytest.raises(Conflict):
        await sessions.update(key_of(value), value, revision=old)
    with pytest.raises(Conflict):
        await sessions.delete(key_of(value), revision=old)
    stored = await sessions.get(key_of(value))
    assert stored is not None
    assert stored.value == newer


async def test_of_fifty_redeemers_one_wins(tickets: Store[TicketEntry], service_client: Connect) -> None:
    """Threat 15: a ticket is single use, over several relays at once."""
    relays = [await Store.open(await service_client("relay"), Bucket.TICKETS, TicketEntry) for _ in range(5)]
    key = new_key()
    revision = await tickets.create(key, ticket())
    results = await asyncio.gather(
        *(won(relays[number % 5].delete(key, revision=revision)) for number in range(50))
    )
    assert results.count(True) == 1
    assert await tickets.get(key) is None


async def test_of_many_creators_one_wins(tickets: Store[TicketEntry]) -> None:
    for key in (fresh := new_key(), fresh):  # once new, once after a deletion
        results = await asyncio.gather(*(won(tickets.create(key, ticket())) for _ in range(20)))
        assert results.count(True) == 1
        stored = await tickets.get(key)
        assert stored is not None
        await tickets.delete(key, revision=stored.revision)


async def test_no_change_is_lost_between_writers(sessions: Store[SessionEntry]) -> None:
    value = entry()
    await sessions.create(key_of(value), value)

    def connect_one(before: SessionEntry) -> SessionEntry:
        number = len(before.connections)
        return before.model_copy(update={"connections": (*before.connections, ("NSERVER", number))})

    await asyncio.gather(*(sessions.change(key_of(value), connect_one) for _ in range(12)))
    stored = await sessions.get(key_of(value))
    assert stored is not None
    assert [number for _, number in stored.value.connections] == list(range(12))


async def test_a_change_can_be_refused_or_empty(sessions: Store[SessionEntry]) -> None:
    value = entry()
    revision = await sessions.create(key_of(value), value)

    def refuse(_before: SessionEntry) -> SessionEntry:
        raise Ended

    with pytest.raises(Ended):
        await sessions.change(key_of(value), refuse)
    assert await sessions.change(key_of(value), lambda before: before) == value
    stored = await sessions.get(key_of(value))
    assert stored is not None
    assert stored.revision == revision, "nothing was written"
    with pytest.raises(NotFound):
        await sessions.change(f"{ORG}.{new_id()}", lambda before: before)


async def test_the_list_holds_what_is_below_a_prefix(sessions: Store[SessionEntry]) -> None:
    org = secrets.token_hex(8)
    kept, gone, elsewhere = entry(org), entry(org), entry(org + "x")
    for value in (kept, elsewhere):
        await sessions.create(key_of(value), value)
    await sessions.delete(key_of(gone), revision=await sessions.create(key_of(gone), gone))
    assert [stored.value for stored in await sessions.list(org)] == [kept]
    assert await sessions.list(secrets.token_hex(8)) == []


async def test_the_list_misses_no_key_that_is_rewritten_meanwhile(sessions: Store[SessionEntry]) -> None:
    org = secrets.token_hex(8)
    values = [entry(org) for _ in range(8)]
    for value in values:
        await sessions.create(key_of(value), value)

    listed = asyncio.Event()

    async def rewrite(value: SessionEntry) -> None:
        for number in itertools.takewhile(lambda _: not listed.is_set(), itertools.count()):
            edited = value.model_copy(update={"code_locator": str(number)})
            await sessions.change(key_of(value), lambda _, edited=edited: edited)

    async with asyncio.TaskGroup() as group:
        for value in values[:2]:
            group.create_task(rewrite(value))
        for _ in range(40):
            assert {stored.value.sid for stored in await sessions.list(org)} == {
                value.sid for value in values
            }
        listed.set()


async def test_a_watch_tells_what_is_there_then_what_changes(sessions: Store[SessionEntry]) -> None:
    org = secrets.token_hex(8)
    first, second = entry(org), entry(org)
    await sessions.create(key_of(first), first)
    async with asyncio.timeout(10), sessions.watch(f"{org}.>") as values:
        present = await anext(values)
        assert present is not None
        assert present.value == first
        assert await anext(values) is None
        await sessions.create(key_of(second), second)
        change = await anext(values)
        assert change is not None
        assert change.value == second


async def test_a_value_that_does_not_parse_counts_as_absent(service_client: Connect) -> None:
    gateway = await service_client("gateway")
    tickets = await Store.open(gateway, Bucket.TICKETS, TicketEntry)
    key = new_key()
    await gateway.jetstream().publish(f"$KV.tickets.{key}", b'{"audience":"everything"}')
    assert await tickets.get(key) is None


async def test_a_lost_answer_does_not_lose_or_double_the_write(
    tickets: Store[TicketEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write without an answer is repeated under its message id: it counts once and still belongs to us."""
    publish, lost = tickets._js.publish, []

    async def lose_the_first_answer(*args: object, **options: object) -> object:
        answer = await publish(*args, **options)  # type: ignore[arg-type]
        if not lost:
            lost.append(answer)
            raise NatsTimeout
        return answer

    monkeypatch.setattr(tickets._js, "publish", lose_the_first_answer)
    key = new_key()
    revision = await tickets.create(key, ticket())
    assert revision == lost[0].seq  # type: ignore[attr-defined]
    lost.clear()
    await tickets.delete(key, revision=revision)
    assert await tickets.get(key) is None


async def test_state_survives_the_server_and_a_watch_goes_on(tmp_path: Path, keys: Path) -> None:
    server = EmbeddedServer(tmp_path, keys)
    await server.start()
    client = await connect(BusSettings(nats_url=server.url, keys=keys), "session")
    try:
        await provision(client)
        sessions = await Store.open(client, Bucket.SESSIONS, SessionEntry)
        before, after = entry(), entry()
        await sessions.create(key_of(before), before)
        async with sessions.watch(f"{ORG}.>") as values:
            assert [await anext(values) is None for _ in range(2)] == [False, True]
            await server.stop()
            with pytest.raises(Unavailable):
                await sessions.get(key_of(before))
            await server.start()
            await _writable(sessions, after)
            async with asyncio.timeout(60):
                while (change := await anext(values)) is None or change.value != after:
                    pass
        assert {stored.value for stored in await sessions.list(ORG)} == {before, after}
    finally:
        await client.close()
        await server.stop()


async def _writable(sessions: Store[SessionEntry], value: SessionEntry) -> None:
    async def written() -> bool:
        try:
            await sessions.create(key_of(value), value)
        except Unavailable:
            return False
        return True

    await eventually(written)
