"""The customer's side of the bus: how an agent gets in with its ticket and key. Base dependencies only."""

from collections.abc import Sequence
from typing import Literal

import nkeys
from nats.aio.client import Client

from beistand.bus.connection import Callback, Watcher, establish
from beistand.protocol import subjects
from beistand.protocol.errors import TicketRefused, Unauthenticated

PATIENCE_S = 10.0
RECONNECT_TRIES = 60
"""Per server, one a second."""
REFUSALS = 10
"""Refused sign-ins in a row after which the connection is over for good: the session has ended, most likely.
Not one, because a refusal is also what nats-server says while no session service is there to be asked."""


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
) -> Client:
    """One of an agent's two connections; `seed` is its raw Ed25519 seed, which signs the server's nonce.

    Raises TicketRefused or Unavailable. Afterwards it reconnects by itself, telling through the callbacks;
    `on_closed` means for good. Publishing while disconnected fails at once; nothing is sent late.
    """
    watcher = Watcher(
        f"agent-{purpose}",
        on_disconnected=on_disconnected,
        on_reconnected=on_reconnected,
        on_closed=on_closed,
        refusals_allowed=REFUSALS,
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
            max_reconnect_attempts=RECONNECT_TRIES,
        )
    except Unauthenticated:
        raise TicketRefused from None
    return watcher.client
