"""Unattended access on the windows: seen, held, taken back, told of; and out of a technician's reach."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from agent.install.rights import Answer
from agent.port import Phase, View
from agent.ui.samples import views
from agent.ui.texts import TEXTS
from agent.ui.windows import Windows
from tests.unit.agent.ui.recorder import RecordingEngine
from tests.unit.agent.ui.waiting import wait_for

pytestmark = pytest.mark.unit

SAMPLES = views("en", datetime.now(UTC))
HOME, PAUSED = SAMPLES["25-standing"], SAMPLES["26-standing-paused"]
VISIT, TOLD = SAMPLES["28-visit-viewing"], SAMPLES["29-told-visit"]


class System:
    """Asks for the rights when told to, and answers when let."""

    def __init__(self) -> None:
        self.answer = Answer.REFUSED
        self.asked = threading.Event()
        self.goes_on = threading.Event()

    def __call__(self) -> Answer:
        self.asked.set()
        self.goes_on.wait(10)
        return self.answer


@pytest.fixture
def system() -> System:
    return System()


@pytest.fixture
def windows(engine: RecordingEngine, system: System) -> Iterator[Windows]:
    made = Windows(
        engine, language="en", indicator_is_visible=lambda _: True, geometry_file=None, uninstall=system
    )
    made.open(None)
    yield made
    made.close()


def words(window: QWidget) -> str:
    shown = [*window.findChildren(QLabel), *window.findChildren(QAbstractButton)]
    return "\n".join(each.text() for each in shown if each.isVisible()).replace("\u200b", "")


def test_the_card_says_who_until_when_and_how_it_stands(windows: Windows) -> None:
    windows.render_view(HOME)
    said = words(windows.main.code.standing)
    assert "Stadtbibliothek Musterstadt may come in without you" in said
    assert "only Anna Weber" in said
    assert TEXTS["en"].standing.reachable in said
    windows.render_view(View())
    assert not windows.main.code.standing.isVisible()


def test_pausing_acts_on_the_press_and_leaves_the_focus_in_peace(
    windows: Windows, engine: RecordingEngine
) -> None:
    windows.render_view(HOME)
    card = windows.main.code.standing
    card.pause.setFocus()
    card.pause.pressed.emit()
    assert engine.names()[-1] == "pause_unattended"
    windows.render_view(PAUSED)
    assert not card.pause.isVisible()
    assert not card.withdraw.hasFocus()
    card.resume.click()
    assert engine.names()[-1] == "resume_unattended"


def test_withdrawing_is_asked_once_with_input_held_back(windows: Windows, engine: RecordingEngine) -> None:
    windows.render_view(HOME)
    windows.main.code.standing.withdraw.click()
    dialog = windows.withdrawing
    assert engine.arguments("hold_input") == [("withdraw",)]
    assert dialog.cancel.hasFocus() or dialog.isVisible()
    dialog.reject()
    assert engine.arguments("release_input") == [("withdraw",)]
    assert "withdraw_unattended" not in engine.names()
    windows.tray.withdraw.trigger()
    dialog.confirm.click()
    assert engine.names()[-2:] == ["withdraw_unattended", "release_input"]


def test_a_permission_that_is_gone_takes_the_question_with_it(windows: Windows) -> None:
    windows.render_view(HOME)
    windows.main.code.standing.withdraw.click()
    windows.render_view(View())
    assert not windows.withdrawing.isVisible()


@pytest.mark.parametrize("answer", Answer)
def test_uninstalling_says_how_it_went_and_holds_input_all_the_time(
    windows: Windows, engine: RecordingEngine, system: System, answer: Answer
) -> None:
    system.answer = answer
    windows.render_view(View())
    windows.tray.uninstall.trigger()
    dialog = windows.uninstalling
    dialog.confirm.click()
    assert system.asked.wait(10)
    dialog.reject()
    assert dialog.isVisible()
    assert not dialog.confirm.isEnabled()
    assert engine.arguments("release_input") == []
    system.goes_on.set()
    wait_for(lambda: TEXTS["en"].standing.uninstall_results[answer] in words(dialog))
    dialog.reject()
    assert engine.arguments("release_input") == [("uninstall",)]


def test_the_menu_offers_what_is_possible(windows: Windows) -> None:
    tray = windows.tray
    offered = {}
    for name, view in {"none": View(), "held": PAUSED, "stands": HOME}.items():
        windows.render_view(view)
        offered[name] = (tray.pause.isVisible(), tray.resume.isVisible(), tray.withdraw.isVisible())
        assert tray.uninstall.isVisible()
    assert offered == {
        "none": (False, False, False),
        "held": (False, True, True),
        "stands": (True, False, True),
    }


def test_closing_the_window_leaves_the_program_there(windows: Windows) -> None:
    left: list[None] = []
    windows.left.connect(lambda: left.append(None))
    windows.render_view(HOME)
    windows.main.close()
    assert not windows.main.isVisible()
    assert left == []
    assert windows.handle.isVisible()
    windows.handle.open.click()
    assert windows.main.isVisible()
    assert not windows.handle.isVisible()
    windows.tray.leave.trigger()
    assert left == [None]


def test_the_bar_is_there_for_the_whole_visit(windows: Windows, engine: RecordingEngine) -> None:
    before = replace(VISIT, accesses=(), indicator_wanted=False)
    windows.render_view(before)
    assert windows.bar.isVisible()
    assert "Anna Weber is connected to this computer without you" in words(windows.bar)
    assert not windows.bar.stop_sharing.isVisible()
    windows.bar.end_session.pressed.emit()
    assert engine.names()[-1] == "ask_end"
    windows.render_view(VISIT)
    assert TEXTS["en"].standing.bar_mark in words(windows.bar)
    windows.render_view(replace(before, phase=Phase.ENDED))
    assert not windows.bar.isVisible()


def test_a_visit_is_told_until_it_is_seen_but_not_during_a_session(
    windows: Windows, engine: RecordingEngine
) -> None:
    windows.render_view(replace(TOLD, phase=Phase.SESSION))
    assert not windows.told.isVisible()
    windows.render_view(TOLD)
    said = words(windows.told)
    for part in ("Anna Weber", "Stadtbibliothek Musterstadt", "11 minutes", "14 clicks", "More messages: 1"):
        assert part in said
    windows.told.close()
    assert windows.told.isVisible()
    windows.told.seen.click()
    assert engine.arguments("seen") == [("sample-visit",)]
    windows.render_view(replace(TOLD, visited=()))
    assert not windows.told.isVisible()


def test_a_trouble_is_told_before_any_visit(windows: Windows, engine: RecordingEngine) -> None:
    windows.render_view(replace(TOLD, troubles=SAMPLES["30-told-trouble"].troubles))
    assert "The key of this computer was used on another computer." in words(windows.told)
    windows.told.seen.click()
    assert engine.arguments("seen") == [("cloned",)]


def test_what_a_visit_left_gives_way_when_the_person_opens_the_window(
    windows: Windows, engine: RecordingEngine
) -> None:
    windows.render_view(replace(VISIT, phase=Phase.ENDED, accesses=(), indicator_wanted=False))
    windows.main.hide()
    windows.tray.open.trigger()
    assert engine.names().count("start_over") == 1
    QTest.qWait(0)
