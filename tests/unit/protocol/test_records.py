"""Records: frozen, bounded, nothing unknown, and a grant's end counted from the server's clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beistand.protocol import records
from beistand.protocol.records import GENESIS, Ask, Cause, Record, Revocation

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ID = "i" * 22
ASK = {
    "org": "acme",
    "sid": ID,
    "request_id": ID,
    "technician_id": ID,
    "technician_name": "Tina",
    "organisation_name": "Acme",
    "capability": "view",
    "reason": "printer",
    "nonce": ID,
    "asked_at": NOW,
    "answer_within_s": 60,
    "duration_s": 3600,
}
KINDS = [kind for kind in vars(records).values() if isinstance(kind, type) and issubclass(kind, Record)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_record_is_frozen_refuses_the_unknown_and_names_its_session(kind: type[Record]) -> None:
    assert kind.model_config["frozen"] is True
    assert kind.model_config["extra"] == "forbid"
    assert {"org", "sid"} <= set(kind.model_fields)


@pytest.mark.parametrize(
    "change",
    [
        {"reason": ""},
        {"reason": "x" * 301},
        {"technician_name": ""},
        {"capability": "everything"},
        {"answer_within_s": 4},
        {"answer_within_s": 601},
        {"duration_s": 59},
        {"duration_s": 12 * 3600 + 1},
        {"asked_at": datetime(2026, 1, 2)},
        {"nonce": "short"},
    ],
)
def test_a_question_has_bounds(change: dict[str, object]) -> None:
    assert Ask.model_validate(ASK)
    with pytest.raises(ValidationError):
        Ask.model_validate(ASK | change)


@pytest.mark.parametrize("count", [0, 65])
def test_a_revocation_names_some_grants_and_not_too_many(count: int) -> None:
    with pytest.raises(ValidationError):
        Revocation(
            org="acme",
            sid=ID,
            seq=0,
            prev=GENESIS,
            device_time=NOW,
            grant_ids=(ID,) * count,
            cause=Cause.STOP_SHARING,
        )


@given(st.integers(60, 12 * 3600))
def test_a_grant_ends_its_duration_after_it_was_recorded(duration_s: int) -> None:
    assert records.expiry(NOW, duration_s) - NOW == timedelta(seconds=duration_s)
