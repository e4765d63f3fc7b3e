"""Every door of the gateway has a rule: a permission, a ticket, or a place in the list of public ones.

A new route without one fails here. So does a path that a proxy and the gateway could read differently.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.access import ByTicket, Door, Gateway, Require, RequireForTicket
from services.gateway.app import build
from services.gateway.domain import Permission

pytestmark = pytest.mark.rules

PUBLIC = {
    ("GET", "/"): "the console's page",
    ("GET", "/sessions"): "the console's page",
    ("GET", "/sessions/{path:path}"): "the console's page",
    ("GET", "/assets/{path:path}"): "the console's files",
    ("GET", "/favicon.ico"): "the console's files",
    ("GET", "/favicon.svg"): "the console's files",
    ("GET", "/robots.txt"): "the console's files",
    ("GET", "/site.webmanifest"): "the console's files",
    ("GET", "/verify.html"): "checks receipts in the browser, without any request",
    ("GET", "/join"): "the customer's page; the code stays in the fragment",
    ("GET", "/join/{name}"): "its files",
    ("GET", "/v1/openapi.json"): "the description of the interface",
    ("GET", "/healthz"): "says that the process lives",
    ("GET", "/readyz"): "says that the process can work",
    ("POST", "/v1/auth/token"): "signing in; limited",
    ("POST", "/v1/agent/records"): "agents have no account; limited, and the signature is what counts",
    (
        "POST",
        "/v1/agent/device-records",
    ): "devices have no account; limited, and the signature is what counts",
    ("POST", "/v1/join"): "customers have no account; limited, and the code is the secret",
    ("POST", "/v1/receipts"): "customers have no account; limited, and the device's signature decides",
}

RULES = {
    ("POST", "/v1/sessions"): Permission.CREATE_SESSION,
    ("GET", "/v1/sessions"): Permission.READ_SESSION,
    ("GET", "/v1/sessions/{session_id}"): Permission.READ_SESSION,
    ("GET", "/v1/sessions/{session_id}/receipt"): Permission.READ_SESSION,
    ("POST", "/v1/sessions/{session_id}/end"): Permission.END_SESSION,
    ("POST", "/v1/sessions/{session_id}/requests"): Permission.ASK_CUSTOMER,
    ("GET", "/v1/sessions/{session_id}/requests"): Permission.READ_REQUESTS,
    ("DELETE", "/v1/sessions/{session_id}/requests/{request_id}"): Permission.WITHDRAW_REQUEST,
    ("POST", "/v1/sessions/{session_id}/chat"): Permission.SEND_CHAT,
    ("GET", "/v1/sessions/{session_id}/chat"): Permission.READ_CHAT,
    ("POST", "/v1/sessions/{session_id}/tickets"): "by audience",
    ("WS", "/v1/sessions/{session_id}/events"): "events",
    ("GET", "/v1/devices"): Permission.READ_DEVICES,
    ("GET", "/v1/devices/{device_id}"): Permission.READ_DEVICES,
    ("POST", "/v1/devices/{device_id}/sessions"): Permission.OPEN_DEVICE,
    ("DELETE", "/v1/devices/{device_id}"): Permission.GIVE_UP_DEVICE,
}

BODIES = {
    "/v1/sessions/{session_id}/requests": {"capability": "view", "reason": "r"},
    "/v1/sessions/{session_id}/chat": {"text": "t"},
    "/v1/devices/{device_id}/sessions": {"reason": "r"},
}

CONFUSING = [
    "//v1/sessions",
    "/v1//sessions",
    "/v1/sessions/",
    "/v1/sessions;a=b",
    "/v1/sessions/;/",
    "/v1%2fsessions",
    "/v1%2Fsessions",
    "/v1/%73essions",
    "/%76%31/sessions",
    "/v1/join/../sessions",
    "/v1/join/%2e%2e/sessions",
    "/./v1/sessions",
    "/v1/./sessions",
    "/v1\\sessions",
    "/V1/sessions",
    "/v1/Sessions",
    "/v1/sessions%00",
    "/v1/sessions%20",
    "/v1/sessions%0a",
    "/join/../v1/sessions",
    "/healthz/../v1/sessions",
    "/healthz/v1/sessions",
    "/assets/../../../pyproject.toml",
    "/assets/%2e%2e/index.html",
    "/assets/..%2f..%2fpyproject.toml",
    "/join/..%2f..%2fapp.py",
    "/join/../app.py",
]


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    """The routes without the parts behind them: no request may get as far as those."""
    door = Door(
        "https://help.example", "wss://relay.example/v1/view", "Acme", frozenset({"https://help.example"})
    )

    class Nothing:
        def __init__(self) -> None:
            self.door = door

    async def ready() -> None:
        return None

    return build(cast(Gateway, Nothing()), ready=ready, console=tmp_path)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://help.example") as client:
        yield client


def test_every_route_has_exactly_the_rule_that_stands_here(app: FastAPI) -> None:
    found = dict(_found(app))
    assert found == {**dict.fromkeys(PUBLIC, None), **RULES}


def test_a_route_without_a_rule_is_noticed(app: FastAPI) -> None:
    @app.get("/v1/forgotten")
    async def forgotten() -> None: ...

    @app.websocket("/v1/forgotten-socket")
    async def forgotten_socket() -> None: ...

    added = set(dict(_found(app))) - set(PUBLIC) - set(RULES)
    assert added == {("GET", "/v1/forgotten"), ("WS", "/v1/forgotten-socket")}


@pytest.mark.parametrize("path", CONFUSING)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_path_with_two_readings_leads_nowhere(app: FastAPI, method: str, path: str) -> None:
    transport = httpx.ASGITransport(app=_Verbatim(app, path))
    async with httpx.AsyncClient(transport=transport, base_url="https://help.example") as client:
        answer = await client.request(method, "/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("route", sorted({path for _, path in [*PUBLIC, *RULES] if path != "/"}))
async def test_no_route_has_a_second_name(app: FastAPI, route: str) -> None:
    """Every route's path, twisted in every place where two readers may differ (CVE-2024-1709)."""
    plain = route.replace(":path}", "}").format(
        session_id="A" * 22, request_id="B" * 22, device_id="C" * 22, path="app.js", name="join.js"
    )
    opened = {}
    for path in _twisted(plain):
        transport = httpx.ASGITransport(app=_Verbatim(app, path))
        async with httpx.AsyncClient(transport=transport, base_url="https://help.example") as client:
            for method in ("GET", "POST", "DELETE"):
                answer = await client.request(method, "/")
                if (answer.status_code, answer.json()["code"]) != (404, "not_found"):
                    opened[method, path] = answer.status_code
    assert opened == {}


