"""Copies of records on disk: there until acknowledged, gone afterwards, readable for their owner only."""

from pathlib import Path

import pytest

from agent.engine.kept import Kept
from beistand.protocol.messages import PostedRecord
from tests.support.questions import ORG, an_id

pytestmark = pytest.mark.unit

GATEWAY, KEY = "https://support.example.org", "k" * 43


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def record(name: str) -> PostedRecord:
    return PostedRecord(org=ORG, sid=an_id(name), type="revocation", jws=f"{name}.payload.signature")


def kept_in(folder: Path, *records: PostedRecord, gateway: str = GATEWAY) -> Kept:
    kept = Kept(folder, gateway=gateway)
    for each in records:
        kept.keep(each, consent_key=KEY)
    return kept


def test_what_was_not_acknowledged_is_found_by_the_next_run(folder: Path) -> None:
    kept_in(folder, record("one"), record("two")).close()
    found = [leftover.record for _, leftover in Kept(folder, gateway=GATEWAY).leftovers()]
    assert found == [record("one"), record("two")]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_was_acknowledged_is_gone(folder: Path) -> None:
    kept = kept_in(folder, record("one"), record("two"))
    kept.drop(record("one").jws)
    kept.close()
    found = [leftover.record for _, leftover in Kept(folder, gateway=GATEWAY).leftovers()]
    assert found == [record("two")]


def test_dropping_what_was_never_kept_is_harmless(folder: Path) -> None:
    kept = kept_in(folder)
    kept.drop("never.kept.this")
    kept.close()
    assert not folder.exists()


def test_another_gateways_and_broken_copies_are_left_alone(folder: Path) -> None:
    kept_in(folder, record("one"), gateway="https://other.example.org").close()
    (folder / "00000000000000000001-x.record.json").write_text("{")
    assert Kept(folder, gateway=GATEWAY).leftovers() == []
    assert len(list(folder.iterdir())) == 2
