"""Who fell silent: counted from when we began to listen."""

from datetime import UTC, datetime

import pytest

from beistand.protocol.messages import SessionState
from services.session import connections, domain
from services.session.leases import SILENCE, Leases
from tests.unit.services.session.test_domain import in_state

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CONTROL = ("NATS", 1)
ACTIVE = in_state(SessionState.ACTIVE).model_copy(update={"control": CONTROL, "connections": (CONTROL,)})


@pytest.fixture
def leases() -> Leases:
    leases = Leases()
    leases.note("k", ACTIVE, now=NOW)
    assert leases.silent(listening=0, now=NOW) == []
    return leases


def test_who_is_silent_is_found_until_the_loss_is_stored(leases: Leases) -> None:
    for _ in range(2):
        assert leases.silent(listening=0, now=NOW + SILENCE) == [("k", CONTROL)]
    lost = connections.fall_silent(ACTIVE, CONTROL, now=NOW, limits=domain.Limits())
    assert (lost.state, lost.control) == (SessionState.SUSPENDED, None)
    leases.note("k", lost, now=NOW + SILENCE)
    assert leases.silent(listening=0, now=NOW + 2 * SILENCE) == []


def test_a_lease_is_a_sign_of_life(leases: Leases) -> None:
    leases.heard("k", now=NOW + SILENCE / 2)
    leases.note("k", ACTIVE, now=NOW + SILENCE)
    assert leases.silent(listening=0, now=NOW + SILENCE) == []
    assert leases.silent(listening=0, now=NOW + 1.5 * SILENCE) == [("k", CONTROL)]


def test_what_nobody_listened_for_was_no_silence(leases: Leases) -> None:
    assert leases.silent(listening=None, now=NOW + SILENCE) == []
    assert leases.silent(listening=1, now=NOW + 2 * SILENCE) == []
    assert leases.silent(listening=1, now=NOW + 3 * SILENCE) == [("k", CONTROL)]


def test_an_agent_that_is_back_by_another_connection_was_not_lost() -> None:
    back = ACTIVE.model_copy(update={"control": ("NATS", 2)})
    assert connections.fall_silent(back, CONTROL, now=NOW, limits=domain.Limits()) is back
