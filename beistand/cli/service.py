"""`beistand service NAME`: one service in this process, told by its environment."""

import argparse
import importlib
from collections.abc import Sequence

from beistand.bus.settings import SERVICES


def run(arguments: Sequence[str]) -> None:
    """Run the service until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="beistand service", description="Run one service.")
    parser.add_argument("name", choices=sorted(SERVICES))
    name = parser.parse_args(arguments).name
    importlib.import_module(f"services.{name}.app").main()
