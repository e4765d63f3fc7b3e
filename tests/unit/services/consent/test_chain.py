"""One session's page of the ledger: every record in its one place, questions between the device's records."""

import secrets
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beistand.protocol import signing
from beistand.protocol.errors import BadSignature
from beistand.protocol.messages import LedgerLine
from beistand.protocol.records import GENESIS, Entry, Pause, Record
from services.consent import chain
from services.consent.chain import Early, Page
from tests.support.questions import ORG, SID, an_ask

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SEED = secrets.token_bytes(32)
KEY = signing.public_key_of(SEED)


def a_pause(page: Page, **changes: object) -> Pause:
    place = {"org": ORG, "sid": SID, "seq": page.seq, "prev": page.head, "device_time": NOW}
    return Pause.model_validate({**place, "paused": True, **changes})


def a_line(page: Page, record: Record, **changes: object) -> LedgerLine:
    jws = signing.sign(record, SEED)
    entry = {
        "org": ORG,
        "sid": SID,
        "position": len(page.lines),
        "record_hash": signing.hash_of(jws),
        "recorded_at": NOW,
    }
    return LedgerLine(jws=jws, entry_jws=signing.sign(Entry.model_validate({**entry, **changes}), SEED))


def with_line(page: Page, line: LedgerLine) -> Page:
    return chain.extended(page, line, consent_key=KEY, org=ORG, sid=SID)


def a_page(*kinds: str) -> Page:
    page = Page()
    for number, kind in enumerate(kinds):
        record: Record = an_ask(str(number)) if kind == "ask" else a_pause(page)
        page = with_line(page, a_line(page, record))
    return page


def test_records_are_found_again_at_their_place() -> None:
    page = a_page("pause", "ask", "pause")
    assert [page.line_of(line.jws) for line in page.lines] == list(page.lines)
    assert page.line_of(signing.sign(a_pause(page), SEED)) is None


def test_a_question_takes_a_position_and_no_place_in_the_devices_chain() -> None:
    before = a_page("pause")
    after = with_line(before, a_line(before, an_ask()))
    assert (after.seq, after.head) == (before.seq, before.head)
    assert len(after.lines) == 2
    chain.check_next(after, an_ask("another"))


@given(st.integers(0, 5), st.integers(0, 7))
def test_only_the_next_record_continues(length: int, seq: int) -> None:
    page = a_page(*["pause"] * length)
    record = a_pause(page, seq=seq)
    if seq == length:
        chain.check_next(page, record)
    else:
        with pytest.raises(Early if seq > length else BadSignature):
            chain.check_next(page, record)


def test_a_fork_is_refused_and_not_waited_for() -> None:
    page = a_page("pause", "pause")
    for fork in (a_pause(page, prev="f" * 43), a_pause(page, seq=0, prev=GENESIS)):
        with pytest.raises(BadSignature) as refusal:
            chain.check_next(page, fork)
        assert not isinstance(refusal.value, Early)


@pytest.mark.parametrize(
    "changes", [{"position": 0}, {"position": 2}, {"record_hash": "x" * 43}, {"org": "elsewhere"}]
)
def test_a_line_that_was_not_written_for_this_place_is_noticed(changes: dict[str, object]) -> None:
    page = a_page("pause")
    with pytest.raises(BadSignature):
        with_line(page, a_line(page, a_pause(page), **changes))


def test_a_line_of_another_key_is_noticed() -> None:
    page = a_page()
    line = a_line(page, a_pause(page))
    with pytest.raises(BadSignature):
        chain.extended(
            page,
            line,
            consent_key=signing.public_key_of(secrets.token_bytes(32)),
            org=ORG,
            sid=SID,
        )
