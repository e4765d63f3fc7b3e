"""Finds the subcommand and runs it; every expected failure is one line and exit code 1 (2: wrong usage)."""

import importlib
import sys
from collections.abc import Sequence
from types import MappingProxyType

COMMANDS = MappingProxyType(
    {
        "up": "start everything on this machine, until Ctrl-C",
        "agent": "the customer's side",
        "service": "run one service",
        "keys": "make the keys of an installation, and the NATS configuration",
        "user": "manage local accounts",
        "uninstall": "take everything of the customer's side off this machine, access first",
        "verify": "check the receipt of a session, and tell what happened in it",
        "conformance": "try from outside whether a deployment keeps the laws",
        "version": "say which version this is",
    }
)
"""Subcommand -> what it is for; the module beistand.cli.<name> has `run(arguments)`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point. Exits with the subcommand's code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in {"-h", "--help"}:
        print(usage())
        sys.exit(0 if given else 2)
    name, rest = given[0], given[1:]
    if name not in COMMANDS:
        fail(f"there is no command {name!r}; try: beistand --help", code=2)
    module = importlib.import_module(f"beistand.cli.{name}")
    try:
        module.run(rest)
    except ModuleNotFoundError as error:
        fail(f"{error.name} is missing; install it with: pip install 'beistand[{_extra(name)}]'")


def usage() -> str:
    """The overview of all subcommands."""
    lines = [f"  {name:11} {purpose}" for name, purpose in COMMANDS.items()]
    return "\n".join(("usage: beistand COMMAND [...]", "", *lines, "", "beistand COMMAND --help says more."))


def fail(reason: str, *, code: int = 1) -> None:
    """End with one line on stderr."""
    print(f"beistand: {reason}", file=sys.stderr)
    sys.exit(code)


def _extra(command: str) -> str:
    return {"agent": "agent", "conformance": "conformance", "user": "gateway"}.get(command, "embedded")
