"""A standing permission holds only if everything in it is as it was signed."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.unattended.standing import MAX_RECORDS, Unreadable, proven, seal, unseal
from beistand.protocol import signing
from beistand.protocol.errors import BadSignature
from beistand.protocol.records import Standby, Why, Withdrawal
from beistand.protocol.terms import MAX_TERM
from tests.support.questions import an_id
from tests.support.standing import ADevice, some_terms

pytestmark = pytest.mark.unit
NOW = datetime.now(UTC)
DEVICE = ADevice()
SEALED = seal(DEVICE.standing(), DEVICE.seed)


def test_what_was_kept_comes_back() -> None:
    standing = unseal(SEALED, DEVICE.seed)
    assert standing == DEVICE.standing()
    assert (standing.device_id, standing.terms) == (DEVICE.device_id, DEVICE.terms)
    assert standing.enrolment_hash == signing.hash_of(standing.kept.enrolment_jws)
    assert not standing.is_paused


@given(st.binary(max_size=4096))
def test_any_other_bytes_are_no_permission(body: bytes) -> None:
    with pytest.raises(Unreadable):
        unseal(body, DEVICE.seed)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place: int, difference: int) -> None:
    body = bytearray(SEALED)
    body[place] ^= difference
    with pytest.raises(Unreadable):
        unseal(bytes(body), DEVICE.seed)


@given(st.integers(0, len(SEALED) - 1))
def test_half_a_file_is_noticed(length: int) -> None:
    with pytest.raises(Unreadable):
        unseal(SEALED[:length], DEVICE.seed)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(Unreadable):
        unseal(SEALED, secrets.token_bytes(32))


_STRANGER = ADevice()


@pytest.mark.parametrize(
    "changes",
    [
        {"enrolment_jws": _STRANGER.key.sign(DEVICE.enrolment())},
        {"enrolment_jws": DEVICE.key.sign(DEVICE.enrolment(sid=an_id("chosen")))},
        {"enrolment_jws": DEVICE.key.sign(DEVICE.enrolment(device_key=_STRANGER.key.agent_key))},
        {"enrolment_jws": DEVICE.key.sign(DEVICE.enrolment(org="other"))},
        {"enrolment_jws": DEVICE.key.sign(DEVICE.enrolment(seq=1))},
        {"enrolment_jws": DEVICE.key.sign(DEVICE.enrolment(terms=some_terms(until=NOW - timedelta(1))))},
        {"enrolment_jws": DEVICE.key.sign(DEVICE.enrolment(terms=some_terms(until=NOW + 2 * MAX_TERM)))},
        {"entry_jws": DEVICE.entry("another record")},
        {"consent_key": _STRANGER.consent_key},
        {"entry_jws": DEVICE.entry(DEVICE.kept().enrolment_jws, sid=an_id("other"))},
        {"org": "other"},
        {"records": ("x" * 20,)},
    ],
)
def test_what_is_signed_otherwise_is_no_permission(changes: dict[str, Any]) -> None:
    kept = DEVICE.kept(**changes)
    with pytest.raises(BadSignature):
        proven(kept, DEVICE.key)


def test_pausing_goes_on_in_the_chain() -> None:
    standing = DEVICE.standing()
    before = standing.kept.enrolment_jws
    for seq, paused in enumerate((True, False, True), start=1):
        standing, message = standing.switched(paused=paused, key=DEVICE.key, device_time=NOW)
        record = signing.verify(message.jws, signing.public_key_of(DEVICE.seed), Standby)
        assert (record.seq, record.prev, record.paused) == (seq, signing.hash_of(before), paused)
        before = message.jws
    kept = unseal(seal(standing, DEVICE.seed), DEVICE.seed)
    assert kept == standing
    assert kept.is_paused


def test_an_old_pause_put_back_or_left_out_is_noticed() -> None:
    once, _ = DEVICE.standing().switched(paused=True, key=DEVICE.key, device_time=NOW)
    twice, _ = once.switched(paused=False, key=DEVICE.key, device_time=NOW)
    thrice, _ = twice.switched(paused=True, key=DEVICE.key, device_time=NOW)
    first, second, third = thrice.kept.records
    for records in ((first, third), (second, first), (first, first)):
        with pytest.raises(BadSignature):
            proven(DEVICE.kept(records=records), DEVICE.key)


def test_only_the_newest_pauses_are_kept() -> None:
    standing = DEVICE.standing()
    for paused in [True, False] * MAX_RECORDS:
        standing, _ = standing.switched(paused=paused, key=DEVICE.key, device_time=NOW)
    kept = unseal(seal(standing, DEVICE.seed), DEVICE.seed)
    assert len(kept.kept.records) == MAX_RECORDS
    assert kept.chain == standing.chain
    assert kept.chain.seq == 2 * MAX_RECORDS + 1


def test_the_withdrawal_is_the_next_record() -> None:
    standing, paused = DEVICE.standing().switched(paused=True, key=DEVICE.key, device_time=NOW)
    message = standing.withdrawn(Why.UNINSTALLED, key=DEVICE.key, device_time=NOW)
    record = signing.verify(message.jws, signing.public_key_of(DEVICE.seed), Withdrawal)
    assert (record.seq, record.prev) == (2, signing.hash_of(paused.jws))
    assert (record.sid, record.why, message.type) == (DEVICE.device_id, Why.UNINSTALLED, "withdrawal")
