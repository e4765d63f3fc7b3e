"""Settings come from the environment, once, and a wrong one is named."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from beistand.bus.settings import BusSettings
from beistand.runtime import explain

pytestmark = pytest.mark.unit


def test_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BEISTAND_KEYS", str(tmp_path))
    monkeypatch.delenv("BEISTAND_NATS_URL", raising=False)
    settings = BusSettings()
    assert settings.nats_urls == ["nats://127.0.0.1:4222"]
    assert settings.nats_ca is None
    assert settings.keys == tmp_path


def test_several_servers(tmp_path: Path) -> None:
    settings = BusSettings(nats_url="nats://a:4222, nats://b:4222,", keys=tmp_path)
    assert settings.nats_urls == ["nats://a:4222", "nats://b:4222"]


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEISTAND_KEYS", raising=False)
    with pytest.raises(ValidationError) as caught:
        BusSettings()
    assert explain(caught.value) == "BEISTAND_KEYS: Field required"


def test_every_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEISTAND_KEYS", raising=False)
    monkeypatch.setenv("BEISTAND_NATS_REPLICAS", "a-secret-by-mistake")
    with pytest.raises(ValidationError) as caught:
        BusSettings()
    line = explain(caught.value)
    assert "BEISTAND_KEYS" in line
    assert "BEISTAND_NATS_REPLICAS" in line
    assert "a-secret-by-mistake" not in line
    assert "\n" not in line
