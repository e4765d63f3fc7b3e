"""Tokens nobody else can make, passwords that cost the same whoever asks, accounts as they are now."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from joserfc import jwt
from joserfc.jwk import OctKey

from beistand.protocol.errors import InvalidMessage, Unauthenticated
from services.gateway.accounts import TOKEN_LIFE, Account, Passwords, Tokens, user_name
from services.gateway.domain import Role

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY = b"k" * 32
ACCOUNT = Account(
    user="tina",
    technician_id="A" * 22,
    name="Tina Test",
    org="acme",
    role=Role.TECHNICIAN,
    password_hash="",
    generation=3,
    created_at=NOW,
)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(KEY)


def test_a_token_says_who_and_which_generation(tokens: Tokens) -> None:
    claims = tokens.read(tokens.issue(ACCOUNT, now=NOW), now=NOW)
    assert (claims.sub, claims.usr, claims.gen) == (ACCOUNT.technician_id, "tina", 3)


def test_a_token_tells_no_more_than_it_must(tokens: Tokens) -> None:
    payload = tokens.issue(ACCOUNT, now=NOW).split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert set(said) == {"iss", "aud", "sub", "usr", "gen", "iat", "exp"}


def test_a_token_is_good_until_its_end(tokens: Tokens) -> None:
    token = tokens.issue(ACCOUNT, now=NOW)
    assert tokens.read(token, now=NOW + TOKEN_LIFE - timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        tokens.read(token, now=NOW + TOKEN_LIFE)


def test_a_token_from_the_future_is_refused(tokens: Tokens) -> None:
    token = tokens.issue(ACCOUNT, now=NOW)
    with pytest.raises(Unauthenticated):
        tokens.read(token, now=NOW - timedelta(minutes=1))


def _signed(header: dict[str, Any], *, key: bytes = KEY, **changes: Any) -> str:
    claims = {
        "iss": "beistand-gateway",
        "aud": "beistand-gateway",
        "sub": "A" * 22,
        "usr": "tina",
        "gen": 3,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 60,
    } | changes
    wanted = {key: value for key, value in claims.items() if value is not None}
    return jwt.encode(header, wanted, OctKey.import_key(key), algorithms=["HS256", "HS384"])


RIGHT = {"alg": "HS256", "typ": "at+jwt"}


def test_the_forger_below_would_pass_with_everything_right(tokens: Tokens) -> None:
    assert tokens.read(_signed(RIGHT), now=NOW)


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "a.b.c",
        "not a token at all",
        "ünïcode.ünïcode.ünïcode",
        _signed(RIGHT, key=b"x" * 32),
        _signed({"alg": "HS384", "typ": "at+jwt"}),
        _signed({"alg": "HS256", "typ": "JWT"}),
        _signed({"alg": "HS256", "typ": "at+jwt", "kid": "other"}),
        _signed(RIGHT, iss="somebody-else"),
        _signed(RIGHT, aud="somebody-else"),
        _signed(RIGHT, exp=None),
        _signed(RIGHT, sub="*"),
        _signed(RIGHT, role="admin"),
        ".".join(
            base64.urlsafe_b64encode(part).rstrip(b"=").decode()
            for part in (b'{"alg":"none","typ":"at+jwt"}', b"{}", b"")
        ),
    ],
)
def test_what_we_did_not_sign_so_is_no_token(tokens: Tokens, forged: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.read(forged, now=NOW)


class CountingHasher(PasswordHasher):
    """Counts whole checks that end in a no; cheap, because what is tested is that they are done."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.checks = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002 - argon2's name
        try:
            return super().verify(hash, password)
        except VerifyMismatchError:
            self.checks += 1
            raise


async def test_a_password_matches_its_own_hash_only() -> None:
    passwords = Passwords(CountingHasher())
    hashed = await passwords.hashed("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert "correct" not in hashed
    assert await passwords.is_right(hashed, "correct horse battery")
    assert not await passwords.is_right(hashed, "correct horse batterie")
    assert not await passwords.is_right("not a hash", "correct horse battery")


async def test_an_unknown_name_costs_the_same_work() -> None:
    hasher = CountingHasher()
    assert not await Passwords(hasher).is_right(None, "some password")
    assert hasher.checks == 1
    assert not await Passwords(hasher).is_right(None, "nobody has this password")


async def test_the_work_is_what_rfc_9106_asks_for() -> None:
    hashed = await Passwords().hashed("correct horse battery")
    assert "m=65536,t=3,p=4" in hashed


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 1025])
async def test_passwords_of_wrong_length_are_refused(password: str) -> None:
    with pytest.raises(InvalidMessage):
        await Passwords(CountingHasher()).hashed(password)


@pytest.mark.parametrize(
    ("text", "name"), [("tina", "tina"), (" Tina.Test-2 ", "tina.test-2"), ("a_b", "a_b")]
)
def test_user_names(text: str, name: str) -> None:
    assert user_name(text) == name


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a*", ">", "a b", "ä", "a/b", "x" * 65])
def test_what_is_no_user_name(text: str) -> None:
    with pytest.raises(InvalidMessage):
        user_name(text)


@pytest.mark.parametrize("role", Role)
def test_the_actor_is_the_person_with_the_sight_of_their_role(role: Role) -> None:
    actor = ACCOUNT.model_copy(update={"role": role}).actor
    assert (actor.technician_id, actor.name, actor.org) == (ACCOUNT.technician_id, "Tina Test", "acme")
    assert actor.sees_all == (role is not Role.TECHNICIAN)
