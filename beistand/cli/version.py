"""`beistand version`."""

from collections.abc import Sequence
from importlib.metadata import version


def run(_arguments: Sequence[str]) -> None:
    """Print the version of the installed package."""
    print(version("beistand"))
