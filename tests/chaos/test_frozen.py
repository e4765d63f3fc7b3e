"""The customer's side freezes: windows, display, or all of it. Who cannot show and stop access has none."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from beistand.cli.stack import Stack
from beistand.protocol.errors import NoGrant, Unavailable
from beistand.protocol.records import Cause
from tests.chaos.watched import Watched, watching
from tests.support.helpdesk import Helpdesk

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def watched(stack: Stack, desk: Helpdesk, tmp_path: Path) -> AsyncIterator[Watched]:
    async with watching(stack, desk, tmp_path) as running:
        yield running


async def test_windows_that_hang_lose_every_grant(watched: Watched) -> None:
    """The engine goes on and says so itself: long before any lease runs out, with the real cause."""
    await watched.tell("hang")
    assert await watched.hears() == "hung"
    assert await watched.viewer.close_code() == NoGrant().close_code
    stopped = watched.viewer.texts("relay.stopped")[0]
    assert (stopped["by"], stopped["cause"]) == ("system", Cause.INDICATOR_LOST)
    revoked = await watched.desk.sees_request(watched.sid, watched.grant, "revoked")
    assert (revoked["closed_by"], revoked["cause"]) == ("system", Cause.INDICATOR_LOST)
    await watched.tell("go on")
    await watched.person.is_rid_of("stop-sharing")
    await watched.desk.asks(watched.sid)
    await watched.person.answers("consent-allow")
    await watched.person.waits_for("bar.stop-sharing")


@pytest.mark.soak
async def test_an_agent_that_is_stopped_has_no_lease_and_gets_none_back(watched: Watched) -> None:
    with watched.person.frozen():
        assert await watched.viewer.close_code() == Unavailable().close_code
        stopped = watched.viewer.texts("relay.stopped")[0]
        assert (stopped["by"], stopped["cause"]) == ("system", Cause.LEASE_LOST)
    # It wakes up believing in its grant; the relay has buried it, and its own proof is too old.
    await watched.desk.sees_request(watched.sid, watched.grant, "revoked")
    await watched.person.is_rid_of("bar.stop-sharing")


@pytest.mark.soak
async def test_a_display_that_hangs_ends_the_picture(watched: Watched) -> None:
    """The X server is stopped: windows and capture both wait for it, and no picture leaves."""
    server = _x_server()
    server.send_signal(signal.SIGSTOP)
    try:
        assert await watched.viewer.close_code() in {NoGrant().close_code, Unavailable().close_code}
    finally:
        server.send_signal(signal.SIGCONT)
    await watched.desk.sees_request(watched.sid, watched.grant, "revoked")


def _x_server() -> psutil.Process:
    """Our own X server; this process has started no other that still runs."""
    return next(child for child in psutil.Process().children() if child.name() == "Xvfb")
