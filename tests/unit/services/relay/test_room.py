"""A room's conversations: what viewers and agent get when something happens."""

import logging

import pytest

from beistand.protocol import messages
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BadSignature, Ended, NoGrant
from beistand.protocol.messages import (
    Input,
    InputKey,
    MediaDown,
    Party,
    RelayControl,
    RelayPaused,
    RelayReady,
    RelayStopped,
    RequestState,
    SessionState,
    SignedUp,
    encode,
)
from beistand.protocol.records import Cause
from beistand.protocol.subjects import Up
from services.relay import stored
from tests.support.consented import new_id
from tests.unit.services.relay.conftest import World

pytestmark = pytest.mark.unit

KEY: Input = InputKey(key="a", code="KeyA", action="down")


def credit(world: World) -> list[MediaDown]:
    return [messages.parse(MediaDown, raw) for raw in world.downlink.deliver("down")]


def stopped(code: str, by: Party, cause: Cause | None = None) -> RelayStopped:
    return RelayStopped(code=code, by=by, cause=cause)


# --- coming in --------------------------------------------------------------------------------


def test_a_viewer_is_told_it_is_ready_and_the_agent_to_begin(world: World) -> None:
    view = world.customer.grant()
    _, socket = world.enter(view)
    assert socket.said == [
        RelayReady(grant_id=view.request_id, expires_at=view.expires_at),
        RelayControl(live=False),
    ]
    assert credit(world) == [MediaDown(grant_id=view.request_id, key_frame=True, codecs=())]


def test_frames_reach_the_viewers_of_their_grant(world: World) -> None:
    view = world.customer.grant()
    tom = world.customer.grant(ask={"technician_id": new_id("tom")})
    _, tinas = world.enter(view)
    _, tinas_second = world.enter(view)
    _, toms = world.enter(tom, technician_id=tom.technician_id)
    chunk = world.frame(view.request_id, key=True)
    assert tinas.frames == tinas_second.frames == [chunk]
    assert toms.frames == []


def test_a_technician_without_an_own_grant_does_not_get_in(world: World) -> None:
    with pytest.raises(NoGrant):
        world.enter(world.customer.grant(), technician_id=new_id("tom"))


def test_a_forged_grant_lets_nobody_in_and_shows_nothing(world: World) -> None:
    forged = world.customer.grant(decision_by=b"\7" * 32)
    with pytest.raises(BadSignature):
        world.enter(forged)
    world.frame(forged.request_id, key=True)


def test_a_control_grant_alone_lets_nobody_in(world: World) -> None:
    with pytest.raises(NoGrant):
        world.enter(world.customer.grant(Capability.CONTROL))


def test_a_revocation_heard_before_the_grant_was_read_wins() -> None:
    world = World()
    view = world.customer.grant()
    world.revoke(view.request_id)
    world.open()
    with pytest.raises(NoGrant):
        world.enter(view)


def test_an_end_heard_before_the_session_was_read_wins() -> None:
    world = World()
    world.agent(Up.ENDED, encode(SignedUp(type="end", jws=world.customer.end())))
    world.open()
    with pytest.raises(NoGrant):
        world.enter(world.customer.grant())


def test_more_than_can_be_remembered_before_reading_shuts_the_room() -> None:
    world = World()
    for _ in range(300):
        world.lease(new_id())
    world.open()
    with pytest.raises(NoGrant):
        world.enter(world.customer.grant())


@pytest.mark.parametrize("state", [SessionState.ENDED, SessionState.EXPIRED])
def test_a_session_that_is_over_lets_nobody_in(world: World, state: SessionState) -> None:
    stored.session_seen(world.room, world.customer.session(state=state))
    with pytest.raises(Ended):
        world.enter(world.customer.grant())


# --- stopping ---------------------------------------------------------------------------------


def test_a_revocation_closes_its_viewers_and_no_frame_passes_after_it(world: World) -> None:
    view = world.customer.grant()
    _, socket = world.enter(view)
    world.revoke(view.request_id)
    assert socket.said[-1] == stopped("no_grant", Party.CUSTOMER, Cause.STOP_SHARING)
    assert socket.closed_with == 4403
    world.frame(view.request_id, key=True)
    assert socket.frames == []
    with pytest.raises(NoGrant):
        world.enter(view)


def test_what_waits_for_a_slow_viewer_is_dropped_by_a_stop(world: World) -> None:
    view = world.customer.grant()
    viewer, socket = world.enter(view)
    socket.blocked = True
    sent = world.frame(view.request_id, key=True)
    world.frame(view.request_id)
    world.revoke(view.request_id)
    world.room.drained(viewer)
    assert socket.frames == [sent]


