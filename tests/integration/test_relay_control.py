"""Input's way from the browser to the device over the real bus: only under its own live grant, never late."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from nats.aio.subscription import Subscription

from beistand.bus.settings import BusSettings
from beistand.protocol import messages, subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import (
    Input,
    InputAlive,
    InputKey,
    InputMove,
    InputText,
    MediaDown,
    ToDesktop,
    ViewerRefresh,
)
from tests.support.core_services import Technician
from tests.support.relay_stage import Stage, staged
from tests.support.viewer import ViewerClient

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(bus_settings: BusSettings) -> AsyncIterator[Stage]:
    async with staged(bus_settings) as stage:
        yield stage


def key(name: str) -> InputKey:
    return InputKey(key=name, code="", action="down")


@asynccontextmanager
async def hearing(stage: Stage) -> AsyncIterator["Keyboard"]:
    """Everything that reaches the device as input."""
    subject = subjects.input_of_session(stage.agent.org, stage.sid)
    client = stage.agent.clients["media"]
    subscription = await client.subscribe(subject)
    await client.flush()
    yield Keyboard(subscription)


class Keyboard:
    """The device's side of input."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self.beats: list[tuple[str, ToDesktop]] = []

    async def next(self) -> tuple[str, ToDesktop]:
        """The grant and the event that arrived next."""
        while isinstance((arrived := await self._arrived())[1], InputAlive):
            self.beats.append(arrived)
        return arrived

    async def beat(self) -> None:
        """Wait for a beat; fails on input."""
        grant_id, event = await self._arrived()
        assert isinstance(event, InputAlive)
        self.beats.append((grant_id, event))

    async def is_quiet(self) -> bool:
        """Whether nothing but beats has arrived."""
        while self._subscription.pending_msgs:
            if not isinstance((await self._arrived())[1], InputAlive):
                return False
        return True

    async def _arrived(self) -> tuple[str, ToDesktop]:
        message = await self._subscription.next_msg(timeout=10)
        return subjects.parse(message.subject).leaf, messages.parse_input(message.data)


async def settled(stage: Stage, viewer: ViewerClient) -> None:
    """All the viewer has said so far was handled, and what it caused has arrived at the device."""
    while not stage.agent.heard_nothing(MediaDown):
        await stage.agent.next(MediaDown)
    await viewer.say(ViewerRefresh())
    await stage.agent.next(MediaDown)
    await stage.agent.clients["media"].flush()


async def test_input_follows_the_yes_and_keeps_its_order(stage: Stage) -> None:
    await stage.allow()
    async with stage.watching() as viewer, hearing(stage) as keyboard:
        control = await stage.allow(Capability.CONTROL)
        await viewer.until("relay.control", live=True)
        sent: list[Input] = [InputMove(x=1, y=2), key("a"), InputText(text="größer"), key("b")]
        for event in sent:
            await viewer.say(event)
        assert [await keyboard.next() for _ in sent] == [(control, event) for event in sent]


async def test_what_was_typed_before_the_yes_never_arrives(stage: Stage) -> None:
    await stage.allow()
    async with stage.watching() as viewer, hearing(stage) as keyboard:
        for name in "secret":
            await viewer.say(key(name))
        await settled(stage, viewer)
        await stage.allow(Capability.CONTROL)
        await viewer.until("relay.control", live=True)
        await viewer.say(key("x"))
        assert (await keyboard.next())[1] == key("x")
        assert await keyboard.is_quiet()


async def test_a_viewer_is_told_at_once_what_it_may(stage: Stage) -> None:
    await stage.allow()
    await stage.allow(Capability.CONTROL)
    async with stage.watching() as viewer:
        await viewer.until("relay.control", live=True)


async def test_when_control_stops_input_stops_and_the_picture_goes_on(stage: Stage) -> None:
    view = await stage.allow()
    control = await stage.allow(Capability.CONTROL)
    async with stage.watching() as viewer, hearing(stage) as keyboard:
        await viewer.say(key("a"))
        assert (await keyboard.next())[0] == control
        await stage.agent.revoke(control)
        await viewer.until("relay.control", live=False)
        for name in "between two grants":
            await viewer.say(key(name))
        await settled(stage, viewer)
        again = await stage.allow(Capability.CONTROL)
        await viewer.until("relay.control", live=True)
        await viewer.say(key("z"))
        assert await keyboard.next() == (again, key("z"))
        await viewer.until_frame(await stage.frame(view, key=True))


async def test_in_a_pause_nothing_is_typed(stage: Stage) -> None:
    await stage.allow()
    control = await stage.allow(Capability.CONTROL)
    async with stage.watching() as viewer, hearing(stage) as keyboard:
        stage.paused = True
        await stage.agent.pause(paused=True)
        await viewer.until("relay.paused", paused=True)
        for name in "during the question":
            await viewer.say(key(name))
        await viewer.say("not understood, and so counted")
        stage.paused = False
        await stage.agent.pause(paused=False)
        await viewer.until("relay.paused", paused=False)
        await settled(stage, viewer)
        await viewer.say(key("z"))
        assert await keyboard.next() == (control, key("z"))


async def test_another_technician_cannot_type(stage: Stage) -> None:
    tom = Technician(stage.gateway, stage.technician.org, name="Tom", sees_all=True)
    await stage.allow()
    control = await stage.allow(Capability.CONTROL)
    await stage.allow(by=tom)
    async with stage.watching() as tina, stage.watching(by=tom) as other, hearing(stage) as keyboard:
        await other.say(key("t"))
        await settled(stage, other)
        await tina.say(key("o"))
        assert await keyboard.next() == (control, key("o"))
        assert other.texts("relay.control")[-1]["live"] is False


async def test_while_control_is_live_the_device_hears_that_the_relay_is_there(stage: Stage) -> None:
    await stage.allow()
    async with stage.watching() as viewer, hearing(stage) as keyboard:
        control = await stage.allow(Capability.CONTROL)
        await viewer.until("relay.control", live=True)
        for _ in range(3):
            await keyboard.beat()
        assert len(set(keyboard.beats)) == 1
        assert keyboard.beats[0][0] == control


async def test_messages_that_make_no_sense_close_the_socket(stage: Stage) -> None:
    await stage.allow()
    async with stage.watching() as viewer:
        for nonsense in ('{"type":"viewer.teleport"}', b"\x00binary", "y" * 9000):
            await viewer.say(nonsense)
        assert await viewer.close_code() == 4400
