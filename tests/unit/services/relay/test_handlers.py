"""The tables are complete, and what is not in them is refused."""

import pytest

from beistand.protocol.capabilities import NEEDED
from beistand.protocol.messages import ViewerHello, ViewerRefresh
from beistand.protocol.subjects import Up
from services.relay.handlers import FROM_AGENT, FROM_VIEWER, MAX_INVALID
from tests.unit.services.relay.conftest import World

pytestmark = pytest.mark.unit

NONSENSE = [
    None,
    b"",
    b"{}",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"type":"viewer.teleport"}',
    b'{"type":"relay.ready"}',
    b'{"type":"input.alive","relay":"AAAAAAAAAAAAAAAAAAAAAA"}',
    b'{"type":"viewer.shown","seq":0}',
    b'{"type":"viewer.shown","seq":NaN}',
    b'{"type":"viewer.shown","seq":1,"more":1}',
    b'{"type":"input.move","x":1e400,"y":0}',
    b'{"type":"input.move","x":-1,"y":0}',
    b'{"type":"input.text","text":"' + b"a" * 9000 + b'"}',
    b"[" * 8000,
]


def test_every_message_a_viewer_can_send_has_a_handler_and_nothing_else() -> None:
    sendable = {kind for kind in NEEDED if kind.startswith(("viewer.", "input."))}
    assert set(FROM_VIEWER) == sendable - {"viewer.hello", "input.alive"}


def test_a_relay_listens_to_what_stops_and_to_nothing_else() -> None:
    assert set(FROM_AGENT) == {Up.REVOKED, Up.ENDED, Up.PAUSE, Up.LEASE}


@pytest.mark.parametrize("raw", NONSENSE)
def test_what_cannot_be_understood_is_counted_and_closes_in_the_end(world: World, raw: bytes | None) -> None:
    viewer, socket = world.enter(world.customer.grant())
    for _ in range(MAX_INVALID - 1):
        world.says(viewer, raw)
    assert socket.closed_with is None
    world.says(viewer, raw)
    assert socket.closed_with == 4400


def test_a_second_hello_is_not_understood(world: World) -> None:
    viewer, _ = world.enter(world.customer.grant())
    world.says(viewer, ViewerHello(ticket="A" * 43))
    assert viewer.invalid == 1


def test_a_rare_mistake_does_not_close(world: World) -> None:
    viewer, socket = world.enter(world.customer.grant())
    world.says(viewer, b"{}")
    for _ in range(20):
        world.says(viewer, ViewerRefresh())
    assert socket.closed_with is None


def test_a_lease_that_cannot_be_read_is_no_lease(world: World) -> None:
    _, socket = world.enter(world.customer.grant())
    for _ in range(4):
        world.agent(Up.LEASE, b"{}")
        world.wait(1)
    assert socket.closed_with == 4503
