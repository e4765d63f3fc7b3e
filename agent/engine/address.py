"""Which addresses the agent uses at all: nothing of a session crosses a network in the clear. Pure."""

import ipaddress
from urllib.parse import urlsplit

_ENCRYPTED = frozenset({"tls", "wss"})
_PLAIN = frozenset({"nats", "ws"})


def is_this_machine(host: str) -> bool:
    """Whether what is sent there leaves this machine on no network."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_usable_bus(url: str) -> bool:
    """Whether an agent may connect to this NATS address: encrypted, or on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in _ENCRYPTED if not is_this_machine(host) else parts.scheme in _ENCRYPTED | _PLAIN