def _twisted(plain: str) -> Iterator[str]:
    """Other spellings of a path that some server, proxy or framework takes for the same."""
    slashes = [at for at, letter in enumerate(plain) if letter == "/"]
    for at in slashes:
        for instead in (
            "//",
            "/./",
            "/x/../",
            "/%2e/",
            "/..;/",
            "/;/",
            "%2f",
            "%2F",
            "%252f",
            "\\",
            "%5c",
            "/%00/",
        ):
            yield plain[:at] + instead + plain[at + 1 :]
    for after in ("/", ";", ";a=b", "/.", "/..", "%20", "%00", "%0a", "%3f", "%23", "/%2e", ".%2e/", "/;/x"):
        yield plain + after
    for at in (1, len(plain) - 1):
        yield f"{plain[:at]}%{ord(plain[at]):02x}{plain[at + 1 :]}"
    yield plain + "\u00e4"


@pytest.mark.parametrize(("method", "path"), [pair for pair in RULES if pair[0] != "WS"])
@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer " + "a" * 5000]
)
async def test_without_a_bearer_no_route_opens(
    client: httpx.AsyncClient, method: str, path: str, authorization: str | None
) -> None:
    filled = path.format(session_id="A" * 22, request_id="B" * 22, device_id="C" * 22)
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await client.request(
        method, filled, headers=headers, json=BODIES.get(path) if method == "POST" else None
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


class _Verbatim:
    """Puts a path into the scope as a server does, which HTTP clients would tidy up before sending."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        verbatim = {"raw_path": self._path.encode(), "path": unquote(self._path)}
        await self._app({**scope, **verbatim}, receive, send)


def _found(app: FastAPI) -> Iterator[tuple[tuple[str, str], Any]]:
    for route in iter_route_contexts(app.routes):
        for method in route.methods or {"WS"}:
            if method != "HEAD":
                yield (method, str(route.path)), _rule_of(route)


def _rule_of(route: RouteContext) -> Any:
    """The one rule among everything that the route depends on."""
    dependant = getattr(route, "dependant", None)
    rules = [] if dependant is None else list(_rules(dependant))
    assert len(rules) <= 1, f"{route.path} has {len(rules)} rules"
    return rules[0] if rules else None


def _rules(dependant: Dependant) -> Iterator[Any]:
    match dependant.call:
        case Require() as rule:
            yield rule.permission
        case RequireForTicket():
            yield "by audience"
        case ByTicket() as rule:
            yield rule.audience
    for part in dependant.dependencies:
        yield from _rules(part)
