"""`beistand agent ...`: hands everything to the agent itself."""

import importlib
from collections.abc import Sequence


def run(arguments: Sequence[str]) -> None:
    """Start the customer's side. Imported here only: servers have neither the agent nor Qt installed."""
    importlib.import_module("agent.app").main(list(arguments))
