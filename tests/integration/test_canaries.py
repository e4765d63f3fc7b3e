"""Threat 34: one real session full of canaries; none of its outputs sings of any of them.

The services run as processes, exporting to a collector of ours as they would to a real one.
"""

import base64
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from beistand.cli.stack import Stack, StackSettings
from beistand.protocol import frames, subjects
from beistand.protocol.frames import Codec, Header
from beistand.protocol.messages import InputText, Joined, SignedUp, encode
from tests.support.agent_wire import AgentWire, agent_key_of
from tests.support.viewer import ViewerClient

pytestmark = pytest.mark.integration

SAID, TYPED, PICTURE = "canary-in-the-chat", "canary-typed-blindly", "canary-in-the-pixels"
REASON, IN_AN_ERROR = "canary-as-a-reason", "canary-in-a-mistake"


@dataclass
class Collector:
    """What would have gone to the organisation's telemetry: paths and raw bodies."""

    url: str = ""
    got: list[tuple[str, bytes]] = field(default_factory=list)

    def kinds(self) -> set[str]:
        return {path for path, _ in self.got}


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield collector
        server.shutdown()
        thread.join()


@dataclass
class Played:
    """A session that is over: what was secret or private in it, and everything it left behind."""

    secrets: dict[str, str]
    outputs: dict[str, str]
    receipt: str


async def test_no_output_holds_a_secret_or_anything_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "500")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        async with Stack(StackSettings.on_free_ports(tmp_path)) as stack:
            played = await _play(stack)
        assert collector.kinds() == {"/v1/traces", "/v1/metrics"}
    outputs = {
        **played.outputs,
        **{f"telemetry {number}": _text(body) for number, (_, body) in enumerate(collector.got)},
        **_logs(tmp_path),
    }
    assert len(outputs) > 10
    found = {
        (name, secret)
        for secret, text in played.secrets.items()
        for name, output in outputs.items()
        if text in output
    }
    assert found == set()
    private = {"ticket", "viewer's ticket", "code", "password", "bearer", "chat", "typed", "pixels", "key"}
    assert not [name for name in private if played.secrets[name] in played.receipt]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


def _logs(state: Path) -> dict[str, str]:
    files = [file for file in state.rglob("*") if file.suffix in {".log", ".out"}]
    assert len(files) >= 5, "the logs are where they are looked for"
    return {str(file.relative_to(state)): _text(file.read_bytes()) for file in files}


async def _play(stack: Stack) -> Played:
    async with httpx.AsyncClient(base_url=stack.gateway_url, timeout=20) as http:
        signed_in = await http.post(
            "/v1/auth/token", json={"username": stack.user, "password": stack.password}
        )
        bearer = signed_in.json()["access_token"]
        http.headers["Authorization"] = f"Bearer {bearer}"
        created = (await http.post("/v1/sessions")).json()
        seed = secrets.token_bytes(32)
        key = agent_key_of(seed)
        body = {"code": created["code"], "agent_key": key}
        joined = Joined.model_validate((await http.post("/v1/join", json=body)).json())
        async with AgentWire(joined, seed) as agent:
            await agent.hello()
            ticket = await _in_session(stack, http, agent)
            errors = await _mistakes(stack, http, agent.sid)
            await http.post(f"/v1/sessions/{agent.sid}/end")
        receipt = (await http.get(f"/v1/sessions/{agent.sid}/receipt")).text
        secret = {
            "ticket": joined.ticket,
            "viewer's ticket": ticket,
            "code": created["code"],
            "password": stack.password,
            "bearer": bearer,
            "key": base64.urlsafe_b64encode(seed).decode().rstrip("="),
            "chat": SAID,
            "typed": TYPED,
            "pixels": PICTURE,
            "reason": REASON,
            "mistake": IN_AN_ERROR,
        }
        return Played(secret, errors, receipt)


