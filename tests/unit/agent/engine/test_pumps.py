"""Input and pictures on their way: what may not pass is dropped, nothing waits for a better moment."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from agent.engine.gate import Gate, OpenGrant
from agent.engine.input_pump import WAITING, InputPump
from agent.engine.picture_pump import PicturePump
from agent.engine.refusals import Refusals
from agent.engine.silence import SILENT_S
from agent.engine.tasks import Tasks
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import Unavailable
from beistand.protocol.messages import (
    Input,
    InputAlive,
    InputKey,
    InputMove,
    InputRelease,
    InputText,
    MediaDown,
    encode,
)
from beistand.protocol.records import InputCounts
from tests.support.person import FakeInjector, FakeMedia
from tests.support.questions import an_id

pytestmark = pytest.mark.unit

PATIENCE_S = 5.0
VIEW, CONTROL = an_id("view"), an_id("control")
BOTH = frozenset({Capability.VIEW, Capability.CONTROL})


@pytest.fixture
def gate() -> Gate:
    gate = Gate(clock=lambda: 0.0)
    gate.open(OpenGrant(VIEW, Capability.VIEW, "tina", 1))
    gate.open(OpenGrant(CONTROL, Capability.CONTROL, "tina", 1))
    return gate


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    failures: list[BaseException] = []
    tasks = Tasks(lambda _, error: failures.append(error))
    yield tasks
    await tasks.close()
    assert failures == []


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  (the injector works on another thread)
            await asyncio.sleep(0.005)


class Inputs:
    """An input pump in front of a fake desktop."""

    def __init__(self, gate: Gate) -> None:
        self.injector = FakeInjector()
        self.refusals = Refusals()
        self.now = 0.0
        self.live = {CONTROL: BOTH, VIEW: frozenset({Capability.VIEW})}
        self.pump = InputPump(
            gate=gate,
            injector=self.injector,
            spendable=lambda grant_id: self.live.get(grant_id, frozenset()),
            refusals=self.refusals,
            clock=lambda: self.now,
        )


@pytest.fixture
def inputs(gate: Gate) -> Inputs:
    return Inputs(gate)


async def test_input_under_control_is_injected_in_order(inputs: Inputs, tasks: Tasks) -> None:
    events = [InputMove(x=1, y=2), InputKey(key="a", code="KeyA", action="down"), InputRelease()]
    for event in events:
        inputs.pump.take(CONTROL, encode(event))
    tasks.start("input", inputs.pump.run())
    await _until(lambda: len(inputs.injector.events) == 3)
    assert inputs.injector.events == events


async def test_only_what_the_gate_lets_through_is_counted(inputs: Inputs, gate: Gate, tasks: Tasks) -> None:
    inputs.pump.take(VIEW, encode(InputText(text="refused")))
    inputs.pump.take(CONTROL, encode(InputText(text="held")))
    gate.hold("question")
    gate.release("question")
    inputs.pump.take(CONTROL, encode(InputText(text="typed")))
    tasks.start("input", inputs.pump.run())
    await _until(lambda: inputs.injector.typed == "typed")
    assert gate.usage(CONTROL).input == InputCounts(characters=5)
    assert gate.usage(VIEW).input == InputCounts()


@pytest.mark.parametrize("grant_id", [VIEW, an_id("unknown")])
async def test_input_under_anything_else_is_refused(inputs: Inputs, grant_id: str) -> None:
    inputs.pump.take(grant_id, encode(InputText(text="x")))
    assert inputs.refusals.counts == {("input", "no_grant"): 1}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "invalid_message"),
        (b"{}", "invalid_message"),
        (b'{"type": "input.move", "x": NaN, "y": 0}', "invalid_message"),
        (b'{"type": "input.move", "x": -1, "y": 0}', "invalid_message"),
        (b'{"type": "viewer.refresh"}', "invalid_message"),
        (b"x" * 9000, "too_large"),
    ],
)
async def test_nonsense_is_refused_and_counted(inputs: Inputs, data: bytes, code: str) -> None:
    inputs.pump.take(CONTROL, data)
    inputs.pump.take(CONTROL, data)
    assert inputs.refusals.counts == {("input", code): 2}


async def test_what_waited_over_a_question_is_never_played(inputs: Inputs, gate: Gate, tasks: Tasks) -> None:
    inputs.pump.take(CONTROL, encode(InputText(text="before")))
    gate.hold("question")
    gate.release("question")
    inputs.pump.take(CONTROL, encode(InputText(text="after")))
    tasks.start("input", inputs.pump.run())
    await _until(lambda: inputs.injector.typed == "after")


async def test_a_stop_cuts_a_long_text(inputs: Inputs, gate: Gate, tasks: Tasks) -> None:
    inputs.pump.take(CONTROL, encode(InputText(text="x" * 1000)))
    tasks.start("input", inputs.pump.run())
    await _until(lambda: len(inputs.injector.events) >= 3)
    gate.close([CONTROL])
    typed = len(inputs.injector.events)
    inputs.pump.take(CONTROL, encode(InputRelease()))
    await asyncio.sleep(0)
    assert typed == len(inputs.injector.events) < 1000


async def test_a_flood_drops_everything_and_lets_go(inputs: Inputs, tasks: Tasks) -> None:
    for _ in range(WAITING + 1):
        inputs.pump.take(CONTROL, encode(InputMove(x=1, y=1)))
    tasks.start("input", inputs.pump.run())
    await _until(lambda: bool(inputs.injector.events))
    assert inputs.injector.events == [InputRelease()]
    assert inputs.refusals.counts == {("input", "rate_limited"): 1}


async def test_a_lost_connection_lets_everything_go(inputs: Inputs, gate: Gate, tasks: Tasks) -> None:
    """A key that is down would never hear of its going up; one that waits must not go down afterwards."""
    inputs.pump.take(CONTROL, encode(InputKey(key="a", code="KeyA", action="down")))
    inputs.pump.let_go()
    assert inputs.injector.releases == 1
    assert gate.may_inject(CONTROL)
    inputs.pump.take(CONTROL, encode(InputText(text="after")))
    tasks.start("input", inputs.pump.run())
    await _until(lambda: inputs.injector.typed == "after")
    assert not any(isinstance(event, InputKey) for event in inputs.injector.events)


KEY: Input = InputKey(key="a", code="KeyA", action="down")
BEAT = InputAlive(relay=an_id("relay"))


async def test_a_relay_that_falls_silent_leaves_no_key_down(inputs: Inputs, tasks: Tasks) -> None:
    tasks.start("input", inputs.pump.run())
    for event in (BEAT, KEY):
        inputs.pump.take(CONTROL, encode(event))
    inputs.now = SILENT_S
    inputs.pump.look()
    await _until(lambda: len(inputs.injector.events) == 2)
    assert inputs.injector.events == [KEY, InputRelease()]


async def test_a_key_stays_down_as_long_as_the_relay_is_there(inputs: Inputs, tasks: Tasks) -> None:
    tasks.start("input", inputs.pump.run())
    inputs.pump.take(CONTROL, encode(KEY))
    for inputs.now in range(10):
        inputs.pump.take(CONTROL, encode(BEAT))
        inputs.pump.look()
    inputs.pump.take(CONTROL, encode(InputText(text="x")))
    await _until(lambda: inputs.injector.typed == "x")
    assert inputs.injector.events == [KEY, InputText(text="x")]


async def test_a_beat_needs_control_and_is_nothing_to_inject(inputs: Inputs, gate: Gate) -> None:
    inputs.pump.take(VIEW, encode(BEAT))
    inputs.pump.take(CONTROL, encode(BEAT))
    assert inputs.refusals.counts == {("input", "no_grant"): 1}
    assert gate.usage(CONTROL).input == InputCounts()


class Pictures:
    """A picture pump between a fake screen and a fake connection."""

    def __init__(self, gate: Gate) -> None:
        self.media = FakeMedia()
        self.sent: list[tuple[str, bytes]] = []
        self.is_connected = True
        self.pump = PicturePump(gate=gate, media=self.media, send=self._send)

    async def _send(self, grant_id: str, chunk: bytes) -> None:
        if not self.is_connected:
            raise Unavailable
        self.sent.append((grant_id, chunk))


@pytest.fixture
async def pictures(gate: Gate) -> Pictures:
    return Pictures(gate)


async def test_views_stream_and_stop(pictures: Pictures) -> None:
    pictures.pump.keep(frozenset({VIEW}))
    pictures.pump.keep(frozenset({VIEW}))
    assert pictures.media.started == [VIEW]
    pictures.pump.keep(frozenset())
    assert pictures.media.streams == {}


async def test_chunks_leave_from_any_thread(pictures: Pictures, tasks: Tasks) -> None:
    pictures.pump.keep(frozenset({VIEW}))
    publish = pictures.media.streams[VIEW]
    tasks.start("pictures", pictures.pump.run())
    await asyncio.to_thread(publish, b"one")
    await _until(lambda: pictures.sent == [(VIEW, b"one")])


async def test_what_waits_when_the_gate_closes_stays(pictures: Pictures, gate: Gate, tasks: Tasks) -> None:
    pictures.pump.keep(frozenset({VIEW}))
    pictures.media.streams[VIEW](b"one")
    gate.close([VIEW])
    tasks.start("pictures", pictures.pump.run())
    for _ in range(5):
        await asyncio.sleep(0)
    assert pictures.sent == []


async def test_credit_reaches_streams_only(pictures: Pictures) -> None:
    pictures.pump.credit(MediaDown(grant_id=VIEW))
    assert pictures.media.credits == []
    pictures.pump.keep(frozenset({VIEW}))
    pictures.pump.restart()  # nobody watches yet
    pictures.pump.credit(MediaDown(grant_id=VIEW, shown=1))
    pictures.pump.restart()
    assert pictures.media.credits == [
        MediaDown(grant_id=VIEW, shown=1),
        MediaDown(grant_id=VIEW, key_frame=True),
    ]


async def test_a_lost_connection_drops_and_goes_on(pictures: Pictures, tasks: Tasks) -> None:
    pictures.pump.keep(frozenset({VIEW}))
    publish = pictures.media.streams[VIEW]
    tasks.start("pictures", pictures.pump.run())
    pictures.is_connected = False
    publish(b"lost")
    await asyncio.sleep(0.02)
    pictures.is_connected = True
    publish(b"two")
    await _until(lambda: pictures.sent == [(VIEW, b"two")])
