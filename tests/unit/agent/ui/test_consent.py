"""The question: a no is the easy answer, a yes takes a moment, and the words signed are the words shown."""

from time import monotonic

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from agent.port import Answer, Question
from agent.ui.consent import ARMING_MS, ConsentDialog
from agent.ui.plaintext import unbroken
from agent.ui.texts import TEXTS
from beistand.protocol.capabilities import Capability
from beistand.protocol.records import Language
from tests.unit.agent.ui.recorder import RecordingEngine
from tests.unit.agent.ui.waiting import wait_for

pytestmark = pytest.mark.unit

MARKUP = "<b>bold</b> <img src='http://x/y.png'> &amp; <script>alert(1)</script>"


def question(**changes: object) -> Question:
    facts: dict[str, object] = {
        "request_id": "request-1",
        "capability": Capability.VIEW,
        "organisation": "Beistand Demo",
        "technician": "Anna Weber",
        "reason": MARKUP,
        "duration_s": 3600,
        "answer_within_s": 60,
        "deadline": monotonic() + 60,
    }
    return Question(**(facts | changes))  # type: ignore[arg-type]


def opened(engine: RecordingEngine, asked: Question, language: Language = "en") -> ConsentDialog:
    dialog = ConsentDialog(asked, engine, answered=lambda: engine.record("answered"))
    dialog.render_texts(TEXTS[language])
    dialog.open_at(lambda window: window.move(10, 10))
    return dialog


def armed(engine: RecordingEngine, asked: Question) -> ConsentDialog:
    dialog = opened(engine, asked)
    wait_for(dialog.allow.isEnabled)
    return dialog


def test_input_is_held_before_it_is_shown_and_released_after_it_has_gone(engine: RecordingEngine) -> None:
    dialog = ConsentDialog(question(), engine, answered=lambda: None)
    seen: list[bool] = []
    engine.hold_input = lambda _holder: seen.append(dialog.isVisible())  # type: ignore[method-assign]
    engine.release_input = lambda _holder: seen.append(dialog.isVisible())  # type: ignore[method-assign]
    dialog.render_texts(TEXTS["en"])
    dialog.open_at(lambda _: None)
    assert dialog.isVisible()
    dialog.dismiss()
    assert seen == [False, False]


def test_allow_is_out_of_reach_at_first(engine: RecordingEngine) -> None:
    dialog = opened(engine, question())
    QTest.mouseClick(dialog.allow, Qt.MouseButton.LeftButton)
    assert not dialog.allow.isEnabled()
    assert "answer" not in engine.names()
    assert ARMING_MS >= 700
    dialog.dismiss()


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Escape])
def test_every_key_a_person_hits_in_haste_is_a_no(engine: RecordingEngine, key: Qt.Key) -> None:
    dialog = armed(engine, question())
    QTest.keyClick(dialog.focusWidget(), key)
    assert [each[1] for each in engine.arguments("answer")] == [Answer.DENY]


def test_closing_the_window_is_a_no(engine: RecordingEngine) -> None:
    opened(engine, question()).close()
    assert [each[1] for each in engine.arguments("answer")] == [Answer.DENY]


def test_allow_is_one_answer_with_the_words_shown(engine: RecordingEngine) -> None:
    dialog = armed(engine, question())
    text = dialog.shown_text()
    dialog.allow.click()
    dialog.allow.click()
    dialog.close()
    assert engine.arguments("answer") == [("request-1", Answer.ALLOW, text, "en")]
    assert engine.names()[-2:] == ["release_input", "answered"]


def test_a_keyboard_alone_can_allow(engine: RecordingEngine) -> None:
    dialog = armed(engine, question())
    QTest.keyClick(dialog.focusWidget(), Qt.Key.Key_Tab)
    assert dialog.focusWidget() is dialog.allow
    QTest.keyClick(dialog.focusWidget(), Qt.Key.Key_Return)
    assert [each[1] for each in engine.arguments("answer")] == [Answer.ALLOW]


def test_a_lasting_no_excludes_a_yes(engine: RecordingEngine) -> None:
    dialog = armed(engine, question())
    dialog.block.click()
    assert not dialog.allow.isEnabled()
    dialog.reject()
    assert [each[1] for each in engine.arguments("answer")] == [Answer.BLOCK]


def test_after_the_deadline_only_a_no_is_left_and_the_engine_decides(engine: RecordingEngine) -> None:
    dialog = opened(engine, question(deadline=monotonic() - 1))
    QTest.qWait(ARMING_MS + 100)
    assert not dialog.allow.isEnabled()
    assert "answer" not in engine.names()
    dialog.dismiss()


def test_the_reason_is_shown_letter_by_letter(engine: RecordingEngine) -> None:
    dialog = opened(engine, question())
    assert dialog.reason.textFormat() is Qt.TextFormat.PlainText
    assert MARKUP in unbroken(dialog.reason.text())
    dialog.dismiss()


def test_no_label_reads_rich_text(engine: RecordingEngine) -> None:
    dialog = opened(engine, question())
    assert {each.textFormat() for each in dialog.findChildren(QLabel) if each.text()} == {
        Qt.TextFormat.PlainText
    }
    dialog.dismiss()


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("capability", list(Capability))
def test_what_is_signed_is_all_that_is_shown(
    engine: RecordingEngine, capability: Capability, language: Language
) -> None:
    dialog = opened(engine, question(capability=capability), language)
    signed = dialog.shown_text()
    for each in _visible(dialog):
        if each is not dialog.left:
            assert unbroken(each.text()) in signed
    for fact in ("Anna Weber", "Beistand Demo", MARKUP):
        assert fact in signed
    dialog.dismiss()


def test_names_cannot_turn_the_text_around(engine: RecordingEngine) -> None:
    dialog = opened(engine, question(technician="Anna \u202erebeW", reason="a\u2066b\nc"))
    assert not set("\u202e\u2066") & set(dialog.shown_text())
    dialog.dismiss()


def _visible(dialog: QWidget) -> list[QLabel | QAbstractButton]:
    said = [*dialog.findChildren(QLabel), *dialog.findChildren(QAbstractButton)]
    return [each for each in said if each.isVisible() and each.text()]
