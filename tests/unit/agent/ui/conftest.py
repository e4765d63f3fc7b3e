"""One QApplication without a screen; a Qt warning or an exception in a slot fails the test it happened in."""

import os
import sys
from collections.abc import Iterator
from types import TracebackType

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import pytest
from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from agent.ui.app import make_application
from tests.unit.agent.ui.recorder import RecordingEngine

_MISSING_OFFSCREEN = "This plugin does not support"


@pytest.fixture(scope="session")
def application() -> QApplication:
    return make_application()


@pytest.fixture
def engine() -> RecordingEngine:
    return RecordingEngine()


@pytest.fixture(autouse=True)
def _nothing_unexpected(application: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    unexpected: list[str] = []

    def heard(_kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
        if not message.startswith(_MISSING_OFFSCREEN):
            unexpected.append(message)

    def raised(kind: type[BaseException], error: BaseException, _where: TracebackType | None) -> None:
        unexpected.append(f"{kind.__name__}: {error}")

    before = qInstallMessageHandler(heard)
    monkeypatch.setattr(sys, "excepthook", raised)
    yield
    application.processEvents()
    qInstallMessageHandler(before)
    assert unexpected == []
