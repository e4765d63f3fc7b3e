"""The system account's user: cuts connections and hears that they are gone. It may do nothing else."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import BaseModel, ValidationError

from beistand.bus import keys
from beistand.bus.connection import UNREACHABLE, Watcher, open_connection
from beistand.bus.permissions import DISCONNECTS
from beistand.bus.settings import BusSettings
from beistand.protocol.errors import InvalidMessage, Unavailable

log = logging.getLogger(__name__)

KICK_TIMEOUT_S = 2.0

OnGone = Callable[[str, int], Awaitable[None]]
"""Called with server id and client id of a connection that is gone."""


class System:
    """A connection to the system account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @classmethod
    async def connect(cls, settings: BusSettings) -> Self:
        """Raises SettingsError, Unauthenticated or Unavailable."""
        watcher = Watcher("system")
        seed = keys.read_text(settings.keys, keys.SYSTEM_SEED)
        await open_connection(watcher, settings, seed=seed, inbox_prefix="_INBOX.system")
        return cls(watcher.client)

    async def kick(self, server_id: str, client_id: int) -> None:
        """Cut one connection now; one already gone is fine. Unavailable if its server does not answer.

        First make sure that the peer would be refused: it reconnects at once.
        """
        if not server_id.isalnum():
            raise InvalidMessage("Not a server's id.")
        try:
            await self._client.request(
                f"$SYS.REQ.SERVER.{server_id}.KICK",
                json.dumps({"cid": client_id}).encode(),
                timeout=KICK_TIMEOUT_S,
            )
        except UNREACHABLE as error:
            raise Unavailable from error

    async def watch_disconnects(self, callback: OnGone) -> None:
        """Call back for every connection of our account that goes, on every server."""

        async def receive(message: Msg) -> None:
            try:
                gone = _Gone.model_validate_json(message.data)
            except ValidationError:
                log.error("disconnect notice does not parse")
                return
            await callback(gone.server.id, gone.client.id)

        await self._client.subscribe(DISCONNECTS, cb=receive)
        await self._client.flush()

    async def close(self) -> None:
        """Leave."""
        await self._client.close()


class _Server(BaseModel):
    id: str


class _Client(BaseModel):
    id: int


class _Gone(BaseModel):
    """nats-server's `client_disconnect` advisory, as far as it is needed."""

    server: _Server
    client: _Client
