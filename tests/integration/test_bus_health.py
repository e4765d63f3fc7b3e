"""Alive is not ready: ready needs a round trip to NATS."""

import asyncio
import socket
from pathlib import Path

import httpx
import pytest

from beistand.bus.connection import connect
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings, SettingsError
from beistand.health import health_app, nats_ready, serve_http
from tests.integration.conftest import eventually

pytestmark = pytest.mark.integration


async def test_ready_only_while_nats_is_there(tmp_path: Path, keys: Path) -> None:
    server = EmbeddedServer(tmp_path, keys)
    await server.start()
    client = await connect(BusSettings(nats_url=server.url, keys=keys), "relay")
    app = health_app(nats_ready(client))
    async with (
        serve_http(app, host="127.0.0.1", port=0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        assert (await http.get("/readyz")).status_code == 200
        await server.stop()
        answer = await http.get("/readyz")
        alive = await http.get("/healthz")
        await server.start()

        async def ready() -> bool:
            return (await http.get("/readyz")).status_code == 200

        await eventually(ready)
    await client.close()
    await server.stop()
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:beistand:error:unavailable"
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})


async def test_a_check_that_hangs_is_not_ready() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    async with (
        serve_http(health_app(hang), host="127.0.0.1", port=0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        assert (await http.get("/readyz")).status_code == 503


async def test_a_taken_port_is_one_line() -> None:
    async def fine() -> None:
        pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"cannot listen on 127\.0\.0\.1 port {port}: .*in use"):
            await serve_http(health_app(fine), host="127.0.0.1", port=port).__aenter__()