def test_a_stop_waits_for_no_log(world: World) -> None:
    view = world.customer.grant()
    _, socket = world.enter(view)
    closed_when_logged: list[int | None] = []

    class SlowDisk(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            closed_when_logged.append(socket.closed_with)

    disk = SlowDisk(logging.INFO)
    log = logging.getLogger("services.relay.room")
    log.setLevel(logging.INFO)
    log.addHandler(disk)
    try:
        world.revoke(view.request_id)
    finally:
        log.removeHandler(disk)
        log.setLevel(logging.NOTSET)
    assert closed_when_logged == [NoGrant().close_code]


def test_a_revocation_of_another_grant_closes_nothing(world: World) -> None:
    view = world.customer.grant()
    _, socket = world.enter(view)
    world.revoke(new_id())
    assert socket.closed_with is None


@pytest.mark.parametrize("verb", [Up.REVOKED, Up.ENDED])
@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff" * 70000])
def test_a_stop_that_cannot_be_read_still_stops(world: World, verb: Up, payload: bytes) -> None:
    _, socket = world.enter(world.customer.grant())
    world.agent(verb, payload)
    assert socket.closed_with == 4403


def test_a_stop_signed_by_somebody_else_still_stops(world: World) -> None:
    view = world.customer.grant()
    _, socket = world.enter(view)
    jws = world.customer.revocation(new_id(), by=b"\7" * 32)
    world.agent(Up.REVOKED, encode(SignedUp(type="revocation", jws=jws)))
    assert socket.closed_with == 4403


def test_an_end_closes_with_session_over(world: World) -> None:
    _, socket = world.enter(world.customer.grant())
    world.agent(Up.ENDED, encode(SignedUp(type="end", jws=world.customer.end())))
    assert socket.said[-1] == stopped("session_ended", Party.CUSTOMER, Cause.END_SESSION)
    assert socket.closed_with == 4410


def test_the_store_can_end_a_session_and_a_grant(world: World) -> None:
    view = world.customer.grant()
    _, socket = world.enter(view)
    handed_back = {"state": RequestState.REVOKED, "closed_by": Party.TECHNICIAN, "cause": Cause.TECHNICIAN}
    world.store(view.model_copy(update=handed_back))
    assert socket.said[-1] == stopped("no_grant", Party.TECHNICIAN, Cause.TECHNICIAN)
    _, socket = world.enter(world.customer.grant())
    over = world.customer.session(
        state=SessionState.ENDED, ended_by=Party.TECHNICIAN, cause=Cause.END_SESSION
    )
    stored.session_seen(world.room, over)
    assert socket.said[-1] == stopped("session_ended", Party.TECHNICIAN, Cause.END_SESSION)


def test_a_lost_agent_stops_the_streams(world: World) -> None:
    _, socket = world.enter(world.customer.grant())
    stored.session_seen(world.room, world.customer.session(state=SessionState.SUSPENDED))
    assert socket.said[-1] == stopped("unavailable", Party.SYSTEM, Cause.AGENT_LOST)
    assert socket.closed_with == 4503


def test_another_agent_key_in_the_store_ends_everything(world: World) -> None:
    _, socket = world.enter(world.customer.grant())
    stored.session_seen(world.room, world.customer.session(agent_key=None))
    assert socket.closed_with == 4410


def test_three_seconds_without_a_lease_stop(world: World) -> None:
    view = world.customer.grant()
    _, socket = world.enter(view)
    for _ in range(5):
        world.wait(1)
        world.lease(view.request_id)
    assert socket.closed_with is None
    world.wait(3)
    assert socket.said[-1] == stopped("unavailable", Party.SYSTEM, Cause.LEASE_LOST)
    assert socket.closed_with == 4503


def test_an_expired_grant_stops_by_itself(world: World) -> None:
    view = world.customer.grant(ask={"duration_s": 60})
    _, socket = world.enter(view)
    for _ in range(60):
        world.lease(view.request_id)
        world.wait(1)
    assert socket.said[-1] == stopped("no_grant", Party.SYSTEM, Cause.EXPIRED)
    assert socket.closed_with == 4403


def test_a_lease_lost_when_the_last_viewer_left_stays_lost(world: World) -> None:
    view = world.customer.grant()
    viewer, _ = world.enter(view)
    world.room.leave(viewer)
    world.time += 5
    world.room.close()
    assert view.request_id in world.tombstones


# --- pausing ----------------------------------------------------------------------------------


def test_a_pause_is_told_and_holds_everything_until_it_ends(world: World) -> None:
    view, control = world.customer.grant(), world.customer.grant(Capability.CONTROL)
    viewer, socket = world.enter(view, control)
    world.frame(view.request_id, key=True)
    credit(world)
    world.says(viewer, KEY)
    world.agent(Up.PAUSE, encode(SignedUp(type="pause", jws=world.customer.pause(paused=True))))
    assert socket.said[-1] == RelayPaused(paused=True)
    world.says(viewer, KEY)
    world.frame(view.request_id)
    assert len(socket.frames) == 1
    assert world.downlink.deliver("input") == []
    assert credit(world) == []
    world.wait(1)
    world.agent(Up.PAUSE, encode(SignedUp(type="pause", jws=world.customer.pause(paused=False))))
    assert socket.said[-1] == RelayPaused(paused=False)
    assert credit(world) == [MediaDown(grant_id=view.request_id, key_frame=True, codecs=())]
    world.frame(view.request_id)
    assert len(socket.frames) == 1
    resumed = world.frame(view.request_id, key=True)
    assert socket.frames[1:] == [resumed]


def test_a_pause_that_cannot_be_read_pauses(world: World) -> None:
    _, socket = world.enter(world.customer.grant())
    world.agent(Up.PAUSE, b"?")
    assert socket.said[-1] == RelayPaused(paused=True)


def test_a_resume_signed_by_somebody_else_does_not_resume(world: World) -> None:
    _, socket = world.enter(world.customer.grant())
    world.agent(Up.PAUSE, encode(SignedUp(type="pause", jws=world.customer.pause(paused=True))))
    forged = world.customer.pause(paused=False, by=b"\7" * 32)
    world.agent(Up.PAUSE, encode(SignedUp(type="pause", jws=forged)))
    assert socket.said[-1] == RelayPaused(paused=True)


def test_who_comes_in_during_a_pause_is_told(world: World) -> None:
    world.lease(paused=True)
    _, socket = world.enter(world.customer.grant())
    assert socket.said[-1] == RelayPaused(paused=True)
    assert credit(world) == []
