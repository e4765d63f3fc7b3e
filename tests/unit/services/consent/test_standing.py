"""An enrolled device's life: every state with every word, and what a standing yes allows whom and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from beistand.protocol import signing
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BadSignature, Ended, NotFound, OutsideTerms
from beistand.protocol.messages import DeviceEntry, DeviceState, LedgerLine
from beistand.protocol.records import DecidedBy, Decision, Enrolment, Hello, Outcome, Standby, Withdrawal
from beistand.protocol.terms import Technician, Terms
from services.consent import questions, standing
from services.consent.chain import Page
from services.consent.standing import Standing, Word
from tests.support.consented import Consented, new_id
from tests.support.enrolled import Enrolled

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORLD = Consented(now=NOW)
TERMS = Terms(technicians=(Technician(id=WORLD.technician_id, name="Tina"),), until=NOW + timedelta(days=1))

ENROLLED, PAUSED = DeviceState.ENROLLED, DeviceState.PAUSED
WITHDRAWN, GIVEN_UP, CLONED = DeviceState.WITHDRAWN, DeviceState.GIVEN_UP, DeviceState.CLONED

STEPS: dict[tuple[DeviceState, Word], DeviceState | type[Exception]] = {
    (ENROLLED, Word.ENROL): BadSignature,
    (ENROLLED, Word.PAUSE): PAUSED,
    (ENROLLED, Word.GO_ON): ENROLLED,
    (ENROLLED, Word.WITHDRAW): WITHDRAWN,
    (PAUSED, Word.ENROL): BadSignature,
    (PAUSED, Word.PAUSE): PAUSED,
    (PAUSED, Word.GO_ON): ENROLLED,
    (PAUSED, Word.WITHDRAW): WITHDRAWN,
    (WITHDRAWN, Word.ENROL): Ended,
    (WITHDRAWN, Word.PAUSE): Ended,
    (WITHDRAWN, Word.GO_ON): Ended,
    (WITHDRAWN, Word.WITHDRAW): Ended,
    (GIVEN_UP, Word.ENROL): Ended,
    (GIVEN_UP, Word.PAUSE): Ended,
    (GIVEN_UP, Word.GO_ON): Ended,
    (GIVEN_UP, Word.WITHDRAW): WITHDRAWN,
    (CLONED, Word.ENROL): Ended,
    (CLONED, Word.PAUSE): Ended,
    (CLONED, Word.GO_ON): Ended,
    (CLONED, Word.WITHDRAW): WITHDRAWN,
}


@pytest.mark.parametrize("word", Word)
@pytest.mark.parametrize("state", DeviceState)
def test_every_state_knows_every_word(state: DeviceState, word: Word) -> None:
    expected = STEPS[state, word]
    if isinstance(expected, DeviceState):
        assert standing.after(state, word) is expected
        return
    with pytest.raises(expected):
        standing.after(state, word)


@pytest.mark.parametrize("word", Word)
@pytest.mark.parametrize("state", DeviceState)
def test_brought_again_only_a_withdrawal_is_taken_once_it_is_over(state: DeviceState, word: Word) -> None:
    if state in {ENROLLED, PAUSED} or word is Word.WITHDRAW:
        standing.check_again(state, word)
        return
    with pytest.raises(Ended):
        standing.check_again(state, word)


def test_over_is_over_in_the_table() -> None:
    """Nothing leads back from the end."""
    assert {after for (before, _), after in standing.TABLE.items() if before in standing.OVER} == {WITHDRAWN}


# --- what a chain says --------------------------------------------------------------------------------


def a_yes(device: Enrolled, **changes: Any) -> tuple[Decision, str]:
    """The person's yes to unattended access, naming this device's key."""
    ask = WORLD.ask(capability=Capability.UNATTENDED, terms=TERMS)
    ask_jws = signing.sign(ask, WORLD.consent_seed)
    decision = WORLD.decision(ask, ask_jws, **{"terms": TERMS, "device_key": device.key, **changes})
    return decision, signing.sign(decision, WORLD.agent_seed)


def enrolled() -> Enrolled:
    device = Enrolled()
    device.enrol(*a_yes(device))
    return device


def page_of(*records: str) -> Page:
    return Page(tuple(LedgerLine(jws=jws, entry_jws="not looked at here") for jws in records))


def noted(device: Enrolled, state: DeviceState) -> DeviceEntry:
    """What the session service has of it."""
    return DeviceEntry(
        org="acme",
        device_id=device.device_id,
        device_key=device.key,
        name="desk",
        platform="Linux",
        zone="UTC",
        terms=TERMS,
        organisation_name="Acme",
        enrolled_at=NOW,
        enrolled_by=TERMS.technicians[0],
        enrolment_hash=device.enrolment_hash,
        state=state,
        changed_at=NOW,
    )


WORDS = {
    "p": (Standby, {"paused": True}),
    "g": (Standby, {"paused": False}),
    "w": (Withdrawal, {"why": "withdrawn"}),
}


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("", ENROLLED),
        ("p", PAUSED),
        ("pp", PAUSED),
        ("pg", ENROLLED),
        ("g", ENROLLED),
        ("w", WITHDRAWN),
        ("pw", WITHDRAWN),
    ],
)
@pytest.mark.parametrize("entry", [None, *DeviceState])
def test_the_chain_says_how_it_stands_and_an_end_that_is_noted_elsewhere_counts(
    words: str, state: DeviceState, entry: DeviceState | None
) -> None:
    device = enrolled()
    later = [device.sign(WORDS[word][0], **WORDS[word][1]) for word in words]  # type: ignore[arg-type]
    known = None if entry is None else noted(device, entry)
    stood = standing.standing_of(page_of(device.enrolment_jws, *later), device.device_id, entry=known)
    noted_end = entry in standing.OVER and state not in standing.OVER
    assert stood.state is (entry if noted_end else state)
    assert stood.enrolment_hash == device.enrolment_hash


def test_without_an_enrolment_there_is_nothing() -> None:
    with pytest.raises(NotFound):
        standing.standing_of(Page(), "d" * 22, entry=None)


def test_an_enrolment_stands_under_its_own_keys_hash_only() -> None:
    device, other = enrolled(), enrolled()
    for page in (page_of(other.enrolment_jws), page_of(device.forge(Standby, paused=True))):
        with pytest.raises(BadSignature):
            standing.standing_of(page, device.device_id, entry=None)


@pytest.mark.parametrize(
    "changes",
    [
        {"sid": "x" * 22},
        {"by": b"\x07" * 32},
        {"seq": 1},
        {"prev": "x" * 43},
        {"device_key": Enrolled().key},
    ],
)
def test_an_enrolment_that_is_not_the_devices_own_is_none(changes: dict[str, Any]) -> None:
    device = Enrolled()
    device.enrol(*a_yes(device))
    content = dict(Enrolment.model_validate(_claims(device.enrolment_jws)))
    forged = device.forge(Enrolment, **{**content, **changes})
    with pytest.raises(BadSignature):
        standing.standing_of(page_of(forged), device.device_id, entry=None)


def _claims(jws: str) -> dict[str, Any]:
    record = standing.enrolment_of(jws)
    return record.model_dump()


@pytest.mark.parametrize("jws", ["", "a.b.c", "x" * 300, "e30.e30.e30", "e30.W10.e30", "e30.bnVsbA.e30"])
def test_what_is_no_record_is_no_enrolment(jws: str) -> None:
    with pytest.raises(BadSignature):
        standing.enrolment_of(jws)


@pytest.mark.parametrize("kind", [Hello, Enrolment])
def test_other_kinds_are_no_later_record(kind: Any) -> None:
    device = enrolled()
    stood = standing.standing_of(page_of(device.enrolment_jws), device.device_id, entry=None)
    if kind is Hello:
        jws = device.forge(Hello, agent_key=device.key, language="de", platform="x", agent_version="0")  # type: ignore[arg-type]
    else:
        jws = device.enrolment_jws
    with pytest.raises(BadSignature):
        standing.record_of(stood, jws)


@pytest.mark.parametrize("changes", [{"by": b"\x07" * 32}, {"org": "other"}, {"sid": "x" * 22}])
def test_a_strangers_word_is_no_word_of_the_device(changes: dict[str, Any]) -> None:
    device = enrolled()
    stood = standing.standing_of(page_of(device.enrolment_jws), device.device_id, entry=None)
    with pytest.raises(BadSignature):
        standing.record_of(stood, device.forge(Standby, paused=False, **changes))


# --- what an enrolment rests on -----------------------------------------------------------------------


def test_an_enrolment_is_what_the_person_said() -> None:
    device = Enrolled()
    decision, jws = a_yes(device)
    standing.check_enrolment(standing.enrolment_of(device.enrol(decision, jws)), decision, jws)


@pytest.mark.parametrize(
    "changes",
    [
        {"terms": Terms(until=NOW + timedelta(days=2), technicians=TERMS.technicians)},
        {"terms": Terms(until=TERMS.until)},
        {"session_id": new_id()},
        {"request_id": new_id()},
        {"decision_hash": "x" * 43},
        {"org": "other"},
    ],
)
def test_an_enrolment_that_says_something_else_is_none(changes: dict[str, Any]) -> None:
    device = Enrolled()
    decision, jws = a_yes(device)
    record = standing.enrolment_of(device.enrol(decision, jws, **changes))
    with pytest.raises(BadSignature):
        standing.check_enrolment(record, decision, jws)


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": Outcome.DENIED},
        {"outcome": Outcome.TIMED_OUT, "decided_by": DecidedBy.TIMEOUT},
        {"decided_by": DecidedBy.POLICY},
        {"capability": Capability.VIEW},
        {"device_key": None},
        {"device_key": Enrolled().key},
        {"terms": None},
    ],
)
def test_only_a_persons_yes_to_unattended_access_enrols(changes: dict[str, Any]) -> None:
    device = Enrolled()
    decision, jws = a_yes(device, **changes)
    record = standing.enrolment_of(device.enrol(decision, jws, terms=TERMS))
    with pytest.raises(BadSignature):
        standing.check_enrolment(record, decision, jws)


# --- what rests on it ---------------------------------------------------------------------------------


def a_standing(state: DeviceState = ENROLLED, **changes: Any) -> Standing:
    device = Enrolled()
    record = standing.enrolment_of(device.enrol(*a_yes(device), **changes))
    return Standing(record, device.enrolment_hash, state)


@pytest.mark.parametrize(
    ("state", "rule"),
    [
        (ENROLLED, None),
        (PAUSED, "paused"),
        (WITHDRAWN, "withdrawn"),
        (GIVEN_UP, "given_up"),
        (CLONED, "cloned"),
    ],
)
def test_a_standing_yes_holds_while_it_stands(state: DeviceState, rule: str | None) -> None:
    refused = standing.refusal(a_standing(state), technician_id=WORLD.technician_id, now=NOW)
    assert (refused.detail.split(":")[0] if refused else None) == rule
    assert refused is None or isinstance(refused, OutsideTerms)


def test_a_standing_yes_is_for_whom_and_until_when_it_says() -> None:
    stood = a_standing()
    last = TERMS.until - timedelta(microseconds=1)
    assert standing.refusal(stood, technician_id=WORLD.technician_id, now=last) is None
    late = standing.refusal(stood, technician_id=WORLD.technician_id, now=TERMS.until)
    assert late is not None
    assert late.detail.startswith("expired:")
    other = standing.refusal(stood, technician_id=new_id(), now=NOW)
    assert other is not None
    assert other.detail.startswith("wrong_technician:")
    everybody = a_standing(terms=Terms(until=TERMS.until))
    assert standing.refusal(everybody, technician_id=new_id(), now=NOW) is None


def _by_policy(capability: Capability = Capability.VIEW, **changes: Any) -> tuple[Decision, Any, str]:
    ask = WORLD.ask(capability=capability)
    ask_jws = signing.sign(ask, WORLD.consent_seed)
    return WORLD.decision(ask, ask_jws, **{"decided_by": DecidedBy.POLICY, **changes}), ask, ask_jws


@pytest.mark.parametrize("capability", [Capability.VIEW, Capability.CONTROL])
def test_a_policys_yes_rests_on_the_standing_one(capability: Capability) -> None:
    stood = a_standing()
    questions.check_answer(*_by_policy(capability, enrolment_hash=stood.enrolment_hash), standing=stood)


@pytest.mark.parametrize(
    ("changes", "stands"),
    [
        ({}, True),
        ({"enrolment_hash": "x" * 43}, True),
        ({"enrolment_hash": "own"}, False),
        ({"enrolment_hash": "own", "decided_by": DecidedBy.PERSON}, True),
        ({"enrolment_hash": "own", "decided_by": DecidedBy.TIMEOUT}, True),
        ({"enrolment_hash": "own", "device_key": Enrolled().key}, True),
        ({"enrolment_hash": "own", "block": True}, True),
    ],
)
def test_no_other_policy_says_yes(changes: dict[str, Any], stands: bool) -> None:
    stood = a_standing()
    if changes.get("enrolment_hash") == "own":
        changes = {**changes, "enrolment_hash": stood.enrolment_hash}
    with pytest.raises(BadSignature):
        questions.check_answer(*_by_policy(**changes), standing=stood if stands else None)


def test_no_policy_enrols_another_device() -> None:
    stood = a_standing()
    ask = WORLD.ask(capability=Capability.UNATTENDED, terms=TERMS)
    ask_jws = signing.sign(ask, WORLD.consent_seed)
    content = {"terms": TERMS, "device_key": Enrolled().key, "enrolment_hash": stood.enrolment_hash}
    decision = WORLD.decision(ask, ask_jws, decided_by=DecidedBy.POLICY, **content)
    with pytest.raises(BadSignature):
        questions.check_answer(decision, ask, ask_jws, standing=stood)


def test_nothing_outlasts_the_standing_yes_it_rests_on() -> None:
    stood = a_standing()
    decision, _, _ = _by_policy(enrolment_hash=stood.enrolment_hash)
    session = WORLD.session(device_id=new_id())
    early, late = TERMS.until - timedelta(hours=2), TERMS.until - timedelta(seconds=59.5)
    assert questions.lasts_s(decision, session, standing=stood, now=early) == decision.duration_s
    assert questions.lasts_s(decision, session, standing=stood, now=late) == 60
