"""Signing: what was signed is what is read; everything else is BadSignature, whatever is wrong with it."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime

import nkeys
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from beistand.protocol import records, signing
from beistand.protocol.errors import BadSignature, InvalidMessage
from beistand.protocol.records import GENESIS, Cause, End, Pause, Record

pytestmark = pytest.mark.unit

SEED, OTHER = bytes(range(32)), bytes(32)
KEY = signing.public_key_of(SEED)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
END = End(org="acme", sid="s" * 22, seq=3, prev=GENESIS, device_time=NOW, cause=Cause.END_SESSION)
TOKEN = signing.sign(END, SEED)


def test_what_was_signed_is_what_is_read() -> None:
    assert signing.verify(TOKEN, KEY, End) == END


def test_the_header_says_one_algorithm_and_the_kind() -> None:
    assert json.loads(_unb64(TOKEN.split(".")[0])) == {"alg": "Ed25519", "typ": End.typ}


def test_every_kind_of_record_has_its_own_type() -> None:
    kinds = [kind for kind in vars(records).values() if isinstance(kind, type) and issubclass(kind, Record)]
    types = [kind.typ for kind in kinds if "typ" in vars(kind)]
    assert len(types) == len(set(types)) == 14


def test_another_key_is_refused() -> None:
    with pytest.raises(BadSignature):
        signing.verify(TOKEN, signing.public_key_of(OTHER), End)


def test_another_kind_is_refused_even_if_it_would_parse() -> None:
    with pytest.raises(BadSignature):
        signing.verify(TOKEN, KEY, Pause)


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="ascii"))
def test_no_character_can_be_changed(place: int, character: str) -> None:
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    if changed == TOKEN:
        return
    with pytest.raises(BadSignature):
        signing.verify(changed, KEY, End)


@given(st.text(max_size=300))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(BadSignature):
        signing.verify(text, KEY, End)


def _raw_signed(header: dict[str, object], payload: bytes, seed: bytes = SEED) -> str:
    signed = f"{_b64(json.dumps(header).encode())}.{_b64(payload)}"
    return f"{signed}.{_b64(Ed25519PrivateKey.from_private_bytes(seed).sign(signed.encode()))}"


HEADERS: dict[str, dict[str, object]] = {
    "no algorithm": {"alg": "none", "typ": End.typ},
    "the old name": {"alg": "EdDSA", "typ": End.typ},
    "a shared secret": {"alg": "HS256", "typ": End.typ},
    "its own key": {"alg": "Ed25519", "typ": End.typ, "jwk": {"kty": "OKP"}},
    "something critical": {"alg": "Ed25519", "typ": End.typ, "crit": ["b64"], "b64": False},
    "an extra": {"alg": "Ed25519", "typ": End.typ, "kid": "1"},
    "no type": {"alg": "Ed25519"},
    "another type": {"alg": "Ed25519", "typ": "JWT"},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_nothing_but_our_header_is_accepted(header: dict[str, object]) -> None:
    with pytest.raises(BadSignature):
        signing.verify(_raw_signed(header, END.model_dump_json().encode()), KEY, End)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content | {"more": 1},
        lambda content: content | {"sid": "*" * 22},
        lambda content: content | {"seq": -1},
        lambda content: content | {"prev": "short"},
        lambda content: content | {"cause": "unknown"},
        lambda content: content | {"device_time": "2026-01-02T00:00:00"},
        lambda content: {key: value for key, value in content.items() if key != "prev"},
        lambda _content: [],
    ],
)
def test_signed_nonsense_is_refused(change: Callable[[dict[str, object]], object]) -> None:
    payload = json.dumps(change(json.loads(END.model_dump_json()))).encode()
    with pytest.raises(BadSignature):
        signing.verify(_raw_signed({"alg": "Ed25519", "typ": End.typ}, payload), KEY, End)


def test_a_huge_record_is_refused() -> None:
    with pytest.raises(BadSignature):
        signing.verify(TOKEN + "x" * signing.MAX_JWS, KEY, End)


def test_a_hash_names_exactly_one_text() -> None:
    assert len(signing.hash_of(TOKEN)) == 43
    assert signing.hash_of(TOKEN) != signing.hash_of(TOKEN + " ")


@given(st.binary(min_size=32, max_size=32))
def test_an_nkey_is_the_key_it_was_made_of(seed: bytes) -> None:
    pair = nkeys.from_seed(nkeys.encode_seed(seed, nkeys.PREFIX_BYTE_USER))
    agent_key = pair.public_key.decode()
    assert signing.public_key_of_agent(agent_key) == signing.public_key_of(seed)


@given(st.integers(0, 55), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_a_mistyped_nkey_is_refused(place: int, character: str) -> None:
    good = nkeys.from_seed(nkeys.encode_seed(SEED, nkeys.PREFIX_BYTE_USER)).public_key.decode()
    changed = good[:place] + character + good[place + 1 :]
    if changed == good:
        return
    with pytest.raises(InvalidMessage):
        signing.public_key_of_agent(changed)


@pytest.mark.parametrize("agent_key", ["", "U", "A" * 56, "u" * 56, "U" + "1" * 55, "Ü" * 56])
def test_what_is_no_agent_key_is_refused(agent_key: str) -> None:
    with pytest.raises(InvalidMessage):
        signing.public_key_of_agent(agent_key)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
