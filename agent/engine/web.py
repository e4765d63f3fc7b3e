"""One bounded question to the gateway over HTTPS. Knows neither codes nor records."""

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from beistand.protocol import messages
from beistand.protocol.errors import BeistandError, Unavailable, error_of
from beistand.protocol.messages import Message

MAX_ANSWER = 64 * 1024
"""Largest answer read unless more is expected, in bytes."""
UNUSABLE = "The support service gave no usable answer."
_HEADERS = {"content-type": "application/json", "accept": "application/json"}


class _Problem(BaseModel):
    """The part of a problem document (RFC 9457) that counts here."""

    model_config = ConfigDict(extra="ignore")
    code: str


async def post(url: str, message: Message, *, timeout: float, limit: int = MAX_ANSWER) -> bytes:
    """The answer to a message, `timeout` in seconds for each step of it, at most `limit` bytes.

    Raises the error the gateway names; Unavailable if there is none to be had.
    """
    try:
        async with (
            httpx.AsyncClient(timeout=timeout, follow_redirects=False) as client,
            client.stream("POST", url, content=messages.encode(message), headers=_HEADERS) as response,
        ):
            body = await _bounded(response, limit)
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Unavailable("The support service cannot be reached.") from None
    if response.status_code != httpx.codes.OK:
        raise _refusal(body)
    return body


async def _bounded(response: httpx.Response, limit: int) -> bytes:
    body = b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) > limit:
            raise Unavailable(UNUSABLE)
    return body


def _refusal(body: bytes) -> BeistandError:
    try:
        return error_of(_Problem.model_validate_json(body).code)
    except ValidationError:
        return Unavailable(UNUSABLE)