async def _watch(stack: Stack, agent: AgentWire, grants: list[str], ticket: str) -> None:
    """A picture one way, text the other."""
    view, control = grants
    heard = await agent.clients["media"].subscribe(subjects.input_of_grant(agent.org, agent.sid, control))
    await agent.clients["media"].flush()
    port = urlsplit(stack.relay_url).port or 0
    async with ViewerClient(port, origin=stack.gateway_url) as viewer:
        await viewer.hello(ticket)
        await viewer.until("relay.ready")
        await agent.lease(*grants)
        header = Header(Codec.H264, True, True, 0, 1, 1, 64, 64, 0)
        for chunk in frames.chunks(header, PICTURE.encode()):
            await agent.clients["media"].publish(subjects.media(agent.org, agent.sid, view), chunk)
        await viewer.until_frame(1)
        await viewer.say(InputText(text=TYPED))
        while "input.alive" in (said := _text((await heard.next_msg(timeout=10)).data)):
            pass  # the relay's own word that it is there
        assert TYPED in said
        await viewer.say(f'{{"type": "{IN_AN_ERROR}"}}')
        await agent.clients["control"].publish(
            subjects.up(agent.org, agent.sid, subjects.Up.DECISION),
            encode(SignedUp(type="decision", jws=IN_AN_ERROR)),
            reply=f"{subjects.inbox_prefix(agent.sid)}.x",
        )
    stolen = {"ticket": ticket}
    async with ViewerClient(port, origin=stack.gateway_url) as late:
        await late.say(json.dumps({"type": "viewer.hello", **stolen}))
        assert await late.close_code() == 4401


async def _mistakes(stack: Stack, http: httpx.AsyncClient, sid: str) -> dict[str, str]:
    """Every way of being refused that we can think of, with a canary in it; what was answered."""
    path = f"/v1/sessions/{sid}"
    answers = {
        "unknown path": await http.get(f"/v1/{IN_AN_ERROR}?ticket={IN_AN_ERROR}"),
        "unknown session": await http.get(f"/v1/sessions/{IN_AN_ERROR}"),
        "unknown field": await http.post(f"{path}/chat", json={"text": "x", "more": IN_AN_ERROR}),
        "wrong type": await http.post(f"{path}/requests", json={"capability": IN_AN_ERROR, "reason": []}),
        "no json": await http.post(f"{path}/chat", content=IN_AN_ERROR.encode() + b"{"),
        "wrong code": await http.post("/v1/join", json={"code": IN_AN_ERROR, "agent_key": IN_AN_ERROR}),
        "wrong password": await http.post(
            "/v1/auth/token", json={"username": stack.user, "password": IN_AN_ERROR}
        ),
        "wrong bearer": await http.get(path, headers={"Authorization": f"Bearer {IN_AN_ERROR}"}),
        "odd headers": await http.get("/v1/nothing", headers={"Cookie": IN_AN_ERROR, "X-Code": IN_AN_ERROR}),
        "forged record": await http.post(
            "/v1/agent/records", json={"org": "beistand", "sid": sid, "type": "end", "jws": IN_AN_ERROR}
        ),
    }
    assert all(answer.status_code >= 400 for answer in answers.values())
    return {name: f"{answer.headers} {answer.text}" for name, answer in answers.items()}


async def _in_session(stack: Stack, http: httpx.AsyncClient, agent: AgentWire) -> str:
    """View, control, chat and the event socket; the viewer's ticket."""
    path = f"/v1/sessions/{agent.sid}"
    grants = []
    for capability in ("view", "control"):
        asked = {"capability": capability, "reason": REASON}
        grants.append((await http.post(f"{path}/requests", json=asked)).json()["id"])
        await agent.allow_next()
    ticket = str((await http.post(f"{path}/tickets", json={"audience": "relay"})).json()["ticket"])
    await _watch(stack, agent, grants, ticket)
    await agent.chat(SAID)
    await http.post(f"{path}/chat", json={"text": SAID})
    return ticket
