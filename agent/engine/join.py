"""Finding out who asks: the code, the gateway's answer, and nothing else. Knows no NATS and no window."""

import re
from urllib.parse import urlsplit

from pydantic import ValidationError

from agent.engine import web
from agent.engine.address import is_usable_bus
from beistand.protocol import ids
from beistand.protocol.errors import CodeRefused, Unavailable
from beistand.protocol.messages import Join, Joined

TIMEOUT_S = 10.0


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
    body = await web.post(
        f"{gateway}/v1/join", Join(code=code_of(code), agent_key=agent_key), timeout=TIMEOUT_S
    )
    try:
        joined = Joined.model_validate_json(body)
    except ValidationError:
        raise Unavailable(web.UNUSABLE) from None
    if not all(map(is_usable_bus, joined.nats_urls)):
        raise Unavailable(web.UNUSABLE)
    return joined
