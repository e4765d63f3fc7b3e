"""A network of its own for one process (Linux network namespace), with a cable to pull. Needs root."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class NoNamespaces(Exception):
    """This machine or user may not make network namespaces; the message says what was refused."""


@dataclass(frozen=True)
class Namespace:
    """`outside` is the address under which this machine is seen from inside."""

    name: str
    cable: str
    outside: str

    @property
    def wrapper(self) -> tuple[str, ...]:
        """Put before a command, it runs inside."""
        return ("ip", "netns", "exec", self.name)

    def pull(self) -> None:
        """Packets vanish in both directions; nobody is told."""
        _ip("link", "set", self.cable, "down")

    def plug_in(self) -> None:
        """They arrive again."""
        _ip("link", "set", self.cable, "up")


@contextmanager
def namespace() -> Iterator[Namespace]:
    """A fresh one, gone afterwards; NoNamespaces where that is impossible."""
    tag, net = secrets.token_hex(3), f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
    made = Namespace(f"bst-{tag}", f"bsto-{tag}", f"{net}.1")
    _ip("netns", "add", made.name)
    try:
        _ip("link", "add", made.cable, "type", "veth", "peer", "name", f"bsti-{tag}", "netns", made.name)
        _ip("addr", "add", f"{made.outside}/30", "dev", made.cable)
        _ip("link", "set", made.cable, "up")
        _ip("-n", made.name, "addr", "add", f"{net}.2/30", "dev", f"bsti-{tag}")
        _ip("-n", made.name, "link", "set", f"bsti-{tag}", "up")
        _ip("-n", made.name, "link", "set", "lo", "up")
        yield made
    finally:
        subprocess.run(["ip", "netns", "del", made.name], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    try:
        done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        raise NoNamespaces("the program `ip` is missing (package iproute2)") from None
    if done.returncode:
        raise NoNamespaces(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
