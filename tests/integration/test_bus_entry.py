"""Who gets in: only the holder of the ticket's key, to one session, while somebody is there to say yes."""

import asyncio
import base64
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nats
import nkeys
import pytest
from nats.errors import NoServersError

from beistand.bus.callout import Admission, CalloutRequest, serve_callout
from beistand.bus.connection import Watcher, connect, establish
from beistand.bus.keys import ensure_keys
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.protocol.errors import TicketRefused, Unauthenticated, Unavailable
from tests.integration.conftest import Connect, Customer, Door, public_key

pytestmark = pytest.mark.integration


async def test_an_agent_gets_in_with_both_connections(door: Door) -> None:
    customer = door.expect()
    control = await door.enter(customer)
    media = await door.enter(customer, purpose="media")
    assert control.is_connected
    assert media.is_connected
    assert [request.client_name for request in door.asked] == ["control", "media"]
    assert {request.agent_key for request in door.asked} == {public_key(customer.seed)}
    assert [request.client_id for request in door.asked] == [control.client_id, media.client_id]


async def test_a_stolen_ticket_is_useless_without_its_key(door: Door) -> None:
    thief = replace(door.expect(), seed=secrets.token_bytes(32))
    with pytest.raises(TicketRefused):
        await door.enter(thief)


async def test_an_unknown_ticket_is_refused(door: Door) -> None:
    with pytest.raises(TicketRefused):
        await door.enter(Customer())


async def test_after_the_end_the_same_credentials_are_refused(door: Door) -> None:
    customer = door.expect()
    await door.enter(customer)
    door.ended.add(customer.sid)
    with pytest.raises(TicketRefused):
        await door.enter(customer)


def _sign_nothing(_nonce: str) -> bytes:
    return b""


def _sign_another_nonce(seed: bytes) -> Callable[[str], bytes]:
    pair = nkeys.from_seed(bytearray(nkeys.encode_seed(seed, nkeys.PREFIX_BYTE_USER)))
    return lambda _nonce: base64.b64encode(pair.sign(b"some other nonce"))


async def refused(url: str, **options: Any) -> bool:
    """Whether nats-server turns this connection away."""
    errors: list[Exception] = []

    async def note(error: Exception) -> None:
        errors.append(error)

    with suppress(NoServersError, nats.errors.Error):
        client = await nats.connect(
            url, max_reconnect_attempts=1, reconnect_time_wait=0, error_cb=note, **options
        )
        await client.close()
        return False
    return any("authorization" in str(error).lower() for error in errors)


async def test_a_missing_or_wrong_signature_is_refused(door: Door) -> None:
    customer = door.expect()
    for sign in (_sign_nothing, _sign_another_nonce(customer.seed)):
        client = nats.aio.client.Client()
        client._public_nkey = public_key(customer.seed)
        assert await _refused_client(client, door.url, token=customer.ticket, signature_cb=sign)
    assert not door.asked, "nobody should have been asked about a wrong signature"


async def _refused_client(client: Any, url: str, **options: Any) -> bool:
    try:
        await client.connect(url, name="control", allow_reconnect=False, error_cb=_ignore, **options)
    except nats.errors.Error:
        return True
    finally:
        await client.close()
    return False


async def _ignore(_error: Exception) -> None:
    pass


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"token": "x"},
        {"token": "A" * 43},
        {"user": "session", "password": "x"},
        {"nkeys_seed_str": nkeys.encode_seed(bytes(32), nkeys.PREFIX_BYTE_USER).decode()},
    ],
    ids=["nothing", "short token", "token only", "password", "unknown nkey"],
)
async def test_nobody_else_gets_in(door: Door, options: dict[str, Any]) -> None:
    assert await refused(door.url, name="control", **options)
    assert not door.asked


async def test_a_connection_of_unknown_purpose_is_refused(door: Door) -> None:
    customer = door.expect()
    seed = nkeys.encode_seed(customer.seed, nkeys.PREFIX_BYTE_USER).decode()
    assert await refused(door.url, name="spare", token=customer.ticket, nkeys_seed_str=seed)
    assert not door.asked


async def test_the_credential_ends_at_the_sessions_limit(door: Door) -> None:
    customer = door.expect()
    customer.expires_at = datetime.now(UTC) + timedelta(seconds=2)
    disconnected = asyncio.Event()

    async def on_disconnected() -> None:
        disconnected.set()

    await door.enter(customer, on_disconnected=on_disconnected, on_closed=on_disconnected)
    async with asyncio.timeout(10):
        await disconnected.wait()


@pytest.mark.parametrize("lifetime", [timedelta(seconds=-1), timedelta(days=30)])
async def test_an_admission_beyond_the_limits_is_a_no(door: Door, lifetime: timedelta) -> None:
    customer = door.expect()
    customer.expires_at = datetime.now(UTC) + lifetime
    with pytest.raises(TicketRefused):
        await door.enter(customer)


@pytest.mark.parametrize("failure", [KeyError("bug"), TimeoutError()])
async def test_a_callout_that_fails_is_a_no(
    service_client: Connect, bus_settings: BusSettings, keys: Path, failure: Exception
) -> None:
    async def decide(_request: CalloutRequest) -> Admission:
        raise failure

    await _expect_refusal(service_client, bus_settings, keys, decide)


async def test_a_callout_that_hangs_is_a_no(
    service_client: Connect, bus_settings: BusSettings, keys: Path
) -> None:
    async def decide(_request: CalloutRequest) -> Admission:
        await asyncio.Event().wait()
        raise AssertionError

    await _expect_refusal(service_client, bus_settings, keys, decide)


async def _expect_refusal(
    service_client: Connect, bus_settings: BusSettings, keys: Path, decide: Any
) -> None:
    callout = await serve_callout(await service_client("session"), keys, decide)
    customer = Customer()
    seed = nkeys.encode_seed(customer.seed, nkeys.PREFIX_BYTE_USER).decode()
    options = {"name": "control", "token": customer.ticket, "nkeys_seed_str": seed, "connect_timeout": 5}
    try:
        assert await refused(bus_settings.nats_url, **options)
    finally:
        await callout.stop()


async def test_with_no_callout_nobody_new_gets_in_and_services_go_on(
    service_client: Connect, bus_settings: BusSettings
) -> None:
    gateway = await service_client("gateway")
    seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER).decode()
    options = {"name": "control", "token": "A" * 43, "nkeys_seed_str": seed, "connect_timeout": 5}
    assert await refused(bus_settings.nats_url, **options)
    await gateway.flush()


async def test_a_service_with_a_foreign_key_is_told_at_once(
    nats_server: EmbeddedServer, tmp_path: Path
) -> None:
    ensure_keys(tmp_path)
    with pytest.raises(Unauthenticated):
        await connect(BusSettings(nats_url=nats_server.url, keys=tmp_path), "gateway")


async def test_a_server_that_hangs_up_during_the_sign_in_has_said_neither_yes_nor_no() -> None:
    hung_up: list[bool] = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"max_payload":1024}\r\n')
        await reader.readuntil(b"PING\r\n")
        if hung_up:
            writer.write(b"-ERR 'Authorization Violation'\r\n")
        hung_up.append(True)
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unauthenticated):
            await establish(Watcher("test"), [f"nats://127.0.0.1:{port}"], patience=10)
    assert len(hung_up) == 2


async def test_nobody_waits_for_ever_where_there_is_no_server() -> None:
    with pytest.raises(Unavailable, match=r"NATS cannot be reached at nats://127\.0\.0\.1:9"):
        await establish(Watcher("test"), ["nats://127.0.0.1:9"], patience=0.3, max_reconnect_attempts=-1)
