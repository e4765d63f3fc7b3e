"""`beistand keys` makes keys and a configuration for a server elsewhere, such as in Kubernetes."""

from pathlib import Path

import pytest

from beistand.cli import keys, main

pytestmark = pytest.mark.unit


def test_keys_and_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory, config = tmp_path / "keys", tmp_path / "nats.conf"
    arguments = [str(directory), "--nats-config", str(config), "--store", "/data", "--monitor-port", "8222"]
    keys.run([*arguments, "--websocket-port", "8443", "--websocket-tls", "/tls/tls.crt", "/tls/tls.key"])
    assert (directory / "callout.seed").exists()
    text = config.read_text()
    assert 'jetstream { store_dir: "/data" }' in text
    assert 'host: "0.0.0.0"' in text
    assert "port: 8443" in text
    assert str(config) in capsys.readouterr().out


def test_only_keys(tmp_path: Path) -> None:
    keys.run([str(tmp_path)])
    assert not list(tmp_path.glob("*.conf"))


def test_a_place_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        main.main(["keys", str(tmp_path / "file")])
    assert capsys.readouterr().err.startswith("beistand: ")
