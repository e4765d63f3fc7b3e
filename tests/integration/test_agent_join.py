"""The gateway's answer to a code, whatever stands at that address."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI, Request, Response

from agent.engine import join, web
from agent.engine.key import DeviceKey
from beistand.health import serve_http
from beistand.protocol.errors import BeistandError, CodeRefused, RateLimited, Unavailable
from tests.support.questions import ORG, SID, an_id

pytestmark = pytest.mark.integration

JOINED = {
    "org": ORG,
    "session_id": SID,
    "organisation_name": "Acme",
    "technician_id": an_id("Tina"),
    "technician_name": "Tina",
    "nats_urls": ["wss://bus.example.org"],
    "ticket": "t" * 43,
    "consent_key": "k" * 43,
}


@asynccontextmanager
async def _gateway(status: int, body: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    app, asked = FastAPI(), []

    @app.post("/v1/join")
    async def answer(request: Request) -> Response:
        asked.append(await request.body())
        return Response(body, status_code=status)

    async with serve_http(app, host="127.0.0.1", port=0) as port:
        yield f"http://127.0.0.1:{port}", asked


async def test_who_asks() -> None:
    key = DeviceKey.generate().agent_key
    async with _gateway(200, json.dumps(JOINED).encode()) as (url, asked):
        joined = await join.look_up(url, "123 456 789", key)
    assert (joined.organisation_name, joined.technician_name) == ("Acme", "Tina")
    assert json.loads(asked[0]) == {"code": "123456789", "agent_key": key}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, b'{"type": "x", "code": "code_refused", "status": 404}', CodeRefused),
        (429, b'{"code": "rate_limited"}', RateLimited),
        (500, b'{"code": "what is this"}', BeistandError),
        (502, b"<html>Bad gateway</html>", Unavailable),
        (302, b"", Unavailable),
        (200, b"{}", Unavailable),
        (200, b"x" * (web.MAX_ANSWER + 1), Unavailable),
        *(
            (200, json.dumps({**JOINED, "nats_urls": ["wss://bus.example.org", url]}).encode(), Unavailable)
            for url in (
                "file:///etc/passwd",
                "nats://bus.example.org",
                "ws://192.0.2.1",
                "nats://localhost.example",
                "wss://[",
            )
        ),
    ],
)
async def test_answers_that_lead_nowhere(status: int, body: bytes, error: type[BeistandError]) -> None:
    async with _gateway(status, body) as (url, _):
        with pytest.raises(error) as raised:
            await join.look_up(url, "123456789", DeviceKey.generate().agent_key)
    assert raised.type is error


async def test_nobody_there() -> None:
    async with _gateway(200, b"") as (url, _):
        pass
    with pytest.raises(Unavailable):
        await join.look_up(url, "123456789", DeviceKey.generate().agent_key)
