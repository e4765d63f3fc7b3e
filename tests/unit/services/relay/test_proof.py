"""Every forged, altered, borrowed or outlived grant is refused by the relay's own check."""

from datetime import UTC, datetime, timedelta

import pytest

from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BadSignature, BeistandError, Ended, NoGrant, Unavailable
from beistand.protocol.messages import GrantEntry, RequestState, SessionState
from beistand.protocol.records import DecidedBy, Outcome
from services.relay.proof import Grant, session_refusal, verified
from tests.support.consented import Consented, new_id, nkey_of

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OTHER_KEY = b"\7" * 32


def prove(world: Consented, entry: GrantEntry, *, now: datetime = NOW, **session: object) -> Grant:
    return verified(entry, session=world.session(**session), consent_key=world.consent_key, now=now)


@pytest.fixture
def world() -> Consented:
    return Consented(now=NOW)


@pytest.mark.parametrize("capability", [Capability.VIEW, Capability.CONTROL])
def test_a_grant_the_customer_signed_is_proven(world: Consented, capability: Capability) -> None:
    entry = world.grant(capability)
    grant = prove(world, entry, now=NOW + timedelta(minutes=10))
    assert grant == Grant(
        entry.request_id, world.technician_id, capability, NOW + timedelta(hours=1), remaining_s=3000
    )


