"""The Qt binding keeps count: one that drops references to None ends the agent in mid-session."""

import sys

import pytest
from PySide6.QtWidgets import QApplication, QLabel

pytestmark = pytest.mark.unit

CALLS = 500


def test_calling_qt_does_not_use_up_none(application: QApplication) -> None:
    label = QLabel()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        label.setText("x")
    assert sys.getrefcount(None) > before - CALLS // 2
    assert application is not None
