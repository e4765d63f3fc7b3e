"""Every view on every window: named controls, plain words, the right buttons, stops in the same turn."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QLineEdit, QWidget

from agent.port import Notice, Phase, View
from agent.ui.chat import Bubble
from agent.ui.samples import views
from agent.ui.texts import TEXTS
from agent.ui.windows import Windows
from beistand.protocol.errors import ERRORS
from beistand.protocol.messages import Party
from beistand.protocol.records import Cause, InputCounts
from tests.unit.agent.ui.recorder import RecordingEngine
from tests.unit.agent.ui.waiting import wait_for

pytestmark = pytest.mark.unit

SAMPLES = views("de", datetime.now(UTC))


@pytest.fixture
def windows(engine: RecordingEngine, tmp_path: Path) -> Iterator[Windows]:
    made = Windows(
        engine,
        language="de",
        indicator_is_visible=lambda _: True,
        geometry_file=tmp_path / "geometry.json",
    )
    made.open(None)
    yield made
    made.close()


def all_windows(windows: Windows) -> list[QWidget]:
    every = [windows.main, windows.bar, windows.ending, windows.question]
    return [window for window in every if window is not None]


def shown(window: QWidget) -> str:
    labels = [each for each in window.findChildren(QLabel) if each.isVisible()]
    buttons = [each for each in window.findChildren(QAbstractButton) if each.isVisible()]
    return " ".join(each.text() for each in (*labels, *buttons)).replace("\u200b", "")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_control_has_a_name_and_a_keyboard_way(windows: Windows, name: str) -> None:
    windows.render_view(SAMPLES[name])
    for window in all_windows(windows):
        assert window.windowTitle().startswith("Beistand")
        for control in window.findChildren(QWidget):
            if isinstance(control, QAbstractButton | QLineEdit | QComboBox):
                assert control.objectName()
                assert control.accessibleName() or not control.isVisible(), control.objectName()
                assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control.objectName()


@pytest.mark.parametrize("name", SAMPLES)
def test_no_label_anywhere_reads_rich_text(windows: Windows, name: str) -> None:
    windows.render_view(SAMPLES[name])
    for window in all_windows(windows):
        for label in window.findChildren(QLabel):
            assert not label.text() or label.textFormat() is Qt.TextFormat.PlainText


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_problem_is_told_in_full(windows: Windows, code: str) -> None:
    windows.render_view(View(problem=code))
    problem = TEXTS["de"].problems[code]
    for sentence in (problem.happened, problem.means, problem.advice):
        assert sentence in shown(windows.main)


@pytest.mark.parametrize("notice", list(Notice))
def test_every_notice_is_told_once(windows: Windows, notice: Notice) -> None:
    session = replace(SAMPLES["06-session-new"], notices=(notice,))
    windows.render_view(session)
    assert TEXTS["de"].notices[notice] in shown(windows.main)
    windows.main.dismiss.click()
    windows.render_view(session)
    assert TEXTS["de"].notices[notice] not in shown(windows.main)


@pytest.mark.parametrize("cause", list(Cause))
def test_the_end_says_who_and_why(windows: Windows, cause: Cause) -> None:
    windows.render_view(
        View(phase=Phase.ENDED, technician="Anna", ended_by=Party.TECHNICIAN, ended_cause=cause)
    )
    assert "Anna hat die Sitzung beendet" in shown(windows.main)
    assert TEXTS["de"].causes[cause] in shown(windows.main)


def test_the_end_shows_where_the_receipt_is_and_opens_its_folder(
    windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    windows.render_view(View(phase=Phase.ENDED, technician="Anna"))
    assert not windows.main.ended.receipt_open.isVisible()
    windows.render_view(View(phase=Phase.ENDED, technician="Anna", receipt="/home/a/receipts/x.json"))
    assert "x.json" in shown(windows.main)
    windows.main.ended.receipt_open.click()
    assert opened == ["/home/a/receipts"]


def test_ending_is_in_reach_in_every_window_of_a_session(windows: Windows) -> None:
    windows.render_view(SAMPLES["11-ask-control"])
    assert windows.question is not None
    for window in (windows.main, windows.bar, windows.question):
        assert window.end_session.isVisible()
    assert windows.tray.end_session.isVisible()
    windows.render_view(SAMPLES["15-reconnecting"])
    assert windows.main.end_session.isVisible()


@pytest.mark.parametrize(
    ("window", "control", "action"),
    [
        ("bar", "stop_sharing", "stop_sharing"),
        ("bar", "stop_control", "stop_control"),
        ("bar", "end_session", "ask_end"),
        ("main", "end_session", "ask_end"),
    ],
)
def test_a_stop_is_done_when_the_button_goes_down(
    windows: Windows, engine: RecordingEngine, window: str, control: str, action: str
) -> None:
    windows.render_view(SAMPLES["12-controlled"])
    button = getattr(getattr(windows, window), control)
    QTest.mousePress(button, Qt.MouseButton.LeftButton)
    assert engine.names()[-1] == action
    count = len(engine.calls)
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton)
    assert len(engine.calls) == count


def test_the_tray_offers_what_is_possible_now(windows: Windows, engine: RecordingEngine) -> None:
    windows.render_view(View())
    tray = windows.tray
    assert not any(each.isVisible() for each in (tray.stop_sharing, tray.stop_control, tray.end_session))
    windows.render_view(SAMPLES["10-viewing"])
    assert (tray.stop_sharing.isVisible(), tray.stop_control.isVisible()) == (True, False)
    tray.stop_sharing.trigger()
    tray.end_session.trigger()
    assert engine.names()[-2:] == ["stop_sharing", "ask_end"]


def test_closing_asks_in_a_session_and_leaves_without_one(windows: Windows, engine: RecordingEngine) -> None:
    left: list[None] = []
    windows.left.connect(lambda: left.append(None))
    windows.render_view(SAMPLES["07-session-chat"])
    windows.main.close()
    assert (engine.names()[-1], left) == ("ask_end", [])
    windows.render_view(View())
    windows.main.close()
    assert left == [None]


def test_another_language_takes_effect_everywhere_at_once(windows: Windows, engine: RecordingEngine) -> None:
    windows.render_view(SAMPLES["11-ask-control"])
    windows.main.language_chosen.emit("en")
    assert engine.arguments("set_language") == [("de",), ("en",)]
    assert windows.question is not None
    for text, window in (
        ("Your screen", windows.main),
        ("sees your screen", windows.bar),
        ("mouse and keyboard", windows.question),
    ):
        assert text in shown(window)
    assert windows.tray.end_session.text() == "End session"
    windows.question.reject()
    assert engine.arguments("answer")[0][3] == "en"


def test_a_question_that_is_gone_closes_without_an_answer(windows: Windows, engine: RecordingEngine) -> None:
    windows.render_view(SAMPLES["08-ask-view"])
    windows.render_view(SAMPLES["07-session-chat"])
    assert windows.question is None
    assert engine.names()[-2:] == ["hold_input", "release_input"]


def test_an_answered_question_does_not_come_back(windows: Windows) -> None:
    windows.render_view(SAMPLES["08-ask-view"])
    assert windows.question is not None
    windows.question.reject()
    windows.render_view(SAMPLES["08-ask-view"])
    assert windows.question is None


def test_no_new_question_while_the_end_is_being_decided(windows: Windows) -> None:
    asking = replace(SAMPLES["11-ask-control"], confirming_end=True)
    windows.render_view(asking)
    assert windows.ending.isVisible()
    assert windows.question is None
    windows.render_view(replace(asking, confirming_end=False))
    assert windows.question is not None


def test_the_end_question(windows: Windows, engine: RecordingEngine) -> None:
    windows.render_view(SAMPLES["13-ending"])
    assert engine.arguments("hold_input") == [("ending",)]
    windows.ending.cancel.click()
    windows.ending.close()
    windows.ending.confirm.click()
    windows.render_view(SAMPLES["12-controlled"])
    asked = ["cancel_end", "cancel_end", "confirm_end", "release_input"]
    assert [name for name in engine.names() if name in asked] == asked


def test_the_code_field_sends_nine_digits_or_says_what_is_missing(
    windows: Windows, engine: RecordingEngine, application: QApplication
) -> None:
    page = windows.main.code
    QTest.keyClicks(page.field, "12 34x")
    page.submit.click()
    assert TEXTS["de"].code_incomplete in shown(windows.main)
    assert page.field.text() == "123 4"
    page.field.clear()
    application.clipboard().setText("Code: 123-456-789")
    page.field.paste()
    assert page.field.text() == "123 456 789"
    QTest.keyClick(page.field, Qt.Key.Key_Return)
    assert engine.arguments("look_up") == [("123456789",)]


def test_digits_can_be_corrected_in_the_middle(windows: Windows) -> None:
    field = windows.main.code.field
    field.enter("123456")
    field.setCursorPosition(2)
    QTest.keyClicks(field, "9")
    assert (field.text(), field.cursorPosition()) == ("129 345 6", 3)
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    assert (field.text(), field.cursorPosition()) == ("123 456", 2)


def test_a_code_that_came_along_is_looked_up_and_never_joined(engine: RecordingEngine) -> None:
    windows = Windows(engine, language="en", indicator_is_visible=lambda _: True, geometry_file=None)
    windows.open("beistand://join/123456789")
    assert engine.arguments("look_up") == [("123456789",)]
    assert "join" not in engine.names()
    windows.close()


def test_a_message_is_sent_once_and_shown_as_it_is(windows: Windows, engine: RecordingEngine) -> None:
    windows.render_view(SAMPLES["07-session-chat"])
    panel = windows.main.session.chat
    QTest.keyClicks(panel.field, "  <b>Hello</b> ")
    QTest.keyClick(panel.field, Qt.Key.Key_Return)
    panel.send.click()
    assert engine.arguments("send_chat") == [("<b>Hello</b>",)]
    assert "wird gesendet" in shown(panel)


@pytest.mark.parametrize("width", [720, 815, 940, 1277])
def test_no_message_is_cut_off(windows: Windows, width: int) -> None:
    view = SAMPLES["07-session-chat"]
    texts = ["wort " * 120, "x" * 4000, "a b\n" * 40, "https://drucker.example/" + "warteschlange" * 9]
    chat = tuple(replace(view.chat[0], id=str(number), text=text) for number, text in enumerate(texts))
    windows.main.resize(width, 500)
    windows.render_view(replace(view, chat=chat))
    QTest.qWait(50)
    for bubble in windows.main.findChildren(Bubble):
        words = bubble.words
        assert words.height() >= words.heightForWidth(words.width()) > 0, words.text()[:20]
        assert bubble.width() <= windows.main.session.chat.log.viewport().width()


def test_the_geometry_file_names_what_can_be_used(windows: Windows, tmp_path: Path) -> None:
    file = tmp_path / "geometry.json"
    wait_for(lambda: file.exists() and "join-code" in json.loads(file.read_text()))
    windows.render_view(SAMPLES["12-controlled"])
    wait_for(lambda: "bar.stop-control" in json.loads(file.read_text()))
    found = json.loads(file.read_text())
    assert found["stop-control"] == found["bar.stop-control"]
    assert "join-code" not in found
    assert {
        "main.end-session",
        "bar.end-session",
        "bar.stop-sharing",
        "chat-input",
        "chat-log",
    } <= found.keys()
    windows.close()
    assert json.loads(file.read_text()) == {}
    assert [each.name for each in tmp_path.iterdir()] == ["geometry.json"]


def _driven(view: View, *, lasted_s: int, clicks: int) -> View:
    done = InputCounts(clicks=clicks)
    accesses = (replace(access, lasted_s=lasted_s, input=done) for access in view.accesses)
    return replace(view, accesses=tuple(accesses))


def test_counts_run_before_the_eye_and_not_in_the_ear(windows: Windows) -> None:
    view = SAMPLES["12-controlled"]
    labels = [
        windows.bar.since,
        windows.main.session.control_row.since,
    ]
    heard: list[list[str]] = []
    for second in range(180, 300):
        windows.render_view(_driven(view, lasted_s=second, clicks=second))
        assert f"{second} Klicks" in labels[0].text()
        assert f"{second} Klicks" in labels[1].text()
        heard.append([label.accessibleName() for label in labels])
    assert all(all(names) for names in heard)
    assert sum(before != after for before, after in pairwise(heard)) == 1, "once a minute at most"


def test_each_of_two_helpers_is_named_with_what_they_did(windows: Windows) -> None:
    windows.render_view(SAMPLES["20-two-helpers"])
    for window in (windows.bar, windows.main):
        assert "Anna Weber – " in shown(window)
        assert "Boris Çelik – " in shown(window)
    assert "seit 3 Min. – 14 Klicks, 120 Tasten" in shown(windows.main)
    assert "Boris Çelik – 1 Taste" in shown(windows.bar)


def test_the_last_page_tells_what_was_used(windows: Windows) -> None:
    windows.render_view(SAMPLES["16-ended-customer"])
    assert "Anna Weber konnte Ihren Bildschirm 7 Minuten lang sehen." in shown(windows.main)
    windows.render_view(SAMPLES["17-ended-technician"])
    assert windows.main.ended.used.isHidden()


def test_the_bars_buttons_stay_where_they_are_while_its_words_change(windows: Windows) -> None:
    """A hand on its way to "stop" would press "end" otherwise, or nothing."""
    view = next(view for view in SAMPLES.values() if len(view.accesses) == 2 and not view.confirming_end)
    bar = windows.bar

    def places() -> list[QPoint]:
        return [each.mapToGlobal(QPoint(0, 0)) for each in (bar.stop_sharing, bar.end_session)]

    windows.render_view(view)
    before, size = places(), bar.size()
    busy = tuple(
        replace(access, input=InputCounts(moves=10**6, clicks=12345, wheel_steps=12345, keys=123456))
        for access in view.accesses
    )
    sizes = []
    for other in (replace(view, accesses=busy), replace(view, hand_first=True), replace(view, stop_key=None)):
        windows.render_view(other)
        sizes.append(bar.size())
        assert places() == before
    assert any(other != size for other in sizes), "the words did change the bar"
