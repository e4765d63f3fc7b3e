"""`beistand verify`: exit code, languages, keys, and a terminal that nothing in a receipt can take over."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from beistand.cli.main import main
from tools import make_receipt_vectors as made

pytestmark = pytest.mark.unit

GOOD: dict[str, Any] = json.loads(made.TARGET.read_text(encoding="utf-8"))["good"][0]["bundle"]


@pytest.fixture
def genuine(tmp_path: Path) -> str:
    return written(tmp_path, GOOD)


def written(folder: Path, bundle: dict[str, Any]) -> str:
    file = folder / "receipt.json"
    file.write_text(json.dumps(bundle), encoding="utf-8")
    return str(file)


def verified(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["verify", *arguments])
    printed = capsys.readouterr()
    return int(stopped.value.code or 0), printed.out, printed.err


def test_a_genuine_receipt_is_told(genuine: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = verified(capsys, genuine, "--language", "en")
    assert (code, err) == (0, "")
    assert "Tina Berg (Acme IT) asked to see the screen." in out
    assert "Genuine: all 17 records are signed, complete and in order." in out
    assert "brings its own keys" in out
    assert GOOD["agent_key"] in out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_it_is_told_in_german(genuine: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = verified(capsys, genuine, "--language", "de")
    assert code == 0
    assert "Die Kundenseite erlaubte Tina Berg, den Bildschirm zu sehen." in out
    assert "Echt: Alle 17 Einträge" in out


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"LANG": "de_AT.UTF-8"}, "Echt:"),
        ({"LANG": "de_DE", "LC_ALL": "en_GB"}, "Genuine:"),
        ({"LANG": "fr_FR"}, "Genuine:"),
        ({"LC_MESSAGES": "de", "LANG": "en_US"}, "Echt:"),
    ],
)
def test_the_language_is_the_systems(
    variables: dict[str, str],
    word: str,
    genuine: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert word in verified(capsys, genuine)[1]


def test_tampering_is_told_with_its_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = GOOD["records"]
    file = written(tmp_path, {**GOOD, "records": [*records[:6], *records[7:]]})
    code, out, _ = verified(capsys, file, "--language", "en")
    assert code == 1
    assert "NOT genuine: record 7:" in out
    assert "Genuine:" not in out
    assert "   6  " in out
    assert "   7  " not in out


def test_the_expected_keys_are_said_to_be_right(genuine: str, capsys: pytest.CaptureFixture[str]) -> None:
    keys = ["--agent-key", GOOD["agent_key"], "--consent-key", GOOD["consent_key"]]
    code, out, _ = verified(capsys, genuine, "--language", "en", *keys)
    assert code == 0
    assert "Both keys are the ones you expected." in out


@pytest.mark.parametrize(
    "keys",
    [("--agent-key", made.agent_key(made.OTHER_AGENT)), ("--consent-key", "A" * 43)],
)
def test_other_keys_than_expected_are_not_genuine(
    keys: tuple[str, str], genuine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = verified(capsys, genuine, "--language", "en", *keys)
    assert code == 1
    assert "NOT genuine: it is from another" in out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-file"],
        ["."],
        ["f", "--language", "fr"],
        ["f", "--agent-key", "U"],
        ["f", "--consent-key", "="],
    ],
)
def test_wrong_usage_is_another_code(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = verified(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err


@pytest.mark.parametrize("content", [b"", b"\xff", b"{}", b"[" * 100_000])
def test_what_is_no_receipt_is_not_genuine(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f"
    file.write_bytes(content)
    code, out, _ = verified(capsys, str(file), "--language", "de")
    assert code == 1
    assert "NICHT echt: Das ist kein lesbarer Beleg." in out


def test_names_cannot_take_over_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    writer = made.Writer()
    writer.hello(platform="\x1b[2J\x1b]0;owned\x07Linux\nGenuine: yes")
    code, out, _ = verified(capsys, written(tmp_path, writer.bundle()), "--language", "en")
    assert code == 0
    assert "\x1b" not in out
    assert not any(line.startswith("Genuine: yes") for line in out.splitlines())


def test_a_terminal_without_the_letters_shows_others(genuine: str) -> None:
    command = [sys.executable, "-m", "beistand", "verify", genuine, "--language", "de"]
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": "."}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Echt: Alle 17 Eintr?ge" in done.stdout


def test_only_base_packages_are_needed() -> None:
    code = (
        "import sys, beistand.cli.verify\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(loaded & {'fastapi', 'nats', 'PySide6', 'uvicorn', 'numpy', 'opentelemetry'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
