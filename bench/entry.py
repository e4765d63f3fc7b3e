"""How the agents of this bench come in: as all do, but also to a bus without TLS on another local address.

The lines of the bench are network namespaces, and the agent itself refuses to speak in the clear across them.
"""

from agent.engine import join, web
from beistand.protocol.messages import Join, Joined


async def look_up(gateway: str, code: str, agent_key: str) -> Joined:
    """See `agent.engine.join.look_up`."""
    asked = Join(code=join.code_of(code), agent_key=agent_key)
    return Joined.model_validate_json(await web.post(f"{gateway}/v1/join", asked, timeout=join.TIMEOUT_S))
