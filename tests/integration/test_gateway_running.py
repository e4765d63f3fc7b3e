"""The gateway as a process runs it: start, health, limits of the real server, spans, losing the bus, stop."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from nats.aio.client import Client
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from beistand.bus import rpc
from beistand.bus.connection import connect
from beistand.bus.keys import ensure_keys
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings, SettingsError
from beistand.bus.streams import provision
from beistand.protocol import subjects
from beistand.protocol.errors import NotFound
from beistand.protocol.messages import SessionQuery, SessionView
from services.gateway.app import Settings, serve
from tests.integration.conftest import Connect
from tests.support.core_services import until
from tests.support.gateway_stage import new_id, staged

pytestmark = pytest.mark.integration


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(bus: BusSettings) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway by its own `serve`, ready."""
    port, stop = free_port(), asyncio.Event()
    settings = Settings(nats_url=bus.nats_url, keys=bus.keys, gateway_port=port, console_dir=Path("/nowhere"))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(settings, stop), name="gateway")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await until(lambda: _answers(client))
            yield client
        stop.set()


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.ConnectError:
        return False


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_it_serves_and_stops(bus_settings: BusSettings) -> None:
    async with served(bus_settings) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert "<title>Beistand</title>" in (await client.get("/join")).text
        answer = await client.get("/")
        assert (answer.status_code, answer.text.count(".")) == (503, 1)
        assert "server" not in answer.headers
        document = (await client.get("/v1/openapi.json")).json()
        assert document["openapi"] == "3.1.0"
        address = str(client.base_url)
    async with httpx.AsyncClient(base_url=address) as late:
        with pytest.raises(httpx.ConnectError):
            await late.get("/healthz")


async def test_bodies_and_paths_are_limited_by_the_real_server_too(bus_settings: BusSettings) -> None:
    async with served(bus_settings) as client:
        assert code_of(await client.post("/v1/join", content=b"x" * 65_537)) == (413, "too_large")
        assert code_of(await client.post("/v1/join", content=_pieces(70))) == (413, "too_large")
        assert code_of(await client.get("/v1%2fsessions")) == (404, "not_found")
        assert code_of(await client.get("/v1/sessions/")) == (404, "not_found")


async def _pieces(kilobytes: int) -> AsyncIterator[bytes]:
    for _ in range(kilobytes):
        yield b"x" * 1024


async def test_a_taken_port_is_said_in_one_line(bus_settings: BusSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(nats_url=bus_settings.nats_url, keys=bus_settings.keys, gateway_port=port)
        with pytest.raises(SettingsError, match=str(port)):
            await serve(settings, asyncio.Event())


async def test_without_the_services_nothing_is_done_and_said_so(bus_settings: BusSettings) -> None:
    async with staged(bus_settings) as stage:
        technician = await stage.person()
        assert code_of(await technician.http.post("/v1/sessions")) == (503, "unavailable")
        assert (await stage.http.get("/readyz")).status_code == 200


async def test_without_the_bus_it_lives_but_cannot_work(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    ensure_keys(keys)
    async with EmbeddedServer(tmp_path / "nats", keys) as server:
        bus = BusSettings(nats_url=server.url, keys=keys)
        await _provisioned(bus)
        async with staged(bus) as stage:
            technician = await stage.person()
            await server.__aexit__(None, None, None)
            await until(lambda: _is_away(stage.watcher.client))
            assert (await stage.http.get("/healthz")).status_code == 200
            assert code_of(await stage.http.get("/readyz")) == (503, "unavailable")
            assert code_of(await technician.http.get("/v1/sessions")) == (503, "unavailable")
            body = {"code": "123456789", "agent_key": "U" + "A" * 55}
            assert code_of(await stage.http.post("/v1/join", json=body)) == (503, "unavailable")


async def _provisioned(bus: BusSettings) -> None:
    client = await connect(bus, "session")
    await provision(client)
    await client.close()


async def _is_away(client: Client) -> bool:
    return not client.is_connected


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """What is exported from now on. A process has one provider, so it is added to."""
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


async def test_spans_reach_from_the_request_to_the_service(
    bus_settings: BusSettings, service_client: Connect, spans: InMemorySpanExporter
) -> None:
    async def nobody(_: rpc.Request[SessionQuery]) -> SessionView:
        raise NotFound

    subject = subjects.service(subjects.Service.SESSION_GET)
    endpoint = rpc.Endpoint("get", subject, SessionQuery, nobody)
    service = await rpc.serve(
        await service_client("session"), name="session", version="0.0.1", endpoints=[endpoint]
    )
    sid, foreign = new_id(), "0af7651916cd43dd8448eb211c80319c"
    async with staged(bus_settings) as stage:
        technician = await stage.person()
        headers = {"traceparent": f"00-{foreign}-b7ad6b7169203331-01"}
        answer = await technician.http.get(f"/v1/sessions/{sid}", headers=headers)
        assert code_of(answer) == (404, "not_found")
        await technician.http.get(f"/v1/{sid}?ticket={sid}")
    await service.stop()

    found = {span.name: span for span in spans.get_finished_spans()}
    request, served_span = found["GET /v1/sessions/{session_id}"], found["session.get"]
    assert request.kind is SpanKind.SERVER
    assert dict(request.attributes or {})["http.response.status_code"] == 404
    assert _trace_of(request) == _trace_of(served_span) != foreign
    told = json.dumps([json.loads(span.to_json()) for span in spans.get_finished_spans()])
    assert sid not in told
    assert technician.token not in told


def _trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return trace.format_trace_id(span.context.trace_id)
