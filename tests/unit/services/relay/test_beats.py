"""The relay's word that it is there: every second, for whoever has control here and for nobody else."""

import pytest

from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import SignedUp, encode
from beistand.protocol.subjects import Up
from services.relay.beats import BEAT_S, Beats
from tests.support.consented import new_id
from tests.unit.services.relay.conftest import BEAT, World

pytestmark = pytest.mark.unit


def test_each_grant_beats_at_once_and_then_in_time() -> None:
    beats = Beats()
    assert beats.deadline() is None
    assert beats.take(["one"], now=0) == ["one"]
    assert beats.take(["one", "two"], now=BEAT_S / 2) == ["two"]
    assert beats.deadline() == BEAT_S
    assert beats.take(["one", "two"], now=BEAT_S) == ["one"]
    assert beats.take([], now=BEAT_S) == []
    assert beats.deadline() is None


def test_without_control_nothing_beats(world: World) -> None:
    tom = world.customer.grant(Capability.CONTROL, ask={"technician_id": new_id("tom")})
    world.enter(world.customer.grant())
    world.store(tom)
    world.wait(2)
    assert world.downlink.beats() == []


def test_a_beat_goes_before_all_input_and_every_second(world: World) -> None:
    view, control = world.customer.grant(), world.customer.grant(Capability.CONTROL)
    world.enter(view)
    world.store(control)
    inputs = [payload for subject, payload in world.downlink.posted if subject.startswith("bst.input.")]
    assert inputs == [BEAT]
    for _ in range(4):
        world.wait(BEAT_S)
        world.lease(view.request_id, control.request_id)
    assert world.downlink.beats() == 5 * [control.request_id]


def test_in_a_pause_nothing_beats_and_after_it_at_once(world: World) -> None:
    view, control = world.customer.grant(), world.customer.grant(Capability.CONTROL)
    world.enter(view, control)
    world.downlink.beats()
    for paused, expected in ((True, []), (False, [control.request_id])):
        jws = world.customer.pause(paused=paused)
        world.agent(Up.PAUSE, encode(SignedUp(type="pause", jws=jws)))
        assert world.downlink.beats() == expected


def test_when_control_is_over_or_the_viewer_gone_nothing_beats(world: World) -> None:
    view, control = world.customer.grant(), world.customer.grant(Capability.CONTROL)
    viewer, _ = world.enter(view, control)
    world.room.leave(viewer)
    world.downlink.beats()
    world.wait(2)
    assert world.downlink.beats() == []
    world.lease(view.request_id, control.request_id)
    world.enter(view, control)
    world.revoke(control.request_id)
    world.downlink.beats()
    world.wait(2)
    assert world.downlink.beats() == []
