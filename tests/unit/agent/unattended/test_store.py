"""The folder on disk: what is not in order is no permission, and the key is gone."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.port import Trouble, Used, Visited
from agent.unattended.store import Gone, Store, sign_withdrawal
from beistand.protocol import signing
from beistand.protocol.capabilities import Capability
from beistand.protocol.records import InputCounts, Why, Withdrawal
from tests.support.questions import an_id
from tests.support.standing import ADevice

pytestmark = pytest.mark.unit
NOW = datetime.now(UTC)


@pytest.fixture
def device() -> ADevice:
    return ADevice()


@pytest.fixture
def store(tmp_path: Path, device: ADevice) -> Store:
    store = Store(tmp_path)
    store.begin(device.standing(), device.key)
    return store


def _nothing_is_left(store: Store) -> None:
    assert not (store.folder / "device.key").exists()
    assert not (store.folder / "standing.json").exists()
    assert store.load() is None


def test_what_begins_is_there_at_the_next_start(store: Store, tmp_path: Path, device: ADevice) -> None:
    found = Store(tmp_path).load()
    assert found is not None
    assert found.standing == device.standing(enrolment_jws=found.standing.kept.enrolment_jws)
    assert found.key.agent_key == device.key.agent_key
    assert store.troubles() == ()
    for path in store.folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert store.folder.stat().st_mode & 0o777 == 0o700


def test_without_a_permission_there_is_nothing_to_tell(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.load() is None
    assert store.troubles() == ()
    assert not store.folder.exists()


def _link_elsewhere(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _instead(path: Path, make: Callable[[Path], None]) -> None:
    path.unlink()
    make(path)


BREAKING: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(b"\x00\xff" * 50),
    "huge": lambda path: path.write_bytes(bytes(2**20)),
    "others may read": lambda path: path.chmod(0o644),
    "a link": _link_elsewhere,
    "a folder": lambda path: _instead(path, Path.mkdir),
    "a pipe": lambda path: _instead(path, os.mkfifo),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"A"),
    "shorter": lambda path: path.write_bytes(path.read_bytes()[:-2]),
}


@pytest.mark.parametrize("name", ["device.key", "standing.json"])
@pytest.mark.parametrize("how", BREAKING)
def test_a_file_that_is_not_in_order(store: Store, name: str, how: str) -> None:
    BREAKING[how](store.folder / name)
    assert store.load() is None
    assert store.troubles() == (Trouble.UNREADABLE,)
    if how != "a folder":
        _nothing_is_left(store)


def test_a_file_of_somebody_else(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    assert store.load() is None
    monkeypatch.undo()
    _nothing_is_left(store)


def test_a_folder_that_others_can_change(store: Store) -> None:
    store.folder.chmod(0o770)
    assert store.load() is None
    store.folder.chmod(0o700)
    _nothing_is_left(store)


@settings(deadline=None, max_examples=30)  # each one is written to the disk and waited for
@given(body=st.binary(max_size=2000), name=st.sampled_from(["device.key", "standing.json"]))
def test_no_bytes_make_a_permission(tmp_path_factory: pytest.TempPathFactory, body: bytes, name: str) -> None:
    device, store = ADevice(), Store(tmp_path_factory.mktemp("state"))
    store.begin(device.standing(), device.key)
    (store.folder / name).write_bytes(body)
    assert store.load() is None
    assert store.troubles() == (Trouble.UNREADABLE,)
    _nothing_is_left(store)


def test_the_key_of_another_permission(store: Store, tmp_path: Path) -> None:
    other = ADevice()
    another = Store(tmp_path / "other")
    another.begin(other.standing(), other.key)
    (another.folder / "device.key").replace(store.folder / "device.key")
    assert store.load() is None
    _nothing_is_left(store)


def test_changes_are_kept(store: Store) -> None:
    found = store.load()
    assert found is not None
    store.save(found.standing.with_number(7, latest=NOW), found.key)
    again = store.load()
    assert again is not None
    assert again.standing.kept.number == 7


def test_nothing_comes_back_once_the_key_is_gone(store: Store) -> None:
    found = store.load()
    assert found is not None
    store.destroy()
    with pytest.raises(Gone):
        store.save(found.standing, found.key)
    _nothing_is_left(store)


def test_a_withdrawal_needs_no_engine_and_leaves_a_copy(
    store: Store, tmp_path: Path, device: ADevice
) -> None:
    record = sign_withdrawal(tmp_path, Why.UNINSTALLED)
    assert record is not None
    _nothing_is_left(store)
    assert store.troubles() == ()
    [(path, waiting)] = Store(tmp_path).waiting()
    assert waiting.record == record
    assert waiting.consent_key == device.consent_key
    withdrawal = signing.verify(record.jws, signing.public_key_of(device.seed), Withdrawal)
    assert withdrawal.why is Why.UNINSTALLED
    assert sign_withdrawal(tmp_path, Why.UNINSTALLED) is None
    store.settled(path)
    assert store.waiting() == []


def test_a_withdrawal_of_what_cannot_be_read_still_destroys(store: Store, tmp_path: Path) -> None:
    (store.folder / "standing.json").write_bytes(b"?")
    assert sign_withdrawal(tmp_path, Why.UNINSTALLED) is None
    _nothing_is_left(store)


def test_a_withdrawal_where_nothing_can_be_written_still_destroys(store: Store, tmp_path: Path) -> None:
    (store.folder / "outbox").write_text("in the way")
    assert sign_withdrawal(tmp_path, Why.WITHDRAWN) is not None
    _nothing_is_left(store)


def test_visits_and_troubles_stay_until_they_are_seen(store: Store, tmp_path: Path) -> None:
    used = Used(Capability.CONTROL, "Tina", 12, InputCounts(keys=3))
    visit = Visited(an_id("session"), "Acme", "Tina", "printer", NOW, NOW, (used,), "/receipt.json")
    store.keep_visits((visit,))
    store.tell(Trouble.CLONED)
    store.tell(Trouble.CLONED)
    assert Store(tmp_path).visits() == (visit,)
    assert Store(tmp_path).troubles() == (Trouble.CLONED,)
    (store.folder / "visits.json").write_bytes(b"?")
    (store.folder / "troubles.json").write_bytes(b"?")
    assert store.visits() == ()
    assert store.troubles() == ()
