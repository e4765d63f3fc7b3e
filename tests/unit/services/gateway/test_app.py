"""The gateway's settings: understood once, at the start, and refused by name."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.gateway.app import Settings

pytestmark = pytest.mark.unit


def settings(**given: Any) -> Settings:
    return Settings(keys=Path("keys"), **given)


def test_by_default_only_our_own_page_may_connect() -> None:
    assert settings(public_url="https://help.example:443/").door.allowed_origins == {"https://help.example"}
    assert settings(public_url="http://localhost:8080").door.allowed_origins == {"http://localhost:8080"}


def test_listed_origins_replace_the_default() -> None:
    listed = settings(allowed_origins="https://a.example, https://b.example:8443/")
    assert listed.door.allowed_origins == {"https://a.example", "https://b.example:8443"}


def test_sockets_are_where_the_pages_are() -> None:
    assert settings(public_url="https://help.example").door.sockets_url == "wss://help.example"
    assert settings(public_url="http://[::1]:80").door.sockets_url == "ws://[::1]"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("public_url", "help.example"),
        ("public_url", "https://help.example/path"),
        ("public_url", "ws://help.example"),
        ("public_url", "https://"),
        ("relay_url", "https://relay.example"),
        ("relay_url", ""),
        ("allowed_origins", "*"),
        ("allowed_origins", "https://*.example"),
        ("allowed_origins", "null"),
        ("trusted_proxies", "everyone"),
        ("gateway_port", 70000),
        ("organisation_name", ""),
    ],
)
def test_wrong_settings_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as refusal:
        settings(**{name: value})
    assert refusal.value.errors()[0]["loc"] == (name,)


def test_no_proxy_is_believed_unless_told() -> None:
    assert settings().door.trusted_proxies == ()
    assert len(settings(trusted_proxies="10.0.0.0/8,::1").door.trusted_proxies) == 2
