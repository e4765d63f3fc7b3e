"""`beistand user ...`: hands everything to the gateway, which owns the accounts."""

import importlib
from collections.abc import Sequence


def run(arguments: Sequence[str]) -> None:
    """Manage local accounts; needs the gateway's environment and a running NATS."""
    importlib.import_module("services.gateway.users").main(list(arguments))
