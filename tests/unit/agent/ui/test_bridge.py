"""Views on their way to the windows: the newest wins, none of the older ones is drawn late."""

import threading

import pytest
from PySide6.QtWidgets import QApplication

from agent.port import View
from agent.ui.app import Bridge
from tests.unit.agent.ui.waiting import wait_for

pytestmark = pytest.mark.unit


def _deliver_from_another_thread(bridge: Bridge, *views: View) -> None:
    engine = threading.Thread(target=lambda: [bridge.deliver(view) for view in views])
    engine.start()
    engine.join()


def test_a_thousand_views_while_the_windows_are_busy_are_drawn_once(application: QApplication) -> None:
    drawn: list[View] = []
    bridge = Bridge(drawn.append)
    many = [View(problem=str(number)) for number in range(1000)]
    _deliver_from_another_thread(bridge, *many)
    wait_for(lambda: bool(drawn))
    application.processEvents()
    assert drawn == [many[-1]]


def test_a_view_that_comes_while_another_is_drawn_is_drawn_after_it() -> None:
    first, second = View(problem="first"), View(problem="second")
    drawn: list[View] = []

    def draw(view: View) -> None:
        drawn.append(view)
        if view is first:
            _deliver_from_another_thread(bridge, second)

    bridge = Bridge(draw)
    bridge.deliver(first)
    wait_for(lambda: len(drawn) == 2)
    assert drawn == [first, second]


def test_a_closed_bridge_draws_nothing(application: QApplication) -> None:
    drawn: list[View] = []
    bridge = Bridge(drawn.append)
    bridge.deliver(View())
    bridge.close()
    application.processEvents()
    assert drawn == []
