"""The person's hand and the stop key on a real X server, against a technician who floods it."""

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import Xlib.display
from Xlib import X
from Xlib.ext import xtest

from agent.engine.gate import Gate, OpenGrant
from agent.engine.hand import Hand
from agent.engine.inject import DesktopInjector
from agent.platform import HandsHearer, open_input
from agent.platform.x11 import X11Desktop
from agent.platform.x11_hands import X11Hands
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import InputButton, InputKey, InputMove
from demo.hands import Hands
from tests.support.witness import witness
from tests.support.xvfb import Screen, xvfb

pytestmark = pytest.mark.integration

CONTROL, VIEW = "control".ljust(22, "-"), "view".ljust(22, "-")
SOON_S = 10.0
SHIFT, ESCAPE, A, CONTROL_KEY = 50, 9, 38, 37
BUTTON = (600, 400)
"""Where the person wants to press."""


class Desk:
    """A desktop under control: the technician's injector behind the gate, the person's hand before it."""

    def __init__(self, screen: Screen) -> None:
        self.display = Xlib.display.Display(screen.display)
        self.person = Hands(self.display)
        self.gate = Gate()
        for grant_id, capability in ((VIEW, Capability.VIEW), (CONTROL, Capability.CONTROL)):
            self.gate.open(OpenGrant(grant_id, capability, "technician", time.monotonic() + 600))
        self.injector = DesktopInjector(
            gate=self.gate,
            desktop=X11Desktop(screen.display),
            devices=open_input(),
            place=lambda x, y: (x, y),
        )
        self.hand = Hand(gate=self.gate, open_hands=lambda hearer: X11Hands(hearer, screen.display))
        self.changed = threading.Condition()
        self.stops = 0
        self.hand.serve(stop=self._stop, changed=self._change)
        self.hand.watch()

    def _stop(self) -> None:
        self.gate.close_all()
        self.stops += 1
        self._change()

    def _change(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def sees(self, what: str, condition) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, SOON_S), what

    def presses(self, *codes: int) -> None:
        for code in codes:
            self.person.key_down(code)
        for code in reversed(codes):
            self.person.key_up(code)

    def injects(self, *codes: int) -> None:
        """As any program can, past our own gate."""
        for kind in (X.KeyPress, X.KeyRelease):
            for code in codes:
                xtest.fake_input(self.display, kind, code)
        self.display.sync()

    @contextmanager
    def flood(self) -> Iterator[None]:
        """The technician pulls the pointer away and hammers keys, as fast as the desktop takes it."""
        over, running = threading.Event(), threading.Event()

        def run() -> None:
            down = InputKey(key="Control", code="ControlLeft", action="down")
            while not over.is_set():
                for event in (InputMove(x=5, y=5), InputButton(x=5, y=5, button="left", action="down"), down):
                    self.injector.inject(event, CONTROL)
                running.set()

        flooding = threading.Thread(target=run)
        flooding.start()
        assert running.wait(SOON_S)
        try:
            yield
        finally:
            over.set()
            flooding.join()

    def held(self) -> tuple[int, bool]:
        """Buttons that are down, and whether a key is."""
        buttons = int(self.display.screen().root.query_pointer().mask) >> 8 & 0x1F
        return buttons, any(self.display.query_keymap())

    def close(self) -> None:
        self.hand.rest()
        self.injector.close()
        self.display.close()


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with xvfb(width=1000, height=700) as started:
        yield started
        gc.collect()  # pynput closes its connections when it is collected: while there is a server


