"""A room's traffic: input under control, frames and credit for quick, slow and stuck viewers."""

import json

import pytest

from beistand.protocol import messages
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import (
    Input,
    InputKey,
    InputMove,
    InputRelease,
    InputText,
    Lease,
    MediaDown,
    MonitorSize,
    RelayControl,
    RelayMonitors,
    ViewerMonitor,
    ViewerRefresh,
    ViewerShown,
    encode,
)
from beistand.protocol.subjects import Up
from tests.support.consented import new_id
from tests.unit.services.relay.conftest import World

pytestmark = pytest.mark.unit

KEY: Input = InputKey(key="a", code="KeyA", action="down")


def credit(world: World) -> list[MediaDown]:
    return [messages.parse(MediaDown, raw) for raw in world.downlink.deliver("down")]


# --- control ----------------------------------------------------------------------------------


def test_input_before_the_yes_is_dropped_and_never_comes_later(world: World) -> None:
    viewer, socket = world.enter(world.customer.grant())
    for _ in range(10):
        world.says(viewer, KEY)
    control = world.customer.grant(Capability.CONTROL)
    world.store(control)
    assert socket.said[-1] == RelayControl(live=True)
    assert world.downlink.deliver("input") == []
    world.says(viewer, KEY)
    assert world.downlink.deliver("input") == [encode(KEY)]


def test_input_goes_out_under_the_control_grant(world: World) -> None:
    control = world.customer.grant(Capability.CONTROL)
    viewer, socket = world.enter(world.customer.grant(), control)
    assert RelayControl(live=True) in socket.said
    world.downlink.posted.clear()
    world.says(viewer, KEY)
    org, sid = world.customer.org, world.customer.sid
    assert world.downlink.posted == [(f"bst.input.{org}.{sid}.{control.request_id}", encode(KEY))]


def test_when_control_stops_what_was_not_sent_yet_is_taken_back(world: World) -> None:
    view, control = world.customer.grant(), world.customer.grant(Capability.CONTROL)
    viewer, socket = world.enter(view, control)
    world.says(viewer, KEY)
    world.revoke(control.request_id)
    assert socket.said[-1] == RelayControl(live=False)
    assert socket.closed_with is None
    world.says(viewer, KEY)
    assert world.downlink.deliver("input") == []
    chunk = world.frame(view.request_id, key=True)
    assert socket.frames == [chunk]


def test_another_technicians_control_helps_nobody_else(world: World) -> None:
    viewer, socket = world.enter(world.customer.grant())
    tom = new_id("tom")
    world.room.expected[tom] += 1
    world.store(world.customer.grant(Capability.CONTROL, ask={"technician_id": tom}))
    world.says(viewer, KEY)
    assert world.downlink.deliver("input") == []
    assert RelayControl(live=True) not in socket.said


def test_a_forged_control_grant_does_not_steer(world: World) -> None:
    viewer, _ = world.enter(world.customer.grant())
    world.store(world.customer.grant(Capability.CONTROL, decision_by=b"\7" * 32))
    world.says(viewer, KEY)
    assert world.downlink.deliver("input") == []


def test_a_flood_of_moves_loses_moves_and_no_keys(world: World) -> None:
    viewer, socket = world.enter(world.customer.grant(), world.customer.grant(Capability.CONTROL))
    for x in range(1000):
        world.says(viewer, InputMove(x=x, y=0))
    world.says(viewer, KEY)
    sent = [json.loads(raw) for raw in world.downlink.deliver("input")]
    assert len(sent) < 400
    assert sent[-1]["type"] == "input.key"
    assert [message["x"] for message in sent[:-1]] == list(range(len(sent) - 1))
    assert socket.closed_with is None


def test_a_flood_of_keys_closes_the_viewer(world: World) -> None:
    viewer, socket = world.enter(world.customer.grant(), world.customer.grant(Capability.CONTROL))
    for _ in range(2001):
        world.says(viewer, KEY)
    assert socket.closed_with == 4429


def test_a_flood_of_texts_closes_the_viewer_and_a_paste_does_not(world: World) -> None:
    viewer, socket = world.enter(world.customer.grant(), world.customer.grant(Capability.CONTROL))
    text: Input = InputText(text="x" * 1000)
    world.says(viewer, text)
    assert world.downlink.deliver("input") == [encode(text)]
    for _ in range(500):
        world.wait(0.002)
        world.says(viewer, text)
    assert len(world.downlink.deliver("input")) <= 2
    assert socket.closed_with == 4429


# --- who goes lets go ---------------------------------------------------------------------------


def test_with_the_last_socket_of_a_technician_their_keys_go_up(world: World) -> None:
    view, control = world.customer.grant(), world.customer.grant(Capability.CONTROL)
    first, _ = world.enter(view, control)
    second, _ = world.enter(view, control)
    world.says(first, KEY)
    world.room.leave(first)
    assert world.downlink.deliver("input") == [encode(KEY)]
    world.room.leave(second)
    world.room.leave(second)
    org, sid = world.customer.org, world.customer.sid
    released = (f"bst.input.{org}.{sid}.{control.request_id}", encode(InputRelease()))
    assert [item for item in world.downlink.posted if item[0].startswith("bst.input.")] == [released]


def test_another_technicians_socket_keeps_no_key_down(world: World) -> None:
    control = world.customer.grant(Capability.CONTROL)
    tina, _ = world.enter(world.customer.grant(), control)
    tom = world.customer.grant(ask={"technician_id": new_id("tom")})
    toms, _ = world.enter(tom, technician_id=tom.technician_id)
    world.room.leave(toms)
    assert world.downlink.deliver("input") == []
    world.room.leave(tina)
    assert world.downlink.deliver("input") == [encode(InputRelease())]


# --- pacing -----------------------------------------------------------------------------------


