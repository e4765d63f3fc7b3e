"""The command finds its subcommands and fails in one line."""

import importlib

import pytest

from beistand.cli import main

pytestmark = pytest.mark.unit


def test_every_command_has_its_module_and_is_in_the_overview() -> None:
    overview = main.usage()
    for name, purpose in main.COMMANDS.items():
        assert callable(importlib.import_module(f"beistand.cli.{name}").run)
        assert name in overview
        assert purpose in overview


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]])
def test_help_is_no_failure(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main.main(arguments)
    assert stopped.value.code == 0
    assert "beistand COMMAND" in capsys.readouterr().out


def test_an_unknown_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main.main(["nonsense"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "beistand: there is no command 'nonsense'; try: beistand --help\n"


def test_a_missing_package_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_qt(_arguments: list[str]) -> None:
        raise ModuleNotFoundError("No module named 'PySide6'", name="PySide6")

    monkeypatch.setattr("beistand.cli.agent.run", without_qt)
    with pytest.raises(SystemExit):
        main.main(["agent"])
    assert capsys.readouterr().err == (
        "beistand: PySide6 is missing; install it with: pip install 'beistand[agent]'\n"
    )
