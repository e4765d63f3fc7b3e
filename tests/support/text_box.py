"""A real Qt text field as a program of its own: prints its text as one JSON line after each change.

python -m tests.support.text_box
"""

import json
import sys

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPlainTextEdit


def tell(what: str | int) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    application = QApplication([])
    box = QPlainTextEdit()
    box.setWindowTitle("text box")
    box.setWindowFlag(Qt.WindowType.X11BypassWindowManagerHint)
    box.setGeometry(0, 0, 600, 400)
    box.textChanged.connect(lambda: tell(box.toPlainText()))
    box.show()
    box.activateWindow()
    tell(int(box.winId()))
    sys.exit(application.exec())


if __name__ == "__main__":
    main()
