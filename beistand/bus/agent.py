"""The customer's side of the bus: how an agent gets in with its ticket and key. Base dependencies only."""

import ssl
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import nkeys
from nats.aio.client import Client

from beistand.bus.connection import Callback, Watcher, establish
from beistand.protocol import subjects
from beistand.protocol.errors import TicketRefused, Unauthenticated

PATIENCE_S = 10.0
GIVE_UP_AFTER_S = 150.0
"""Longer than a session waits for its agent (120 s). In time alone: a refused sign-in may mean that the
session has ended, but nats-server says the same while no session service is there to be asked."""

DEVICE_PING_S = 30
"""An idle device asks seldom whether the line still is one: it costs every device of an organisation."""


async def connect_agent(
    urls: Sequence[str],
    *,
    ticket: str,
    seed: bytes,
    sid: str,
    purpose: Literal["control", "media"],
    on_disconnected: Callback,
    on_reconnected: Callback,
    on_closed: Callback,
    give_up_after: float = GIVE_UP_AFTER_S,
) -> Client:
    """One of an agent's two connections; `seed` is its raw Ed25519 seed, which signs the server's nonce.

    Raises TicketRefused or Unavailable. Afterwards it reconnects by itself, telling through the callbacks;
    `on_closed` means for good: closed, or without a connection for `give_up_after` seconds. Publishing while
    disconnected fails at once; nothing is sent late.
    """
    watcher = Watcher(
        f"agent-{purpose}",
        on_disconnected=on_disconnected,
        on_reconnected=on_reconnected,
        on_closed=on_closed,
        gives_up_after=give_up_after,
    )
    try:
        await establish(
            watcher,
            list(urls),
            patience=PATIENCE_S,
            name=purpose,
            token=ticket,
            nkeys_seed_str=nkeys.encode_seed(seed, nkeys.PREFIX_BYTE_USER).decode(),
            inbox_prefix=subjects.inbox_prefix(sid),
            max_reconnect_attempts=-1,
            **_tls(urls),
        )
    except Unauthenticated:
        raise TicketRefused from None
    return watcher.client


async def connect_device(
    urls: Sequence[str], *, org: str, device_id: str, number: int, seed: bytes, on_closed: Callback
) -> Client:
    """An enrolled device's connection outside of sessions: one attempt, one sign-in at most.

    Raises TicketRefused (also while nobody is there to be asked) or Unavailable. Never reconnects by itself:
    every attempt has a higher number. `on_closed`: the connection is gone.
    """
    watcher = Watcher("device", on_closed=on_closed)
    try:
        await establish(
            watcher,
            list(urls),
            patience=PATIENCE_S,
            name="device",
            token=f"device.{org}.{device_id}.{number}",
            nkeys_seed_str=nkeys.encode_seed(seed, nkeys.PREFIX_BYTE_USER).decode(),
            inbox_prefix=subjects.inbox_prefix(device_id),
            allow_reconnect=False,
            max_reconnect_attempts=1,  # nats-py's for an address that does not answer, within this attempt
            ping_interval=DEVICE_PING_S,
            **_tls(urls),
        )
    except Unauthenticated:
        raise TicketRefused from None
    return watcher.client


def _tls(urls: Sequence[str]) -> dict[str, Any]:
    """TLS from the first byte where an address says tls://; nats-py alone would do without."""
    if not any(urlsplit(url).scheme == "tls" for url in urls):
        return {}
    return {"tls": ssl.create_default_context(), "tls_handshake_first": True}