@pytest.fixture
def desk(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("DISPLAY", screen.display)
    made = Desk(screen)
    yield made
    made.close()


def test_the_stop_key_stops_in_the_midst_of_a_flood(desk: Desk) -> None:
    with desk.flood():
        desk.presses(SHIFT, ESCAPE)
        desk.sees("stopped", lambda: desk.stops == 1)
        assert not desk.gate.may_inject(CONTROL)
        assert not desk.gate.may_capture(VIEW)
    assert desk.held() == (0, False)


def test_injected_keys_are_no_stop_key(desk: Desk) -> None:
    desk.injects(SHIFT, ESCAPE)
    desk.presses(A)  # heard after them: the order of events is the server's
    desk.sees("the hand", lambda: desk.hand.is_first)
    assert desk.stops == 0
    assert desk.gate.is_open(CONTROL)


def test_a_shift_of_the_technicians_makes_no_stop_key_of_the_persons_escape(desk: Desk) -> None:
    desk.injector.inject(InputKey(key="Shift", code="ShiftLeft", action="down"), CONTROL)
    desk.presses(ESCAPE)
    desk.sees("the hand", lambda: desk.hand.is_first)
    assert desk.stops == 0


def test_the_stop_key_is_heard_while_another_program_has_grabbed_everything(
    desk: Desk, screen: Screen
) -> None:
    with witness(screen.display) as other:
        other.window.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
        other.window.grab_pointer(False, 0, X.GrabModeAsync, X.GrabModeAsync, 0, 0, X.CurrentTime)
        other.display.sync()
        desk.presses(SHIFT, ESCAPE)
        desk.sees("stopped", lambda: desk.stops == 1)


def test_programs_do_not_get_the_stop_key(desk: Desk, screen: Screen) -> None:
    with witness(screen.display) as other:
        other.focus()
        desk.presses(SHIFT, ESCAPE)
        desk.presses(A)
        desk.sees("stopped", lambda: desk.stops == 1)
        other.wait_for("release", 2)
        assert [code for _, code in other.strokes()] == [SHIFT, SHIFT, A, A]


def test_the_person_reaches_a_button_whatever_the_technician_floods_and_holds(
    desk: Desk, screen: Screen
) -> None:
    with witness(screen.display, x=500, y=300) as other, desk.flood():
        desk.person.move(300, 200)
        desk.sees("the hand", lambda: desk.hand.is_first)
        desk.sees("what the technician held go up", lambda: desk.held() == (0, False))
        desk.person.move(*BUTTON)
        desk.person.button_down()
        desk.person.button_up()
        pointer = desk.display.screen().root.query_pointer()
        assert (pointer.root_x, pointer.root_y) == BUTTON
        presses = [each[:4] for each in other.take() if each[0].startswith("button")]
        assert presses == [("button press", 1, *BUTTON), ("button release", 1, *BUTTON)]


def test_the_technician_goes_on_when_the_hand_rests(desk: Desk) -> None:
    desk.person.move(300, 200)
    desk.sees("the hand", lambda: desk.hand.is_first)
    assert not desk.gate.may_inject(CONTROL)
    assert desk.gate.may_capture(VIEW)
    desk.sees("rest", lambda: not desk.hand.is_first)
    assert desk.gate.may_inject(CONTROL)


def test_what_came_while_the_hand_was_first_is_not_played_later(desk: Desk) -> None:
    turn = desk.gate.turn()
    desk.person.move(300, 200)
    desk.sees("the hand", lambda: desk.hand.is_first)
    desk.sees("rest", lambda: not desk.hand.is_first)
    with desk.gate.injecting(CONTROL, turn=turn) as allowed:
        assert not allowed


class Ear:
    """Counts what is heard."""

    def __init__(self) -> None:
        self.touches = 0
        self.stopped = threading.Event()

    def touched(self) -> None:
        self.touches += 1

    def stop_key_pressed(self) -> None:
        self.stopped.set()

    def deafened(self) -> None:
        pass


def test_injected_input_is_nobodys_hand(desk: Desk, screen: Screen) -> None:
    ear = Ear()
    hands = X11Hands(ear, screen.display)
    for x in range(50):
        desk.injector.inject(InputMove(x=x, y=40), CONTROL)
    desk.injects(A)
    desk.presses(SHIFT, ESCAPE)
    assert ear.stopped.wait(SOON_S)
    assert ear.touches <= 4, "four events were the person's"
    hands.close()


def test_what_comes_while_the_listener_asks_about_a_device_is_heard_at_once(
    desk: Desk, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Ear()
    hands = X11Hands(ear, screen.display)
    asking, answer, look_at = threading.Event(), threading.Event(), X11Hands._look_at

    def slowly(self: X11Hands, device: int) -> bool:
        asking.set()
        assert answer.wait(SOON_S)
        return look_at(self, device)

    monkeypatch.setattr(X11Hands, "_look_at", slowly)
    desk.person.move(20, 20)
    assert asking.wait(SOON_S)
    desk.presses(SHIFT, ESCAPE)
    answer.set()
    assert ear.stopped.wait(SOON_S), "no further event needs to come first"
    hands.close()


def test_nobody_listens_when_nothing_is_shared(desk: Desk) -> None:
    desk.hand.rest()
    assert desk.hand.has_stop_key is None
    desk.presses(SHIFT, ESCAPE)
    desk.hand.watch()
    assert desk.hand.has_stop_key is True
    desk.person.move(10, 10)
    desk.sees("the hand", lambda: desk.hand.is_first)
    assert desk.stops == 0


def test_without_a_keyboard_of_ones_own_there_is_no_stop_key(
    screen: Screen, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remote desktop that plays everything through XTEST."""
    monkeypatch.setattr(X11Hands, "_look_at", lambda *_: False)
    hand = Hand(gate=desk.gate, open_hands=lambda hearer: X11Hands(hearer, screen.display))
    hand.watch()
    assert hand.has_stop_key is False
    hand.rest()


def test_a_display_that_goes_leaves_nothing_pretended() -> None:
    with xvfb(width=300, height=200) as short:
        gate = Gate()
        hand = Hand(gate=gate, open_hands=lambda hearer: X11Hands(hearer, short.display))
        told = threading.Event()
        hand.watch()
        assert hand.has_stop_key is True
        hand.serve(stop=lambda: None, changed=told.set)
    assert told.wait(SOON_S)
    assert hand.has_stop_key is False


def test_the_hearer_is_the_hand() -> None:
    hearer: HandsHearer = Hand(gate=Gate(), open_hands=lambda _: None)  # type: ignore[arg-type,return-value]
    hearer.touched()
    hearer.deafened()
