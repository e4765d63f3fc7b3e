"""The command runs the cases against an address, and says what came of each or why there is no way in."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from beistand.cli import main
from beistand.cli.stack import Stack
from beistand.conformance.case import Broken, Case, NotRun
from beistand.conformance.runner import Outcome, Unreachable, probe, run_one
from beistand.conformance.scene import Deployment, Scene
from beistand.protocol.errors import Unavailable

pytestmark = pytest.mark.conformance


def _command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main.main(["conformance", *arguments])
    return int(stopped.value.code or 0)


def test_one_line_for_each_case_and_the_same_as_json(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "told.json"
    password = stack.state / "technician.password"
    chosen = ("--case", "4", "--case", "a-stop-by-https-stops", "--json", str(told))
    code = _command(
        "--gateway", stack.gateway_url, "--user", stack.user, "--password-file", str(password), *chosen
    )
    lines = capsys.readouterr().out.splitlines()
    assert code == 0, lines
    assert re.fullmatch(r"\[1/6\] law 3   kept     .*\[\d+ sent after, 0 forwarded after\]", lines[1])
    assert any("law 4   not run  A second technician" in line for line in lines)
    assert lines[-1] == "6 cases: 5 kept, 1 not run"
    results = json.loads(told.read_text())
    assert results["all_kept"] is True
    assert [case["law"] for case in results["cases"]] == [3, 4, 4, 4, 4, 4]
    assert results["cases"][0]["figures"]["forwarded after"] == 0


@pytest.mark.parametrize(
    ("gateway", "user", "line"),
    [
        ("http://127.0.0.1:1", "technician", r"http://127.0.0.1:1 does not answer \(.+\)"),
        ("nonsense", "technician", "nonsense is no address such as https://help.example.org"),
        ("{stack}", "technician", "{stack} does not let technician in: .*"),
        ("{other}", "technician", r"{other} is no gateway of Beistand \(it answers 501\)"),
    ],
)
def test_what_is_wrong_with_the_way_in_is_one_line(
    stack: Stack,
    another_website: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    gateway: str,
    user: str,
    line: str,
) -> None:
    places = {"{stack}": stack.gateway_url, "{other}": another_website}
    for place, url in places.items():
        gateway, line = gateway.replace(place, url), line.replace(place, re.escape(url))
    monkeypatch.setenv("BEISTAND_PASSWORD", "wrong")
    assert _command("--gateway", gateway, "--user", user) == 1
    assert re.fullmatch(f"beistand: {line}\n", capsys.readouterr().err)


@pytest.fixture
def another_website() -> Iterator[str]:
    """It answers everything with 501, in a thread of its own: the command brings its own loop."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Silent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Silent(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("arguments", [["--case", "11"], ["--case", "no-such-case"], ["--user", "someone"]])
def test_wrong_usage_is_told_apart(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _command(*arguments) == 2
    assert "usage: beistand conformance" in capsys.readouterr().err


async def test_a_door_that_does_not_open_from_here_is_told_beforehand(deployment: Deployment) -> None:
    elsewhere = replace(deployment, origin="https://elsewhere.example")
    with pytest.raises(Unreachable, match=r"the relay at ws://.* answers 403 to pages of https://elsewhere"):
        await probe(elsewhere)


async def _breaks(_: Scene) -> None:
    """It breaks."""
    raise Broken("it was let in")


async def _needs_more(_: Scene) -> None:
    """It needs more."""
    raise NotRun("needs another account")


async def _cannot(_: Scene) -> None:
    """It cannot be carried out."""
    raise Unavailable("nobody there")


async def _keeps(stage: Scene) -> None:
    """It counts."""
    stage.figures["tried"] = 1


@pytest.mark.parametrize(
    ("act", "outcome", "detail"),
    [
        (_breaks, Outcome.BROKEN, "it was let in"),
        (_needs_more, Outcome.NOT_RUN, "needs another account"),
        (_cannot, Outcome.FAILED, "unavailable: nobody there"),
        (_keeps, Outcome.KEPT, ""),
    ],
)
async def test_what_came_of_a_case(deployment: Deployment, act: object, outcome: str, detail: str) -> None:
    result = await run_one(deployment, Case(1, act))  # type: ignore[arg-type]
    assert (result.outcome, result.detail) == (outcome, detail)
    assert result.figures == ({"tried": 1} if outcome is Outcome.KEPT else {})
