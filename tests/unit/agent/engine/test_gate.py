"""The gate lets pass what is open, and nothing once a closing call has returned."""

import threading
from collections.abc import Iterator

import pytest

from agent.engine.gate import Gate, OpenGrant
from beistand.protocol.capabilities import Capability

pytestmark = pytest.mark.unit

PATIENCE_S = 5.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> Gate:
    """Open for a view and for control of Tina's."""
    gate = Gate(clock=clock)
    gate.open(OpenGrant("view", Capability.VIEW, "tina", 100))
    gate.open(OpenGrant("control", Capability.CONTROL, "tina", 100))
    return gate


def test_nothing_passes_before_it_is_open() -> None:
    gate = Gate()
    assert not gate.may_capture("view")
    assert not gate.may_inject("control")
    assert gate.live_views() == ()


def test_each_grant_opens_its_own_way_only(gate: Gate) -> None:
    assert gate.may_capture("view")
    assert gate.may_inject("control")
    assert not gate.may_capture("control")
    assert not gate.may_inject("view")


def test_control_needs_a_live_view_of_the_same_technician(gate: Gate) -> None:
    gate.open(OpenGrant("other", Capability.CONTROL, "bob", 100))
    assert not gate.may_inject("other")
    gate.close(["view"])
    assert not gate.may_inject("control")
    assert gate.is_open("control")


def test_a_grant_ends_by_the_gates_own_clock(gate: Gate, clock: Clock) -> None:
    clock.now = 100
    assert not gate.may_capture("view")
    assert not gate.may_inject("control")
    assert gate.live_views() == ()


def test_only_the_named_grant_closes(gate: Gate) -> None:
    gate.open(OpenGrant("bobs", Capability.VIEW, "bob", 100))
    gate.close(["view"])
    assert gate.live_views() == ("bobs",)
    gate.close(["view"])  # again: harmless
    gate.close_all()
    assert gate.live_views() == ()


def test_pause_stops_both_until_resumed(gate: Gate) -> None:
    gate.pause()
    assert not gate.may_capture("view")
    assert not gate.may_inject("control")
    gate.resume()
    assert gate.may_capture("view")
    assert gate.may_inject("control")


def test_input_is_held_until_every_holder_has_released(gate: Gate) -> None:
    gate.hold("question")
    gate.hold("end")
    gate.release("question")
    assert not gate.may_inject("control")
    assert gate.may_capture("view")
    gate.release("end")
    assert gate.may_inject("control")


def test_who_is_told_what_passes_no_longer(gate: Gate) -> None:
    told: list[frozenset[str]] = []
    gate.on_close(told.append)
    gate.hold("question")
    gate.pause()
    gate.resume()
    gate.close(["view"])
    assert told == [{"control"}, {"view"}, {"view"}]


def test_every_callback_runs_though_one_fails(gate: Gate) -> None:
    told: list[frozenset[str]] = []

    def fail(_: frozenset[str]) -> None:
        raise RuntimeError

    gate.on_close(fail)
    gate.on_close(told.append)
    with pytest.raises(RuntimeError):
        gate.close_all()
    assert told == [{"view", "control"}]
    assert not gate.may_capture("view")


def test_input_from_before_a_stop_stays_out_after_it(gate: Gate) -> None:
    turn = gate.turn()
    gate.hold("question")
    gate.release("question")
    with gate.injecting("control", turn=turn) as allowed:
        assert not allowed
    with gate.injecting("control", turn=gate.turn()) as allowed:
        assert allowed


@pytest.fixture
def acting() -> Iterator[list[threading.Thread]]:
    threads: list[threading.Thread] = []
    yield threads
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("act", "stop"),
    [
        ("capturing", "close_all"),
        ("capturing", "pause"),
        ("injecting", "close_all"),
        ("injecting", "pause"),
        ("injecting", "hold"),
    ],
)
def test_no_stop_returns_while_an_act_runs(
    gate: Gate, acting: list[threading.Thread], act: str, stop: str
) -> None:
    inside, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def work() -> None:
        grant = "view" if act == "capturing" else "control"
        with getattr(gate, act)(grant) as allowed:
            inside.set()
            go_on.wait(PATIENCE_S)
            order.append(f"acted {allowed}")

    def close() -> None:
        getattr(gate, stop)(*(["question"] if stop == "hold" else []))
        order.append("stopped")

    acting += [threading.Thread(target=work), threading.Thread(target=close)]
    acting[0].start()
    assert inside.wait(PATIENCE_S)
    acting[1].start()
    # The stop is known to be waiting once new acts are refused.
    while gate.may_capture("view") if act == "capturing" else gate.may_inject("control"):
        pass
    assert order == []
    go_on.set()
    for thread in acting:
        thread.join(PATIENCE_S)
    assert order == ["acted True", "stopped"]


def test_a_hold_does_not_wait_for_a_picture(gate: Gate) -> None:
    held = threading.Thread(target=gate.hold, args=("question",))
    with gate.capturing("view"):
        held.start()
        held.join(PATIENCE_S)
        assert not held.is_alive()


def test_waiting_for_a_view_ends_when_one_opens(acting: list[threading.Thread]) -> None:
    gate = Gate()
    assert not gate.wait_for_view(0)
    found: list[bool] = []
    acting.append(threading.Thread(target=lambda: found.append(gate.wait_for_view(PATIENCE_S))))
    acting[0].start()
    gate.open(OpenGrant("view", Capability.VIEW, "tina", float("inf")))
    acting[0].join(PATIENCE_S)
    assert found == [True]
