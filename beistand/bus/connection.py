"""A NATS connection with our limits: quick to notice a loss, never replaying anything afterwards.

Knows identities of services; agents connect through `agent`, the system account through `system`.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from nats import errors
from nats.aio.client import Client

from beistand.bus import keys
from beistand.bus.settings import BusSettings, ServiceName
from beistand.protocol.errors import Unauthenticated, Unavailable
from beistand.telemetry import meter

log = logging.getLogger(__name__)

PING_INTERVAL_S = 5
CONNECT_TIMEOUT_S = 5
RECONNECT_WAIT_S = 1
FLUSH_TIMEOUT_S = 10
AGAIN_S = 0.1
PATIENCE_S = 30.0
"""How long a starting service waits for the first connection."""
MEDIA_MESSAGES = 64
MEDIA_BYTES = 8 * 1024 * 1024
"""Limits for a subscription that carries frames (`pending_msgs_limit`, `pending_bytes_limit`)."""

UNREACHABLE = (errors.Error, asyncio.TimeoutError, OSError)
"""What nats-py raises when the bus cannot be reached; callers turn it into Unavailable."""

_faults = meter.create_counter("beistand.bus.faults", description="Errors on NATS connections, by kind")

Callback = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """A callback that does nothing."""


class FreshClient(Client):
    """A client that keeps nothing for later: publishing fails while disconnected, the unsent is dropped.

    nats-py alone would send up to 2 MiB of old messages after a reconnect: frames, input, decisions
    from before the loss, long after everybody stopped counting on them.
    """

    async def publish(
        self, subject: str, payload: bytes = b"", reply: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """Publish now, or raise ConnectionReconnectingError."""
        if not (self.is_connected or self.is_closed or self.is_draining):
            raise errors.ConnectionReconnectingError
        await super().publish(subject, payload, reply, headers)

    async def flush(self, timeout: int = FLUSH_TIMEOUT_S) -> None:
        """A round trip after all that was said; nats-py alone lets its PING overtake what still waits."""
        if self.is_connected:
            await self._flush_pending(force_flush=True)
        await super().flush(timeout)

    def drop_attempt(self) -> None:
        """Close the socket of a failed attempt to connect; nats-py would leave it open."""
        if (self.is_reconnecting or self.is_connecting) and self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call]

    async def _close(self, status: int, do_cbs: bool = True) -> None:  # noqa: FBT001, FBT002 - nats-py's
        """Close for good, also in the middle of a reconnect.

        nats-py then cancels its reconnecting task, which may be waiting for the old socket; both wait on one
        future, so that the cancellation comes out here and the last callback is skipped.
        """
        try:
            await super()._close(status, do_cbs)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            if do_cbs and self._closed_cb is not None:
                await self._closed_cb()

    async def _process_connect_init(self) -> None:
        """Sign in; nats-py takes a server that hangs up instead of answering for one that said yes."""
        await super()._process_connect_init()
        if self._status != Client.CONNECTED:
            for task in (self._reading_task, self._ping_interval_task, self._flusher_task):
                if task is not None:
                    task.cancel()
            raise ConnectionResetError("The server hung up during the sign-in.")

    def drop_unsent(self) -> None:
        """Forget what was waiting for the lost connection."""
        self._pending.clear()
        self._pending_data_size = 0


@dataclass
class Watcher:
    """Listens to one client's life and logs it: one line per event, without content."""

    name: str
    client: FreshClient = field(default_factory=FreshClient)
    on_disconnected: Callback = nothing
    on_reconnected: Callback = nothing
    on_closed: Callback = nothing
    gives_up_after: float | None = None
    """Seconds without a connection after which it is over for good; None: never."""
    has_connected: bool = False
    _deadline: asyncio.TimerHandle | None = None
    _closing: asyncio.Task[None] | None = None

    async def disconnected(self) -> None:
        """The connection is gone; nats-py tries again."""
        self.client.drop_unsent()
        if not self.client.is_closed:
            log.warning("nats connection lost", extra={"connection": self.name})
            self._start_deadline()
            await self.on_disconnected()

    async def reconnected(self) -> None:
        """Connected again; subscriptions are restored."""
        self._stop_deadline()
        log.info("nats connection restored", extra={"connection": self.name})
        await self.on_reconnected()

    async def closed(self) -> None:
        """Over for good."""
        self._stop_deadline()
        log.info("nats connection closed", extra={"connection": self.name})
        await self.on_closed()

    async def error(self, error: Exception) -> None:
        """An error nats-py met; before the first connection a refusal is final."""
        _faults.add(1, {"kind": type(error).__name__})
        self.client.drop_attempt()
        if is_refusal(error):
            self._refused()
        elif "permissions violation" in str(error).lower():
            log.error("nats permission violation: %s", error, extra={"connection": self.name})
        elif isinstance(error, errors.SlowConsumerError):
            log.warning("nats subscription too slow", extra={"connection": self.name})
        else:
            log.debug("nats error %s", type(error).__name__, extra={"connection": self.name})

    def _refused(self) -> None:
        if not self.has_connected:
            raise Unauthenticated("The bus does not know this identity.")
        log.warning("nats sign-in refused", extra={"connection": self.name})

    def _start_deadline(self) -> None:
        if self.gives_up_after is not None and self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self.gives_up_after, self._give_up)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        log.warning("nats connection given up", extra={"connection": self.name})
        self._closing = asyncio.get_running_loop().create_task(self.client.close(), name="close")


