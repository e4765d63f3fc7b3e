"""The customer's own program in the demo: a plain note window that also writes what it holds to a file.

Usage: python -m demo.notes FILE
"""

import sys
from pathlib import Path

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QPlainTextEdit


def main() -> int:
    """Show the window until it is closed."""
    file = Path(sys.argv[1])
    app = QApplication(sys.argv[:1])
    notes = QPlainTextEdit()
    notes.setWindowTitle("Notizen")
    notes.setFont(QFont("DejaVu Sans", 14))
    notes.setStyleSheet(
        "QPlainTextEdit { background: #fff8dc; color: #1f2933; padding: 12px; border: none; }"
    )
    notes.textChanged.connect(lambda: file.write_text(notes.toPlainText(), encoding="utf-8"))
    notes.setGeometry(30, 200, 430, 560)
    notes.show()
    file.write_text("", encoding="utf-8")
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
