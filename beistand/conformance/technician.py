"""A technician at the gateway's API, over HTTP alone: what their rights allow, and whatever else they try."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from beistand.conformance.case import PATIENCE_S
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError, Unavailable, error_of
from beistand.protocol.messages import M, RequestList, RequestState, RequestView, SessionView

REASON = "Conformance"


class NoGateway(Exception):
    """There is no gateway of Beistand at this address; the text says why."""


class NoEntry(Exception):
    """The gateway does not let this person in."""


@dataclass(frozen=True)
class Account:
    """Somebody who is signed in."""

    user: str
    token: str


@asynccontextmanager
async def web(gateway: str, token: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to a gateway, trusting what this system trusts (`SSL_CERT_FILE` names another bundle)."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(
        base_url=gateway, headers=headers, timeout=PATIENCE_S, verify=_trusted(), follow_redirects=False
    ) as client:
        yield client


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


async def sign_in(gateway: str, user: str, password: str) -> Account:
    """Sign in with a local account. Raises NoGateway or NoEntry with one line that says what is wrong."""
    body = {"username": user, "password": password}
    try:
        async with web(gateway) as http:
            answer = await http.post("/v1/auth/token", json=body)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise NoGateway(f"{gateway} is no address such as https://help.example.org") from None
    except httpx.HTTPError as error:
        raise NoGateway(f"{gateway} does not answer ({str(error) or type(error).__name__})") from None
    if answer.status_code == httpx.codes.OK:
        return Account(user, _token(gateway, answer))
    if _problem(answer) is None:
        raise NoGateway(f"{gateway} is no gateway of Beistand (it answers {answer.status_code})")
    raise NoEntry(f"{gateway} does not let {user} in: {_refusal(answer).detail}")


def _token(gateway: str, answer: httpx.Response) -> str:
    try:
        return str(answer.json()["access_token"])
    except (ValueError, KeyError, TypeError):
        raise NoGateway(f"{gateway} is no gateway of Beistand (it gives no token)") from None


class Technician:
    """One signed-in person. Refusals are raised as the errors the gateway names."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def call(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        """One request; its answer as JSON (None if empty). `body` is sent as JSON."""
        try:
            answer = await self.http.request(method, path, json=body, **options)
        except httpx.HTTPError as error:
            raise Unavailable(f"{method} {path}: {str(error) or type(error).__name__}") from error
        if answer.is_success:
            return answer.json() if answer.content else None
        raise _refusal(answer)

    async def open_session(self) -> tuple[str, str]:
        """A new session: its id and its join code."""
        started = await self.call("POST", "/v1/sessions")
        return str(started["id"]), str(started["code"])

    async def session(self, sid: str) -> SessionView:
        """One session."""
        return _read(SessionView, await self.call("GET", f"/v1/sessions/{sid}"))

    async def end(self, sid: str) -> None:
        """End a session."""
        await self.call("POST", f"/v1/sessions/{sid}/end")

    async def ask(self, sid: str, capability: Capability = Capability.VIEW, **extra: object) -> RequestView:
        """Ask the customer; `extra` goes into the body as it is."""
        body = {"capability": capability.value, "reason": REASON, **extra}
        return _read(RequestView, await self.call("POST", f"/v1/sessions/{sid}/requests", body))

    async def hand_back(self, sid: str, request_id: str) -> None:
        """Take a question back, or hand back what was granted."""
        await self.call("DELETE", f"/v1/sessions/{sid}/requests/{request_id}")

    async def state_of(self, sid: str, request_id: str) -> RequestState:
        """What the API says about a request."""
        listed = _read(RequestList, await self.call("GET", f"/v1/sessions/{sid}/requests"))
        return next(item.state for item in listed.items if item.id == request_id)

    async def ticket(self, sid: str, audience: str = "relay") -> tuple[str, str]:
        """A single-use ticket and the address of the WebSocket it is for."""
        issued = await self.call("POST", f"/v1/sessions/{sid}/tickets", {"audience": audience})
        return str(issued["ticket"]), str(issued["url"])

    async def say(self, sid: str, text: str) -> None:
        """A chat line."""
        await self.call("POST", f"/v1/sessions/{sid}/chat", {"text": text})

    async def receipt(self, sid: str) -> str:
        """The receipt, as one would save it."""
        return json.dumps(await self.call("GET", f"/v1/sessions/{sid}/receipt"))


def origin_of(url: str) -> str:
    """What a browser on the console of this gateway sends as its origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _read(kind: type[M], answer: Any) -> M:
    try:
        return kind.model_validate(answer)
    except ValidationError:
        raise Unavailable(f"The answer is no {kind.__name__}.") from None


def _problem(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        told = answer.json()
    except ValueError:
        return None
    return told if isinstance(told, dict) and "code" in told else None


def _refusal(answer: httpx.Response) -> BeistandError:
    told = _problem(answer)
    if told is None:
        return Unavailable(f"The gateway answers {answer.status_code} without a reason.")
    return error_of(str(told["code"]), str(told.get("detail", "")))
