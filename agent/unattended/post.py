"""Records of the device's own chain by HTTPS at the gateway, when there is no connection to the bus.

That a record was taken in is for its reader to prove; only that the enrolment is over is believed as it is.
"""

from collections.abc import Awaitable, Callable

from pydantic import ValidationError

from agent.engine import web
from beistand.protocol.errors import BeistandError, Ended, Unavailable
from beistand.protocol.messages import Recorded, StandingUp

TIMEOUT_S = 8.0

Post = Callable[[str, StandingUp], Awaitable[Recorded]]
"""Hands in a record at a gateway: its answer, or Ended, or Unavailable for everything else."""


async def post(gateway: str, record: StandingUp) -> Recorded:
    """The real thing."""
    try:
        body = await web.post(f"{gateway}/v1/agent/device-records", record, timeout=TIMEOUT_S)
        return Recorded.model_validate_json(body)
    except ValidationError:
        raise Unavailable(web.UNUSABLE) from None
    except Ended:
        raise
    except BeistandError as refusal:
        raise Unavailable from refusal
