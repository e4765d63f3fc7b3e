"""A module put off costs nothing until it is used, and then it is the whole module."""

import subprocess
import sys

UNUSED = """
import sys
import agent.app
assert "aiohttp.client" not in sys.modules
import aiohttp
assert aiohttp.ClientSession.__module__ == "aiohttp.client"
"""
SUBMODULE = """
import beistand
from aiohttp import web
import aiohttp.client
assert web.Application is aiohttp.web.Application
"""
NONE = """
from beistand.late import late
late("no_such_module")
try:
    import no_such_module
except ImportError:
    pass
else:
    raise AssertionError
"""


def _run(code: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_until_it_is_used() -> None:
    _run(UNUSED)


def test_what_lies_inside_is_found() -> None:
    _run(SUBMODULE)


def test_what_is_not_installed_is_still_not_there() -> None:
    _run(NONE)
