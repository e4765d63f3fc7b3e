"""What no source of ours may do at all, because elsewhere it became the way in."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.rules

ROOT = Path(__file__).parents[2]
SERVED = sorted([*ROOT.glob("services/**/*.py"), *ROOT.glob("beistand/protocol/*.py")])
DEVICE = sorted([*ROOT.glob("agent/engine/*.py"), *ROOT.glob("agent/unattended/*.py")])
STARTS_PROGRAMS = {"subprocess", "pty", "os.system", "os.popen", "os.execv", "os.execve", "os.spawnv"}
STARTS_PROGRAMS |= {"asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"}
RUNS_DATA = {
    "pickle",
    "marshal",
    "shelve",
    "dill",
    "eval",
    "exec",
    "compile",
    "importlib.import_module",
    "yaml",
    "runpy",
}
UNPACKS = {"zipfile", "tarfile", "shutil.unpack_archive", "gzip", "bz2", "lzma", "zlib", "zstandard"}
FORBIDDEN = STARTS_PROGRAMS | RUNS_DATA | UNPACKS


@pytest.mark.parametrize("path", [*SERVED, *DEVICE], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_starts_programs_runs_data_or_unpacks_files(path: Path) -> None:
    assert set(_used(path.read_text("utf-8"))) & FORBIDDEN == set()


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "from subprocess import run",
        "import os\nos.system('x')",
        "from os import system",
        "import asyncio\nasyncio.create_subprocess_shell('x')",
        "eval('1')",
        "import zipfile",
        "from shutil import unpack_archive",
    ],
)
def test_the_rule_itself_notices(source: str) -> None:
    assert set(_used(source)) & FORBIDDEN


def test_there_is_something_to_look_at() -> None:
    assert len(SERVED) > 40
    assert len(DEVICE) > 20


def _used(source: str) -> Iterator[str]:
    """Every module imported, every `module.name` and every bare name that is called."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield from (alias.name, alias.name.split(".")[0])
            case ast.ImportFrom(module=str(module), names=names):
                yield module.split(".")[0]
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                yield f"{owner}.{name}"
            case ast.Call(func=ast.Name(id=name)):
                yield name
