"""Signed records by HTTPS at the gateway, when the control connection cannot deliver them.

What the gateway says is believed in one direction only: that the session is over. That a record was taken in
is for its reader to prove.
"""

from collections.abc import Awaitable, Callable

from pydantic import ValidationError

from agent.engine import web
from beistand.protocol.errors import BeistandError, Ended, Unavailable
from beistand.protocol.messages import PostedRecord, Recorded

TIMEOUT_S = 8.0
"""Longer than the services behind take to answer, or not."""

Post = Callable[[PostedRecord], Awaitable[Recorded]]
"""Hands in a record: the answer as the gateway gives it, or Ended, or Unavailable for everything else."""


async def post(gateway: str, record: PostedRecord) -> Recorded:
    """The real thing: a `Post` for the gateway at this address."""
    try:
        body = await web.post(f"{gateway}/v1/agent/records", record, timeout=TIMEOUT_S)
        return Recorded.model_validate_json(body)
    except ValidationError:
        raise Unavailable(web.UNUSABLE) from None
    except Ended:
        raise
    except BeistandError as refusal:
        raise Unavailable from refusal
