"""Keys are made once, stay what they are, and nobody else can read them."""

from pathlib import Path

import pytest

from beistand.bus import keys
from beistand.bus.settings import SettingsError
from beistand.protocol.signing import public_key_of

pytestmark = pytest.mark.unit

FILES = {
    "nats-gateway.seed",
    "nats-session.seed",
    "nats-consent.seed",
    "nats-relay.seed",
    "nats-system.seed",
    "callout.seed",
    "consent.seed",
    "consent.pub",
    "token.key",
}


def test_every_key_is_made_and_private(tmp_path: Path) -> None:
    keys.ensure_keys(tmp_path / "keys")
    made = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    assert made == dict.fromkeys(FILES, 0o600)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_existing_keys_stay(tmp_path: Path) -> None:
    keys.ensure_keys(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    (tmp_path / "token.key").unlink()
    keys.ensure_keys(tmp_path)
    after = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert after.pop("token.key") != before.pop("token.key")
    assert after == before


def test_the_kinds_of_keys(tmp_path: Path) -> None:
    keys.ensure_keys(tmp_path)
    assert keys.public_nkey(tmp_path, keys.nats_seed("relay")).startswith("U")
    assert keys.public_nkey(tmp_path, keys.CALLOUT_SEED).startswith("A")
    seed = keys.read_raw(tmp_path, keys.CONSENT_SEED)
    assert keys.read_raw(tmp_path, keys.CONSENT_PUBLIC) == public_key_of(seed)


def test_a_missing_key_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"BEISTAND_KEYS: cannot read .*token\.key.* beistand keys"):
        keys.read_raw(tmp_path, keys.TOKEN_KEY)


@pytest.mark.parametrize("content", ["", "short", "ü" * 43, "A" * 60, "!" * 43])
def test_a_spoilt_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "token.key").write_text(content, encoding="utf-8")
    (tmp_path / "callout.seed").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match="BEISTAND_KEYS"):
        keys.read_raw(tmp_path, "token.key")
    with pytest.raises(SettingsError, match="BEISTAND_KEYS"):
        keys.read_nkey(tmp_path, "callout.seed")
