"""What the rest of the agent sees of an installation, whatever the system is called."""

from collections.abc import Callable, Sequence
from typing import Protocol

Run = Callable[[Sequence[str]], int]
"""Runs a program of the system's to its end and returns its status; 127 if there is none of that name."""


class Presence(Protocol):
    """Something that is there for the signed-in person or is not: the start at sign-in, the link handler."""

    def install(self, command: Sequence[str]) -> None:
        """Have it there for the program started by `command`; again changes nothing. OSError."""

    def remove(self) -> None:
        """Have it gone; harmless if it is not there. OSError."""

    def is_installed(self) -> bool:
        """Whether it is there."""
