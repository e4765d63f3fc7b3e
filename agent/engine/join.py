"""Finding out who asks: the code, the gateway's answer, and nothing else. Knows no NATS and no window."""

import re
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from beistand.protocol import ids, messages
from beistand.protocol.errors import BeistandError, CodeRefused, Unavailable, error_of
from beistand.protocol.messages import Join, Joined

TIMEOUT_S = 10.0
MAX_ANSWER = 64 * 1024
"""Largest answer read, in bytes."""
_NATS_SCHEMES = frozenset({"nats", "tls", "ws", "wss"})


class _Problem(BaseModel):
    """The part of a problem document (RFC 9457) that counts here."""

    model_config = ConfigDict(extra="ignore")
    code: str


def code_of(text: str) -> str:
    """The nine digits in what a person typed, or in a join link (`beistand://join/...`, `https://.../join#...`).

    CodeRefused if there is no code in it. A link never chooses the gateway: strangers send links, too.
    """
    parts = urlsplit(text.strip())
    candidates = [parts.fragment, parts.path] if parts.scheme else [text]
    for candidate in candidates:
        digits = re.sub(r"[\s.-]", "", candidate.rsplit("/", 1)[-1])
        if re.match(ids.CODE_PATTERN, digits):
            return digits
    raise CodeRefused


async def look_up(gateway: str, code: str, agent_key: str) -> Joined:
    """Who asks behind this code, and how to get in; the ticket in it is bound to `agent_key`.

    Joins nothing. Raises the error the gateway names; Unavailable if there is none to be had.
    """
    body = messages.encode(Join(code=code_of(code), agent_key=agent_key))
    headers = {"content-type": "application/json", "accept": "application/json"}
    try:
        async with (
            httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client,
            client.stream("POST", f"{gateway}/v1/join", content=body, headers=headers) as response,
        ):
            return _joined(response.status_code, await _bounded(response))
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Unavailable("The support service cannot be reached.") from None


async def _bounded(response: httpx.Response) -> bytes:
    body = b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MAX_ANSWER:
            raise Unavailable("The support service gave no usable answer.")
    return body


def _joined(status: int, body: bytes) -> Joined:
    try:
        if status != httpx.codes.OK:
            raise refusal_of(body)
        joined = Joined.model_validate_json(body)
    except ValidationError:
        raise Unavailable("The support service gave no usable answer.") from None
    if not all(urlsplit(url).scheme in _NATS_SCHEMES for url in joined.nats_urls):
        raise Unavailable("The support service gave no usable answer.")
    return joined


def refusal_of(body: bytes) -> BeistandError:
    """The error a problem document names; ValidationError if it is none."""
    return error_of(_Problem.model_validate_json(body).code)
