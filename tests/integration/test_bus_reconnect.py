"""A lost connection: noticed, told, restored; and nothing said meanwhile is ever sent afterwards."""

from pathlib import Path

import pytest
from nats.errors import ConnectionReconnectingError

from beistand.bus import rpc
from beistand.bus.connection import FreshClient, connect
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.protocol.errors import Unavailable
from beistand.protocol.messages import EndedDown, Lease, Party
from beistand.protocol.records import Cause
from tests.integration.conftest import ORG, eventually, new_id

pytestmark = pytest.mark.integration


async def test_nothing_is_replayed_after_a_loss(tmp_path: Path, keys: Path) -> None:
    """Threat 35: what was said to a dead connection stays unsaid."""
    server = EmbeddedServer(tmp_path, keys)
    await server.start()
    settings, sid = BusSettings(nats_url=server.url, keys=keys), new_id()
    relay, consent = await connect(settings, "relay"), await connect(settings, "consent")

    async def both_lost() -> bool:
        return not (relay.is_connected or consent.is_connected)

    async def both_back() -> bool:
        return relay.is_connected and consent.is_connected

    try:
        subject = f"bst.evt.{ORG}.{sid}.session"
        heard = await consent.subscribe(subject)
        await consent.flush()
        await server.stop()
        await eventually(both_lost)
        with pytest.raises(ConnectionReconnectingError):
            await relay.publish(f"bst.input.{ORG}.{sid}.{new_id()}", b"a key stroke")
        with pytest.raises(Unavailable):
            await rpc.publish(relay, subject, EndedDown(by=Party.SYSTEM, cause=Cause.ADMIN))
        with pytest.raises(Unavailable):
            await rpc.request(relay, subject, Lease(), Lease, timeout=1)
        await server.start()
        await eventually(both_back)
        session = await connect(settings, "session")
        await session.publish(subject, b"new")
        assert (await heard.next_msg(timeout=5)).data == b"new"
        await session.close()
    finally:
        await relay.close()
        await consent.close()
        await server.stop()


async def test_what_still_waits_for_the_socket_is_dropped_with_it() -> None:
    client = FreshClient()
    client._pending.append(b"PUB x 1\r\na\r\n")
    client._pending_data_size = 11
    client.drop_unsent()
    assert client._pending == []
    assert client.pending_data_size == 0
