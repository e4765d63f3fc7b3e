"""What the gateway decides: roles and permissions, attempt limits, whose address counts, which paths exist.

Pure: no I/O, no clock, no framework. It decides about technicians only; consent is the customer's.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import MappingProxyType
from urllib.parse import urlsplit

from pydantic import AwareDatetime, Field

from beistand.protocol.errors import RateLimited
from beistand.protocol.messages import Message

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class Role(StrEnum):
    """What a person is in their organisation; each has one."""

    TECHNICIAN = "technician"
    LEAD = "lead"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Permission(StrEnum):
    """What the API lets somebody do. None of these gives access to a customer's computer."""

    CREATE_SESSION = "create_session"
    READ_SESSION = "read_session"
    END_SESSION = "end_session"
    READ_REQUESTS = "read_requests"
    ASK_CUSTOMER = "ask_customer"
    WITHDRAW_REQUEST = "withdraw_request"
    READ_CHAT = "read_chat"
    SEND_CHAT = "send_chat"
    FOLLOW_EVENTS = "follow_events"
    READ_DEVICES = "read_devices"
    OPEN_DEVICE = "open_device"
    """Call an enrolled device; what its person allowed in advance, and for whom, decides."""
    GIVE_UP_DEVICE = "give_up_device"
    """For good, for the whole organisation: less access, never more."""
    VIEW_SCREEN = "view_screen"
    """Get a relay ticket; the relay still wants the customer's own grant for this technician."""


_READING = frozenset(
    {
        Permission.READ_SESSION,
        Permission.READ_REQUESTS,
        Permission.READ_CHAT,
        Permission.FOLLOW_EVENTS,
        Permission.READ_DEVICES,
    }
)
_HELPING = _READING | {
    Permission.CREATE_SESSION,
    Permission.END_SESSION,
    Permission.ASK_CUSTOMER,
    Permission.WITHDRAW_REQUEST,
    Permission.SEND_CHAT,
    Permission.VIEW_SCREEN,
    Permission.OPEN_DEVICE,
    Permission.GIVE_UP_DEVICE,
}

PERMISSIONS: MappingProxyType[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.TECHNICIAN: _HELPING,
        Role.LEAD: _HELPING,
        Role.AUDITOR: _READING,
        Role.ADMIN: _HELPING,
    }
)
SEE_ALL = frozenset({Role.LEAD, Role.AUDITOR, Role.ADMIN})
"""Roles that see every session of their organisation; others see their own."""


def is_allowed(role: Role, permission: Permission) -> bool:
    """Whether the table says yes; whatever is not in it is a no."""
    return permission in PERMISSIONS.get(role, frozenset())


# --- limits ---------------------------------------------------------------------------------------------


class LimitReached(RateLimited):
    """Too many attempts; `retry_after_s` is when the window ends."""

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Limit:
    """At most `attempts` in each window of `window_s` seconds."""

    attempts: int
    window_s: int


class Attempts(Message):
    """KV `limits`: how many in the window that began at `since`."""

    since: AwareDatetime
    count: int = Field(ge=0)


def one_more(before: Attempts | None, limit: Limit, *, now: datetime) -> Attempts:
    """The attempts with this one counted, or LimitReached."""
    window = timedelta(seconds=limit.window_s)
    if before is None or not before.since <= now < before.since + window:
        return Attempts(since=now, count=1)
    if before.count >= limit.attempts:
        left = before.since + window - now
        raise LimitReached(retry_after_s=max(1, -(-left // timedelta(seconds=1))))
    return Attempts(since=before.since, count=before.count + 1)


# --- who is calling -------------------------------------------------------------------------------------

UNKNOWN_ADDRESS = "unknown"


def networks(listed: str) -> tuple[Network, ...]:
    """The networks in a comma list such as `10.0.0.0/8, ::1`; ValueError names what is none."""
    return tuple(ip_network(part.strip()) for part in listed.split(",") if part.strip())


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Collection[Network]) -> str:
    """Who is calling: the socket's address, or what our own proxies say when that address is one of them.

    `forwarded` are the X-Forwarded-For headers. Each proxy appends the address it saw, so the list is read
    from the right and the first address that is not ours counts; everything left of it the caller made up.
    """
    caller = _address(peer)
    hops = [hop.strip() for header in forwarded for hop in header.split(",")]
    while caller is not None and hops and _is_in(caller, trusted):
        caller = _address(hops.pop())
    return UNKNOWN_ADDRESS if caller is None else str(caller)


def limit_group(address: str) -> str:
    """Whom a limit counts together: one IPv4 address, one IPv6 /64 (what one customer of a provider has)."""
    parsed = _address(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, 64), strict=False))
    return address


def _address(text: str | None) -> Address | None:
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_in(address: Address, listed: Collection[Network]) -> bool:
    return any(address in network for network in listed)


# --- origins --------------------------------------------------------------------------------------------

_DEFAULT_PORTS = MappingProxyType({"http": 80, "https": 443, "ws": 80, "wss": 443})


def origin_of(url: str) -> str:
    """The origin of a URL as browsers write it (RFC 6454 section 6.1); ValueError if it has none."""
    parts = urlsplit(url.strip())
    host = parts.hostname
    if parts.scheme not in _DEFAULT_PORTS or not host or "*" in host:
        raise ValueError(f"{url!r} is no address such as https://help.example.org")
    name = f"[{host}]" if ":" in host else host
    is_default = parts.port in {None, _DEFAULT_PORTS[parts.scheme]}
    return f"{parts.scheme}://{name}" if is_default else f"{parts.scheme}://{name}:{parts.port}"


# --- paths ----------------------------------------------------------------------------------------------

_SEGMENT = rb"/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_.-]+"
_PATH = re.compile(rb"(?:/|(?:" + _SEGMENT + rb")+)\Z")


def is_plain_path(raw: bytes) -> bool:
    """Whether a request's path, as it was sent, has one reading only.

    No escapes, no `;`, no empty or dot segments: a path that a proxy and we could read differently
    (CVE-2024-1709) names nothing here.
    """
    return _PATH.match(raw) is not None
