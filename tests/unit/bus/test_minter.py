"""A credential never reaches beyond one session, whatever ids, limits and times it is asked for."""

import base64
import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import nkeys
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beistand.bus import minter
from beistand.bus.minter import Credential, Limits, MintingRefused
from beistand.protocol.ids import id_from

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORG, SID = "beistand", id_from(bytes(range(16)))
USER = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"


def signer() -> Any:
    return nkeys.from_seed(bytearray(nkeys.encode_seed(bytes(32), nkeys.PREFIX_BYTE_ACCOUNT)))


def credential(**changes: Any) -> Credential:
    good = minter.credential(USER, org=ORG, sid=SID, expires_at=NOW + timedelta(hours=1))
    return replace(good, **changes)


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def test_a_credential_allows_exactly_one_session() -> None:
    claims = claims_of(minter.mint(credential(), signer(), now=NOW))
    assert claims["nats"]["pub"] == {"allow": [f"bst.up.{ORG}.{SID}.>", f"bst.media.{ORG}.{SID}.>"]}
    assert claims["nats"]["sub"] == {
        "allow": [f"bst.down.{ORG}.{SID}.>", f"bst.input.{ORG}.{SID}.>", f"_INBOX.{SID}.>"]
    }
    assert claims["exp"] == int((NOW + timedelta(hours=1)).timestamp())
    assert claims["aud"] == "APP"
    assert claims["sub"] == USER


def test_limits_are_always_there() -> None:
    claims = claims_of(minter.mint(credential(), signer(), now=NOW))["nats"]
    assert claims["subs"] > 0
    assert 0 < claims["payload"] < 1024 * 1024
    assert claims["data"] == -1


def test_the_signature_is_the_signers() -> None:
    token = minter.mint(credential(), signer(), now=NOW)
    body, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    assert signer().verify(body.encode(), raw)
    assert claims_of(token)["iss"] == signer().public_key.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"publish": ()},
        {"subscribe": ()},
        {"publish": (">",)},
        {"subscribe": ("_INBOX.>",)},
        {"publish": (f"bst.up.*.{SID}.>",)},
        {"subscribe": (f"bst.down.{ORG}.>.ask",)},
        {"limits": Limits(subscriptions=0)},
        {"limits": Limits(subscriptions=-1)},
        {"limits": Limits(payload=0)},
        {"limits": Limits(payload=-1)},
        {"limits": Limits(data=0)},
        {"expires_at": NOW},
        {"expires_at": NOW - timedelta(seconds=1)},
        {"expires_at": NOW + minter.MAX_LIFETIME + timedelta(seconds=1)},
    ],
    ids=str,
)
def test_whatever_the_server_would_read_as_everything_is_refused(changes: dict[str, Any]) -> None:
    too_wide = credential(**changes)
    with pytest.raises(MintingRefused):
        minter.mint(too_wide, signer(), now=NOW)


@given(st.text(max_size=40))
def test_no_odd_session_id_is_ever_minted(sid: str) -> None:
    try:
        made = minter.credential(USER, org=ORG, sid=sid, expires_at=NOW + timedelta(hours=1))
    except MintingRefused:
        return
    assert len(sid) == 22
    assert sid.isascii()
    assert not set(sid) & set(".*> \t\r\n")
    assert all(f".{sid}." in subject for subject in (*made.publish, *made.subscribe))


@given(st.text(alphabet=".*> \n\0aZ-_é", max_size=33))
def test_no_odd_organisation_is_ever_minted(org: str) -> None:
    try:
        made = minter.credential(USER, org=org, sid=SID, expires_at=NOW + timedelta(hours=1))
    except MintingRefused:
        return
    assert set(org) <= set("aZ-_")
    assert all(f".{org}.{SID}." in subject for subject in made.publish)


@given(st.binary(min_size=16, max_size=16))
def test_every_real_session_id_can_be_minted(randomness: bytes) -> None:
    sid = id_from(randomness)
    made = minter.credential(USER, org=ORG, sid=sid, expires_at=NOW + timedelta(hours=1))
    assert claims_of(minter.mint(made, signer(), now=NOW))["name"] == sid


def test_answers_name_the_asking_server_and_connection() -> None:
    allowed = claims_of(minter.allow(USER, "NSERVER", "token", signer(), now=NOW))
    refused = claims_of(minter.refuse(USER, "NSERVER", "ticket_refused", signer(), now=NOW))
    assert (allowed["sub"], allowed["aud"], allowed["nats"]["jwt"]) == (USER, "NSERVER", "token")
    assert refused["nats"]["error"] == "ticket_refused"
    assert "jwt" not in refused["nats"]


def test_two_credentials_never_share_their_id() -> None:
    tokens = {
        claims_of(minter.mint(credential(name=secrets.token_hex(4)), signer(), now=NOW))["jti"]
        for _ in range(5)
    }
    assert len(tokens) == 5
