"""The page of threats is kept true: every case and incident has its row, every test it names is there."""

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.rules

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threats.md").read_text("utf-8")
CASES = [f"C{number}" for number in range(1, 40)]
INCIDENTS = [f"I{number}" for number in range(1, 12)]
ROW = re.compile(r"^\| (?P<id>[CI]\d+) \|(?P<rest>.*)\|$", re.MULTILINE)
NAMED = re.compile(r"`([\w./-]+\.(?:py|test\.ts))`::`([^`]+)`")
ROWS = {row["id"]: row["rest"] for row in ROW.finditer(PAGE)}
TESTS = sorted(set(NAMED.findall(PAGE)))


def test_every_case_and_every_incident_has_its_row() -> None:
    assert [row["id"] for row in ROW.finditer(PAGE)] == [*INCIDENTS, *CASES]


@pytest.mark.parametrize("row", [*INCIDENTS, *CASES])
def test_every_row_says_what_must_happen_and_what_proves_it(row: str) -> None:
    happened, expected, proof = (cell.strip() for cell in ROWS[row].split(" | "))
    assert happened
    assert expected
    assert NAMED.search(proof)


@pytest.mark.parametrize(("file", "name"), TESTS, ids="::".join)
def test_every_named_test_is_there(file: str, name: str) -> None:
    path = ROOT / file if file.startswith("console/") else ROOT / "tests" / file
    assert path.is_file(), f"{file} is not there"
    assert name in _tests_of(path), f"{file} has no {name}"


def _tests_of(path: Path) -> set[str]:
    """The names of a file's tests; for the console's those of its `it`s, for a model its class."""
    text = path.read_text("utf-8")
    if path.suffix == ".ts":
        return set(re.findall(r'\bit(?:\.each\([^)]*\))?\(\s*"([^"]+)"', text))
    nodes = ast.walk(ast.parse(text))
    functions = {node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    models = set(re.findall(r"^(Test\w+) = ", text, re.MULTILINE))
    return {node.name for node in functions if node.name.startswith("test_")} | models
