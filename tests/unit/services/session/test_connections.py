"""Connections: who is let in, whose key is bound, and which loss is the loss of the agent."""

from datetime import UTC, datetime, timedelta

import pytest

from beistand.protocol.errors import Ended, RateLimited, TicketRefused
from beistand.protocol.messages import Actor, Party, SessionEntry, SessionState, TicketEntry
from beistand.protocol.records import Cause
from services.session import connections, domain
from services.session.connections import Connection
from tests.unit.services.session.test_domain import in_state, waiting

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TINA = Actor(technician_id="t" * 22, name="Tina", org="acme")
KEY, OTHER = "U" + "A" * 55, "U" + "B" * 55
TICKET = TicketEntry(
    audience="agent", org="acme", sid="s" * 22, agent_key=KEY, expires_at=NOW + timedelta(hours=8)
)


def _connect(
    entry: SessionEntry, number: int, purpose: str = "control", key: str = KEY, now: datetime = NOW
) -> SessionEntry:
    return connections.connect(entry, ("NATS", number), agent_key=key, purpose=purpose, now=now)


def _lose(entry: SessionEntry, connection: Connection) -> SessionEntry:
    return connections.disconnect(entry, connection, now=NOW, limits=domain.Limits())


def test_a_good_ticket_passes() -> None:
    assert connections.check_ticket(TICKET, KEY, now=NOW) is TICKET


@pytest.mark.parametrize(
    "change",
    [
        {"audience": "relay"},
        {"audience": "events"},
        {"agent_key": OTHER},
        {"agent_key": None},
        {"expires_at": NOW},
    ],
)
def test_any_other_ticket_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(TicketRefused):
        connections.check_ticket(TICKET.model_copy(update=change), KEY, now=NOW)


def test_no_ticket_is_refused() -> None:
    with pytest.raises(TicketRefused):
        connections.check_ticket(None, KEY, now=NOW)


@pytest.mark.parametrize("purpose", ["control", "media"])
def test_the_first_connection_binds_its_key(purpose: str) -> None:
    entry = _connect(waiting(), 1, purpose)
    assert (entry.agent_key, entry.connections, entry.code_locator) == (KEY, (("NATS", 1),), "")
    with pytest.raises(TicketRefused):
        _connect(entry, 2, key=OTHER)
    assert _connect(entry, 2).connections == (("NATS", 1), ("NATS", 2))


@pytest.mark.parametrize("state", sorted(domain.FINAL))
def test_nobody_gets_into_what_is_over(state: SessionState) -> None:
    with pytest.raises(Ended):
        _connect(in_state(state), 1)


def test_nor_into_what_is_over_by_the_clock() -> None:
    entry = waiting()
    with pytest.raises(Ended):
        _connect(entry, 1, now=entry.waiting_until)


def test_connections_are_bounded() -> None:
    entry = waiting()
    for number in range(connections.MAX_CONNECTIONS):
        entry = _connect(entry, number)
    with pytest.raises(RateLimited):
        _connect(entry, 1000)


def test_losing_the_control_connection_is_losing_the_agent() -> None:
    entry = _connect(_connect(in_state(SessionState.ACTIVE), 1), 2, "media")
    lost = _lose(entry, ("NATS", 1))
    assert (lost.state, lost.control, lost.connections) == (SessionState.SUSPENDED, None, (("NATS", 2),))
    back = _connect(lost, 3)
    assert (back.state, back.control) == (SessionState.ACTIVE, ("NATS", 3))


def test_losing_another_connection_is_not() -> None:
    entry = _connect(_connect(_connect(in_state(SessionState.ACTIVE), 1), 2, "media"), 3)
    for older in (1, 2):
        entry = _lose(entry, ("NATS", older))
        assert (entry.state, entry.control) == (SessionState.ACTIVE, ("NATS", 3))


def test_a_media_connection_alone_brings_nobody_back() -> None:
    entry = _lose(_connect(in_state(SessionState.ACTIVE), 1), ("NATS", 1))
    assert _connect(entry, 2, "media").state is SessionState.SUSPENDED


def test_an_unknown_connection_changes_nothing() -> None:
    entry = _connect(in_state(SessionState.ACTIVE), 1)
    assert _lose(entry, ("NATS", 9)) is entry
    assert _lose(entry, ("OTHER", 1)) is entry


def test_losing_a_connection_after_the_end_only_forgets_it() -> None:
    entry = _connect(in_state(SessionState.ACTIVE), 1)
    ended = domain.apply(entry, domain.EndAsked(Party.CUSTOMER, Cause.END_SESSION), now=NOW)
    assert _lose(ended, ("NATS", 1)) == ended.model_copy(update={"connections": ()})


def test_the_agent_lost_before_its_hello_still_has_time() -> None:
    entry = _lose(_connect(waiting(), 1), ("NATS", 1))
    assert entry.state is SessionState.WAITING
