"""The conformance suite's device, for tests beside the services: it asks the session service itself."""

import secrets
from typing import Self

from nats.aio.client import Client

from beistand.bus import rpc
from beistand.conformance.device import Device, agent_key_of, new_id
from beistand.protocol import subjects
from beistand.protocol.messages import Join, Joined

__all__ = ["AgentWire", "agent_key_of", "new_id"]


class AgentWire(Device):
    """See `Device`."""

    @classmethod
    async def join(cls, services: Client, code: str, *, seed: bytes | None = None) -> Self:
        """Look up a code, as the gateway does for an agent; connects nothing."""
        seed = seed or secrets.token_bytes(32)
        request = Join(code=code, agent_key=agent_key_of(seed))
        return cls(await rpc.call(services, subjects.Service.SESSION_JOIN, request, Joined), seed)
