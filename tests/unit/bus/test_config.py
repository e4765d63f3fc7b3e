"""The server's configuration: every identity with its permissions, everything else through the callout."""

from pathlib import Path

import pytest

from beistand.bus import keys
from beistand.bus.config import Certificate, ServerOptions, server_config
from beistand.bus.permissions import SERVICE_PERMISSIONS
from beistand.bus.settings import SERVICES, SettingsError

pytestmark = pytest.mark.unit


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    keys.ensure_keys(tmp_path)
    return tmp_path


def test_every_identity_is_listed_twice_as_user_and_as_trusted(directory: Path) -> None:
    text = server_config(ServerOptions(store="/data"), directory)
    for service in SERVICES:
        assert text.count(keys.public_nkey(directory, keys.nats_seed(service))) == 2
    assert text.count(keys.public_nkey(directory, keys.SYSTEM_SEED)) == 2
    assert f"issuer: {keys.public_nkey(directory, keys.CALLOUT_SEED)}" in text


def test_no_secret_is_written(directory: Path) -> None:
    text = server_config(ServerOptions(store="/data"), directory)
    for path in directory.iterdir():
        assert path.read_text().strip() not in text


def test_nobody_gets_in_without_being_asked_about(directory: Path) -> None:
    text = server_config(ServerOptions(store="/data"), directory)
    assert "no_auth_user" not in text
    assert "auth_callout" in text
    assert "allow_responses" not in text
    assert text.count("permissions {") == len(SERVICE_PERMISSIONS) + 1


def test_limits_are_stricter_than_the_servers_own(directory: Path) -> None:
    text = server_config(ServerOptions(store="/data"), directory)
    assert "max_payload: 1048576" in text
    assert 'ping_interval: "10s"' in text
    assert 'write_deadline: "3s"' in text


def test_listeners_are_optional(directory: Path) -> None:
    bare = server_config(ServerOptions(store="/data"), directory)
    assert not any(word in bare for word in ("websocket", "tls", "http:", "include", "log_file"))
    full = server_config(
        ServerOptions(
            store="/data",
            log_file="/var/log/nats.log",
            monitor_port=8222,
            websocket_port=8443,
            tls=Certificate("/tls/tls.crt", "/tls/tls.key"),
            websocket_tls=Certificate("/tls/tls.crt", "/tls/tls.key"),
            include=("cluster.conf",),
        ),
        directory,
    )
    assert 'tls { cert_file: "/tls/tls.crt", key_file: "/tls/tls.key", handshake_first: true }' in full
    assert "port: 8443" in full
    assert "no_tls" not in full
    assert 'include "cluster.conf"' in full


def test_a_missing_key_is_named(directory: Path) -> None:
    (directory / "nats-relay.seed").unlink()
    with pytest.raises(SettingsError, match=r"nats-relay\.seed"):
        server_config(ServerOptions(store="/data"), directory)