def test_what_was_shown_becomes_credit_newest_only(world: World) -> None:
    view = world.customer.grant()
    viewer, _ = world.enter(view)
    world.frame(view.request_id, key=True)
    for seq in (1, 2, 3):
        world.frame(view.request_id)
        world.says(viewer, ViewerShown(seq=seq))
    credit(world)
    world.wait(0)
    assert credit(world) == [MediaDown(grant_id=view.request_id, shown=3)]
    world.wait(1)
    assert credit(world) == []


def test_a_refresh_brings_a_key_frame_but_not_at_any_rate(world: World) -> None:
    view = world.customer.grant()
    viewer, socket = world.enter(view)
    world.frame(view.request_id, key=True)
    credit(world)
    for _ in range(50):
        world.says(viewer, ViewerRefresh())
    assert credit(world) == []
    world.lease(view.request_id)
    world.wait(0.5)
    assert credit(world) == [MediaDown(grant_id=view.request_id, key_frame=True, codecs=())]
    world.frame(view.request_id)
    assert len(socket.frames) == 1
    world.frame(view.request_id, key=True)
    assert len(socket.frames) == 2


def test_a_choice_of_monitor_goes_with_the_next_key_frame_newest_only(world: World) -> None:
    view = world.customer.grant()
    viewer, _ = world.enter(view)
    world.frame(view.request_id, key=True)
    credit(world)
    for monitor in (1, 2, 1):
        world.says(viewer, ViewerMonitor(monitor=monitor))
    world.lease(view.request_id)
    world.wait(0.5)
    assert credit(world) == [MediaDown(grant_id=view.request_id, key_frame=True, codecs=(), monitor=1)]
    world.wait(1)
    world.lease(view.request_id)
    world.says(viewer, ViewerRefresh())
    assert credit(world)[-1].monitor is None


def test_viewers_are_told_of_the_monitors_when_they_come_and_when_that_changes(world: World) -> None:
    view = world.customer.grant()
    _, early = world.enter(view)
    two = (MonitorSize(width=1920, height=1080), MonitorSize(width=1280, height=1024))
    for monitors in (two, two, (), two[:1]):
        lease = Lease(grant_ids=(view.request_id,), monitors=monitors)
        world.agent(Up.LEASE, encode(lease))
    _, late = world.enter(view)
    told = [message for message in early.said if isinstance(message, RelayMonitors)]
    assert told == [RelayMonitors(monitors=two), RelayMonitors(monitors=two[:1])]
    assert RelayMonitors(monitors=two[:1]) in late.said


def test_a_lost_frame_makes_the_relay_ask_for_a_key_frame(world: World) -> None:
    view = world.customer.grant()
    _, socket = world.enter(view)
    world.frame(view.request_id, key=True)
    world.wait(1)
    world.lease(view.request_id)
    credit(world)
    world.seq += 1
    world.frame(view.request_id)
    assert credit(world) == [MediaDown(grant_id=view.request_id, key_frame=True, codecs=())]
    assert len(socket.frames) == 1


def test_a_slow_viewer_goes_on_from_a_key_frame_and_slows_nobody(world: World) -> None:
    view = world.customer.grant()
    slow, slow_socket = world.enter(view)
    _, quick_socket = world.enter(view)
    slow_socket.blocked = True
    world.frame(view.request_id, key=True)
    for _ in range(20):
        world.frame(view.request_id)
    assert len(quick_socket.frames) == 21
    assert len(slow_socket.frames) == 1
    world.wait(1)
    world.lease(view.request_id)
    credit(world)
    slow_socket.blocked = False
    world.room.drained(slow)
    assert credit(world) == [MediaDown(grant_id=view.request_id, key_frame=True, codecs=())]
    key = world.frame(view.request_id, key=True)
    assert slow_socket.frames[1:] == [key]


def test_a_stalled_viewer_is_closed_and_the_others_go_on(world: World) -> None:
    view = world.customer.grant()
    _, stuck = world.enter(view)
    _, quick = world.enter(view)
    stuck.blocked = True
    world.frame(view.request_id, key=True)
    for _ in range(10):
        assert stuck.closed_with is None
        world.lease(view.request_id)
        world.wait(1)
    assert stuck.closed_with == 4429
    assert quick.closed_with is None


def test_after_a_reconnect_to_the_bus_streams_start_again(world: World) -> None:
    view = world.customer.grant()
    world.enter(view)
    world.frame(view.request_id, key=True)
    credit(world)
    world.room.restart()
    world.lease(view.request_id)
    world.wait(0.5)
    assert credit(world) == [MediaDown(grant_id=view.request_id, key_frame=True, codecs=())]


def test_frames_nobody_watches_go_nowhere(world: World) -> None:
    view = world.customer.grant()
    viewer, socket = world.enter(view)
    world.room.leave(viewer)
    world.room.leave(viewer)
    world.frame(view.request_id, key=True)
    assert socket.frames == []


def test_the_agent_is_told_what_all_viewers_of_a_grant_decode(world: World) -> None:
    view = world.customer.grant()
    world.enter(view, codecs=("vp09.00.40.08", "avc1.640028", "jpeg"))
    assert [each.codecs for each in credit(world)] == [("avc1.640028", "jpeg", "vp09.00.40.08")]
    second, _ = world.enter(view, codecs=("avc1.640028", "jpeg", "avc1.F40028"))
    world.wait(0.5)
    assert [each.codecs for each in credit(world)] == [("avc1.640028", "jpeg")]
    world.enter(view)
    world.wait(0.5)
    assert [each.codecs for each in credit(world)] == [()]
    world.frame(view.request_id, key=True)
    world.room.shown(second, 1)
    world.wait(0)
    assert [each.codecs for each in credit(world)] == [None]