FORGERIES: dict[str, dict[str, object]] = {
    "decision signed by another key": {"decision_by": OTHER_KEY},
    "countersigned by another key": {"entry_by": OTHER_KEY},
    "a no": {"decision": {"outcome": Outcome.DENIED}},
    "a timeout": {"decision": {"outcome": Outcome.TIMED_OUT}},
    "decided by policy": {"decision": {"decided_by": DecidedBy.POLICY}},
    "decided by a timeout": {"decision": {"decided_by": DecidedBy.TIMEOUT}},
    "other organisation": {"decision": {"org": "other"}},
    "other session": {"decision": {"sid": new_id()}},
    "other request": {"decision": {"request_id": new_id()}},
    "other nonce": {"decision": {"nonce": new_id()}},
    "other technician": {"decision": {"technician_id": new_id()}},
    "other name shown": {"decision": {"technician_name": "Tom"}},
    "other reason shown": {"decision": {"reason": "scan"}},
    "other capability": {"decision": {"capability": Capability.CONTROL}},
    "longer than asked": {"decision": {"duration_s": 7200}},
    "answer to another question": {"decision": {"ask_hash": "A" * 43}},
    "countersigned for another session": {"entry": {"sid": new_id()}},
    "countersigned for another organisation": {"entry": {"org": "other"}},
    "countersigned for another record": {"entry": {"record_hash": "A" * 43}},
    "countersigned for longer": {"entry": {"expires_at": NOW + timedelta(hours=2)}},
    "countersigned without an end": {"entry": {"expires_at": None}},
    "countersigned in the future": {
        "entry": {"recorded_at": NOW + timedelta(hours=1), "expires_at": NOW + timedelta(hours=2)}
    },
    "stored for another technician": {"stored": {"technician_id": new_id()}},
    "stored as another capability": {"stored": {"capability": Capability.CONTROL}},
    "stored under another request": {"stored": {"request_id": new_id()}},
    "stored in another session": {"stored": {"sid": new_id()}},
    "stored in another organisation": {"stored": {"org": "other"}},
    "without a decision": {"stored": {"decision_jws": None}},
    "without a countersignature": {"stored": {"entry_jws": None}},
    "unattended": {"capability": Capability.UNATTENDED},
    "a policy that names a standing yes": {
        "decision": {"decided_by": DecidedBy.POLICY, "enrolment_hash": "e" * 43}
    },
    "a person's yes that names a standing one": {"decision": {"enrolment_hash": "e" * 43}},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_or_altered_grant_is_refused(world: Consented, forgery: dict[str, object]) -> None:
    entry = world.grant(**forgery)  # type: ignore[arg-type]
    with pytest.raises(BadSignature):
        prove(world, entry)


BY_POLICY: dict[str, object] = {"decided_by": DecidedBy.POLICY, "enrolment_hash": "e" * 43}


@pytest.mark.parametrize("capability", [Capability.VIEW, Capability.CONTROL])
def test_in_a_session_of_a_device_its_policy_may_say_yes(world: Consented, capability: Capability) -> None:
    entry = world.grant(capability, decision=BY_POLICY)
    assert prove(world, entry, device_id=new_id()).capability is capability
    assert prove(world, world.grant(capability), device_id=new_id()).capability is capability


@pytest.mark.parametrize(
    "forgery",
    [
        {"decision": {**BY_POLICY, "enrolment_hash": None}},
        {"decision": {**BY_POLICY, "decided_by": DecidedBy.PERSON}},
        {"decision": {**BY_POLICY, "decided_by": DecidedBy.TIMEOUT}},
        {"decision": {**BY_POLICY, "outcome": Outcome.DENIED}},
        {"decision": BY_POLICY, "capability": Capability.UNATTENDED},
        {"decision": BY_POLICY, "decision_by": OTHER_KEY},
    ],
)
def test_a_policy_says_yes_by_a_standing_one_only(world: Consented, forgery: dict[str, object]) -> None:
    with pytest.raises(BadSignature):
        prove(world, world.grant(**forgery), device_id=new_id())  # type: ignore[arg-type]


def test_an_ask_the_consent_service_did_not_sign_is_refused(world: Consented) -> None:
    entry = world.grant()
    consent_key, world.consent_seed = world.consent_key, OTHER_KEY
    forged = world.grant().model_copy(update={"entry_jws": entry.entry_jws})
    with pytest.raises(BadSignature):
        verified(forged, session=world.session(), consent_key=consent_key, now=NOW)


def test_records_cannot_be_swapped_for_each_other(world: Consented) -> None:
    entry = world.grant()
    swapped = entry.model_copy(update={"decision_jws": entry.entry_jws, "entry_jws": entry.decision_jws})
    with pytest.raises(BadSignature):
        prove(world, swapped)


def test_a_grant_of_an_earlier_session_of_the_same_device_is_refused(world: Consented) -> None:
    earlier = Consented(now=NOW, agent_seed=world.agent_seed, technician_id=world.technician_id)
    replayed = earlier.grant().model_copy(update={"sid": world.sid})
    with pytest.raises(BadSignature):
        prove(world, replayed)


@pytest.mark.parametrize("state", [state for state in RequestState if state is not RequestState.LIVE])
def test_only_a_live_grant_counts(world: Consented, state: RequestState) -> None:
    with pytest.raises(NoGrant):
        prove(world, world.grant(stored={"state": state}))


def test_without_an_agent_there_is_no_grant(world: Consented) -> None:
    with pytest.raises(NoGrant):
        prove(world, world.grant(), agent_key=None)


def test_another_device_than_the_one_that_joined_cannot_grant(world: Consented) -> None:
    with pytest.raises(BadSignature):
        prove(world, world.grant(), agent_key=nkey_of(OTHER_KEY))


def test_the_server_clock_decides_about_expiry(world: Consented) -> None:
    entry = world.grant(decision={"device_time": NOW + timedelta(hours=2)})
    assert prove(world, entry, now=NOW + timedelta(seconds=3599)).remaining_s == 1
    with pytest.raises(NoGrant):
        prove(world, entry, now=NOW + timedelta(seconds=3600))


def test_a_grant_ends_with_the_session(world: Consented) -> None:
    grant = prove(world, world.grant(), limit_at=NOW + timedelta(minutes=5))
    assert grant.remaining_s == 300


def test_a_countersignature_may_be_shorter_than_the_decision(world: Consented) -> None:
    entry = world.grant(entry={"expires_at": NOW + timedelta(minutes=1)})
    assert prove(world, entry).remaining_s == 60


REFUSALS: dict[SessionState, type[BeistandError]] = {
    SessionState.WAITING: NoGrant,
    SessionState.SUSPENDED: Unavailable,
    SessionState.ENDED: Ended,
    SessionState.EXPIRED: Ended,
}


@pytest.mark.parametrize("state", SessionState)
def test_only_an_active_session_lets_anything_flow(world: Consented, state: SessionState) -> None:
    refusal = session_refusal(world.session(state=state), now=NOW)
    assert type(refusal) is REFUSALS.get(state, type(None))


def test_a_session_that_is_gone_or_past_its_limit_is_over(world: Consented) -> None:
    assert isinstance(session_refusal(None, now=NOW), Ended)
    assert isinstance(session_refusal(world.session(limit_at=NOW), now=NOW), Ended)


@pytest.mark.parametrize("hours", [-2, 2, 24 * 365])
def test_the_devices_clock_decides_nothing(world: Consented, hours: int) -> None:
    off = {"device_time": NOW + timedelta(hours=hours)}
    entry = world.grant(decision=off)
    grant = prove(world, entry)
    assert (grant.expires_at, grant.remaining_s) == (NOW + timedelta(hours=1), 3600)
    with pytest.raises(NoGrant):
        prove(world, entry, now=NOW + timedelta(hours=1))
