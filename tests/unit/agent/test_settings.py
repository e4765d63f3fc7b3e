"""What the agent can be told at its start, and what it keeps."""

from pathlib import Path

import pytest

from agent.engine.encode import Kind
from agent.settings import Preferences, encoders, gateway_of, parse_options

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEISTAND_PUBLIC_URL", raising=False)


def test_without_anything() -> None:
    options = parse_options([])
    assert (options.code, options.language, options.geometry_file) == (None, None, None)
    assert not options.background
    assert gateway_of(options) == "http://localhost:8080"


def test_everything() -> None:
    options = parse_options(
        [
            *("--gateway", "https://help.example.org/", "--code", "123456789", "--language", "de"),
            *("--geometry-file", "/tmp/places", "--state", "/tmp/state", "--background"),
        ]
    )
    assert (options.code, options.language) == ("123456789", "de")
    assert (options.geometry_file, options.state) == (Path("/tmp/places"), Path("/tmp/state"))
    assert options.background
    assert gateway_of(options) == "https://help.example.org"


def test_a_link_as_the_desktop_hands_it_over() -> None:
    assert parse_options(["beistand://join/123456789"]).code == "beistand://join/123456789"


def test_the_environment_names_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEISTAND_PUBLIC_URL", "https://help.example.org")
    assert gateway_of(parse_options([])) == "https://help.example.org"
    assert (
        gateway_of(parse_options(["--gateway", "https://other.example.org"])) == "https://other.example.org"
    )


@pytest.mark.parametrize(
    "address",
    [
        "http://help.example.org",
        "http://10.0.0.1",
        "ftp://localhost",
        "nonsense",
        "https://",
        "https://x/?a=b",
    ],
)
def test_addresses_that_are_not_used(address: str) -> None:
    with pytest.raises(ValueError, match="--gateway"):
        gateway_of(parse_options(["--gateway", address]))


@pytest.mark.parametrize("address", ["http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1"])
def test_this_machine_needs_no_tls(address: str) -> None:
    assert gateway_of(parse_options(["--gateway", address])) == address


def test_no_option_answers_a_question() -> None:
    for option in ("--allow", "--yes", "--accept", "--auto", "--consent", "--unattended"):
        with pytest.raises(SystemExit):
            parse_options([option])


def test_a_chosen_language_is_remembered(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path / "state")
    preferences.remember_language("en")  # what the windows start with
    assert preferences.language() is None
    preferences.remember_language("de")
    assert Preferences(tmp_path / "state").language() == "de"


@pytest.mark.parametrize("content", ["", "[]", '{"language": "fr"}', "{"])
def test_broken_preferences_are_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "preferences.json").write_text(content)
    assert Preferences(tmp_path).language() is None


def test_the_encoders_are_a_list_best_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEISTAND_AGENT_ENCODERS", raising=False)
    assert encoders() == tuple(Kind)
    monkeypatch.setenv("BEISTAND_AGENT_ENCODERS", "vp9, jpeg")
    assert encoders() == (Kind.VP9, Kind.JPEG)


@pytest.mark.parametrize("wrong", ["", "h265", "vp9,,jpeg"])
def test_a_wrong_list_of_encoders_is_named(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("BEISTAND_AGENT_ENCODERS", wrong)
    with pytest.raises(ValueError, match="BEISTAND_AGENT_ENCODERS: "):
        encoders()
