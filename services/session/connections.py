"""Which connections an agent has, and what a new or a lost one means for its session. Pure."""

from datetime import datetime

from beistand.protocol.errors import Ended, RateLimited, TicketRefused
from beistand.protocol.messages import SessionEntry, SessionState, TicketEntry
from services.session import domain

MAX_CONNECTIONS = 64
"""Let in and not known to be gone; an agent needs two, the rest is what restarted NATS servers left."""
Connection = tuple[str, int]
"""(NATS server id, client id)."""


def check_ticket(ticket: TicketEntry | None, agent_key: str, *, now: datetime) -> TicketEntry:
    """The ticket if this agent may get in with it now; one answer for everything else."""
    if ticket is None or ticket.audience != "agent" or now >= ticket.expires_at:
        raise TicketRefused
    if ticket.agent_key != agent_key:
        raise TicketRefused
    return ticket


def connect(
    entry: SessionEntry, connection: Connection, *, agent_key: str, purpose: str, now: datetime
) -> SessionEntry:
    """The session with one more connection of its agent; the first one binds the agent's key."""
    if entry.state in domain.FINAL or domain.overdue(entry, now=now) is not None:
        raise Ended
    if entry.agent_key is None:
        entry = domain.apply(entry, domain.KeyBound(agent_key), now=now)
    if entry.agent_key != agent_key:
        raise TicketRefused
    if len(entry.connections) >= MAX_CONNECTIONS:
        raise RateLimited
    entry = entry.model_copy(update={"connections": (*entry.connections, connection)})
    if purpose != "control":
        return entry
    return domain.apply(entry, domain.AgentBack(), now=now).model_copy(update={"control": connection})


def disconnect(
    entry: SessionEntry, connection: Connection, *, now: datetime, limits: domain.Limits
) -> SessionEntry:
    """The session without that connection; without the control connection the agent is lost."""
    if connection not in entry.connections:
        return entry
    left = tuple(known for known in entry.connections if known != connection)
    entry = entry.model_copy(update={"connections": left})
    if entry.control != connection or entry.state in domain.FINAL:
        return entry
    entry = domain.apply(entry, domain.AgentLost(until=now + limits.suspended), now=now)
    return entry.model_copy(update={"control": None})


def fall_silent(
    entry: SessionEntry, control: Connection, *, now: datetime, limits: domain.Limits
) -> SessionEntry:
    """The session whose agent says nothing any more on `control`; unchanged if it is not that any longer."""
    if entry.state is not SessionState.ACTIVE or entry.control != control:
        return entry
    entry = domain.apply(entry, domain.AgentLost(until=now + limits.suspended), now=now)
    return entry.model_copy(update={"control": None})
