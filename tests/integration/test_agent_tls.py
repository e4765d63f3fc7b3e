"""Threat 29 at the customer's side: gateway and bus prove who they are before they are told anything."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent.engine import join
from agent.engine.key import DeviceKey
from beistand.bus import agent as bus_agent
from beistand.bus.callout import serve_callout
from beistand.bus.config import Certificate, ServerOptions
from beistand.bus.connection import connect
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.protocol.errors import BeistandError, Unavailable
from beistand.protocol.messages import Joined
from tests.integration.conftest import Door
from tests.integration.test_agent_join import JOINED
from tests.integration.test_bus_tls import certificate

pytestmark = pytest.mark.integration


class EncryptedForAgents(EmbeddedServer):
    """Agents come by WebSocket with TLS; services as always."""

    def __init__(self, state: Path, keys: Path, *, certificate: Certificate) -> None:
        super().__init__(state, keys, websocket_port=0)
        self._certificate = certificate

    @property
    def websocket_url(self) -> str:
        return f"wss://{self.host}:{self.websocket_port}"

    def _options(self) -> ServerOptions:
        return replace(super()._options(), websocket_tls=self._certificate)


def faulty(fault: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """A server's certificate and what this machine trusts: everything right but one thing."""
    changes = {"another host": {"address": "192.0.2.1"}, "expired": {"ends": -timedelta(minutes=1)}}
    shown = certificate(folder / "shown", **changes.get(fault, {}))  # type: ignore[arg-type]
    trusted = certificate(folder / "other") if fault == "unknown issuer" else shown
    monkeypatch.setenv("SSL_CERT_FILE", trusted.certificate)
    return shown


@asynccontextmanager
async def gateway(shown: Certificate | None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answers joins, with TLS or without; all it could read of them."""
    read: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        read.append(await reader.read(65536))
        body = json.dumps(JOINED).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    context = None
    if shown is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shown.certificate, shown.key)
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1], read


async def look_up(port: int) -> Joined:
    return await join.look_up(f"https://127.0.0.1:{port}", "123456789", DeviceKey.generate().agent_key)


async def test_the_right_gateway_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with gateway(faulty("", tmp_path, monkeypatch)) as (port, _):
        assert (await look_up(port)).organisation_name == "Acme"


@pytest.mark.parametrize("fault", ["another host", "expired", "unknown issuer"])
async def test_a_gateway_with_a_wrong_certificate_learns_nothing(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway(faulty(fault, tmp_path, monkeypatch)) as (port, read):
        with pytest.raises(Unavailable):
            await look_up(port)
        assert read == []


async def test_a_gateway_without_tls_learns_nothing() -> None:
    async with gateway(None) as (port, read):
        with pytest.raises(Unavailable):
            await look_up(port)
        assert not any(b"join" in each for each in read)


# nats-py still gives aiohttp its timeout the old way.
@pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float':DeprecationWarning")
@pytest.mark.parametrize("fault", ["", "another host", "expired", "unknown issuer"])
async def test_an_agent_enters_only_a_bus_with_the_right_certificate(
    fault: str, tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = faulty(fault, tmp_path, monkeypatch)
    monkeypatch.setattr(bus_agent, "PATIENCE_S", 10.0 if not fault else 1.5)
    async with AsyncExitStack() as cleanup:
        server = await cleanup.enter_async_context(
            EncryptedForAgents(tmp_path / "nats", keys, certificate=shown)
        )
        session = await connect(BusSettings(nats_url=server.url, keys=keys), "session")
        cleanup.push_async_callback(session.close)
        door = Door(server.websocket_url, cleanup)
        callout = await serve_callout(session, keys, door.decide)
        cleanup.push_async_callback(callout.stop)
        assert await outcome(door) == ("refused" if fault else "in")
        assert len(door.asked) == (0 if fault else 1)


async def test_an_agent_says_nothing_to_a_bus_whose_tls_was_taken_away(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address says tls://, the server speaks without: nats-py alone would send the ticket readable."""
    monkeypatch.setattr(bus_agent, "PATIENCE_S", 1.5)
    door.url = door.url.replace("nats://", "tls://")
    assert await outcome(door) == "refused"
    assert door.asked == []


async def outcome(door: Door) -> str:
    try:
        await door.enter(door.expect())
    except BeistandError:
        return "refused"
    return "in"