def is_refusal(error: Exception) -> bool:
    """Whether the server refused the credential."""
    return isinstance(error, errors.AuthorizationError) or "authorization violation" in str(error).lower()


async def connect(settings: BusSettings, service: ServiceName, *, purpose: str = "control") -> Client:
    """A connection with the identity of `service`, reconnecting for ever.

    Answers go to an inbox that only this service may read. Raises SettingsError (key file), Unauthenticated
    (unknown key), Unavailable (no server within PATIENCE_S).
    """
    watcher = Watcher(f"{service}-{purpose}")
    seed = keys.read_text(settings.keys, keys.nats_seed(service))
    await open_connection(watcher, settings, seed=seed, inbox_prefix=inbox_prefix(service))
    return watcher.client


def inbox_prefix(service: str) -> str:
    """Where a service receives answers; sessions' inboxes have 22 characters here and can never be equal."""
    return f"_INBOX.{service}"


async def open_connection(watcher: Watcher, settings: BusSettings, *, seed: str, inbox_prefix: str) -> None:
    """Connect a server-side identity by its nkey seed."""
    await establish(
        watcher,
        settings.nats_urls,
        patience=PATIENCE_S,
        nkeys_seed_str=seed,
        inbox_prefix=inbox_prefix,
        max_reconnect_attempts=-1,
        **_tls(settings),
    )


async def establish(watcher: Watcher, urls: list[str], *, patience: float, **options: Any) -> None:
    """Connect `watcher.client` with our defaults and `options` of nats-py, within `patience` seconds."""
    client = watcher.client
    attempt = asyncio.ensure_future(
        client.connect(
            servers=urls,
            name=options.pop("name", watcher.name),
            ping_interval=options.pop("ping_interval", PING_INTERVAL_S),
            connect_timeout=CONNECT_TIMEOUT_S,
            reconnect_time_wait=RECONNECT_WAIT_S,
            error_cb=watcher.error,
            disconnected_cb=watcher.disconnected,
            reconnected_cb=watcher.reconnected,
            closed_cb=watcher.closed,
            **options,
        )
    )
    try:
        await _within(attempt, patience)
    except UNREACHABLE as error:
        await client.close()
        raise Unavailable(f"NATS cannot be reached at {', '.join(urls)}.") from error
    except Unauthenticated:
        await client.close()
        raise
    watcher.has_connected = True
    log.info("nats connected", extra={"connection": watcher.name})


async def _within(attempt: asyncio.Future[None], patience: float) -> None:
    """Await `attempt` for so many seconds at most, then TimeoutError; it is over when this returns."""
    try:
        done, _ = await asyncio.wait({attempt}, timeout=patience)
    finally:
        await cancelled(attempt)
    if not done:
        raise TimeoutError
    attempt.result()


async def cancelled(task: asyncio.Future[None]) -> None:
    """Cancel until it is done: before Python 3.12 `wait_for`, inside nats-py, can swallow one (gh-86296)."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN_S)


def _tls(settings: BusSettings) -> dict[str, Any]:
    if settings.nats_ca is None:
        return {}
    # nats-py would accept a server without TLS otherwise, even at tls:// addresses.
    return {"tls": ssl.create_default_context(cafile=settings.nats_ca), "tls_handshake_first": True}
