"""Chain, key and proof: what the device signs continues its chain; what it believes is proven."""

import pytest

from agent.engine import proof
from agent.engine.chain import Chain
from agent.engine.key import DeviceKey
from beistand.protocol import signing
from beistand.protocol.errors import BadSignature, WrongState
from beistand.protocol.records import GENESIS, End, Pause
from tests.support.questions import NOW, ORG, SID, an_ask, an_entry, an_id

pytestmark = pytest.mark.unit

SEED = bytes(range(32))
CONSENT_KEY = signing.public_key_of(SEED)


def test_records_follow_each_other() -> None:
    key = DeviceKey(SEED)
    chain, first = Chain(ORG, SID).sign(Pause, {"paused": True}, key=key, device_time=NOW)
    chain, second = chain.sign(End, {"cause": "end_session"}, key=key, device_time=NOW)
    public = signing.public_key_of_agent(key.agent_key)
    pause, end = signing.verify(first, public, Pause), signing.verify(second, public, End)
    assert (pause.seq, pause.prev, pause.org, pause.sid) == (0, GENESIS, ORG, SID)
    assert (end.seq, end.prev) == (1, signing.hash_of(first))
    assert (chain.seq, chain.prev) == (2, signing.hash_of(second))


def test_keys_are_fresh_and_nothing_signs_once_destroyed() -> None:
    key = DeviceKey.generate()
    assert key.agent_key != DeviceKey.generate().agent_key
    key.destroy()
    key.destroy()
    with pytest.raises(WrongState):
        key.sign(an_ask())


def test_a_question_of_the_consent_service() -> None:
    jws = signing.sign(an_ask(), SEED)
    assert proof.ask_of(jws, CONSENT_KEY, org=ORG, sid=SID) == (an_ask(), signing.hash_of(jws))


@pytest.mark.parametrize(
    ("jws", "sid"),
    [
        (signing.sign(an_ask(), bytes(32)), SID),
        (signing.sign(an_ask(), SEED), an_id("another session")),
        (signing.sign(an_entry(), SEED), SID),
        ("not even a record", SID),
    ],
    ids=["another key", "another session", "another kind", "nonsense"],
)
def test_questions_that_prove_nothing(jws: str, sid: str) -> None:
    with pytest.raises(BadSignature):
        proof.ask_of(jws, CONSENT_KEY, org=ORG, sid=sid)


def _entry_of(jws: str | None, record: str = "our record") -> None:
    proof.entry_of(jws, CONSENT_KEY, org=ORG, sid=SID, record_jws=record)


def test_an_entry_for_our_record() -> None:
    entry = an_entry(record_hash=signing.hash_of("our record"))
    _entry_of(signing.sign(entry, SEED))


@pytest.mark.parametrize(
    "jws",
    [
        None,
        signing.sign(an_entry(record_hash=signing.hash_of("our record")), bytes(32)),
        signing.sign(an_entry(record_hash=signing.hash_of("another record")), SEED),
    ],
    ids=["none", "another key", "another record"],
)
def test_entries_that_prove_nothing(jws: str | None) -> None:
    with pytest.raises(BadSignature):
        _entry_of(jws)
