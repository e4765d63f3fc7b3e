"""The stack's settings: ports, addresses, one stack per state directory."""

import socket
from pathlib import Path

import pytest
from pydantic import ValidationError

from beistand.bus.settings import SettingsError
from beistand.cli.lock import locked
from beistand.cli.stack import Stack, StackSettings, choose_ports, default_state
from beistand.runtime import explain

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in StackSettings.model_fields:
        monkeypatch.delenv(f"BEISTAND_{name.upper()}", raising=False)


def test_state_lies_in_the_users_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere")
    assert default_state() == Path("/somewhere/beistand")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/anna")
    assert StackSettings().state == Path("/home/anna/.local/state/beistand")


def test_free_ports_are_all_different(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEISTAND_GATEWAY_PORT", "8080")
    monkeypatch.setenv("BEISTAND_PUBLIC_URL", "https://help.example.org")
    settings = StackSettings.on_free_ports(tmp_path)
    ports = choose_ports(settings)
    assert len(set(ports.values())) == len(ports) == 6
    assert all(port > 1023 for port in ports.values())
    assert settings.public_url == ""


def test_a_taken_port_names_its_variable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free = StackSettings.on_free_ports(tmp_path)
        settings = free.model_copy(update={"relay_port": port})
        with pytest.raises(SettingsError, match=rf"port {port} is taken.*BEISTAND_RELAY_PORT"):
            choose_ports(settings)


def test_an_impossible_port_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEISTAND_GATEWAY_PORT", "99999")
    with pytest.raises(ValidationError) as raised:
        StackSettings()
    assert explain(raised.value).startswith("BEISTAND_GATEWAY_PORT: ")


async def test_an_unusable_state_directory_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="BEISTAND_STATE: cannot use"):
        await Stack(StackSettings.on_free_ports(tmp_path / "file" / "state")).__aenter__()


def test_a_state_directory_serves_one_stack(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock"),
        pytest.raises(SettingsError, match="BEISTAND_STATE"),
        locked(tmp_path / "lock"),
    ):
        pass
    with locked(tmp_path / "lock"):
        pass


def test_addresses_can_be_told_from_outside(tmp_path: Path) -> None:
    settings = StackSettings(
        state=tmp_path, public_url="https://help.example.org", relay_url="wss://relay.example.org/v1/view"
    )
    stack = Stack(settings)
    assert stack.gateway_url == "https://help.example.org"
    assert stack.relay_url == "wss://relay.example.org/v1/view"
