"""How the windows look: colours, sizes, contrasts. Knows no window and no text; the sheet is beside it.

Light, calm, large. Every pair of colours that carries meaning is listed in `PAIRS` with the contrast it
must have (WCAG 2.2 AA: 4.5 for text, 3 for edges of controls and for the focus mark); a test computes them.
"""

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from agent.ui.stylesheet import SHEET

ICONS: Final = Path(__file__).parent / "icons"

INK: Final = "#17212b"
MUTED: Final = "#4b5966"
PAPER: Final = "#f3f6f8"
CARD: Final = "#ffffff"
LINE: Final = "#d5dde4"
FIELD_LINE: Final = "#73818e"
PRIMARY: Final = "#0b5a73"
PRIMARY_DARK: Final = "#08465a"
PRIMARY_TINT: Final = "#e2f0f4"
ON_DARK: Final = "#ffffff"
ON_DARK_MUTED: Final = "#dce8ee"
DANGER: Final = "#a8231b"
DANGER_DARK: Final = "#821912"
DANGER_TINT: Final = "#fdeceb"
DANGER_INK: Final = "#7a150f"
WARNING_TINT: Final = "#fff3d4"
WARNING_LINE: Final = "#e0b04a"
WARNING_INK: Final = "#573900"
CALM: Final = "#1d6b3f"
CALM_TINT: Final = "#e4f4ea"
LIVE: Final = "#9a4a00"
LIVE_TINT: Final = "#fdeedd"
FOCUS: Final = "#f2a900"
DISABLED: Final = "#e6ebef"
DISABLED_INK: Final = "#55626e"
BAR_VIEW: Final = "#0a3d4f"
BAR_CONTROL: Final = "#7a3200"
BAR_PAUSED: Final = "#37424c"

TEXT, EDGE = 4.5, 3.0
PAIRS: Final = (
    (INK, PAPER, TEXT),
    (INK, CARD, TEXT),
    (INK, PRIMARY_TINT, TEXT),
    (MUTED, PAPER, TEXT),
    (MUTED, CARD, TEXT),
    (MUTED, PRIMARY_TINT, TEXT),
    (PRIMARY, CARD, TEXT),
    (PRIMARY, PAPER, TEXT),
    (PRIMARY, PRIMARY_TINT, TEXT),
    (ON_DARK, PRIMARY, TEXT),
    (ON_DARK, PRIMARY_DARK, TEXT),
    (ON_DARK, DANGER, TEXT),
    (ON_DARK, DANGER_DARK, TEXT),
    (DANGER, CARD, TEXT),
    (DANGER_INK, DANGER_TINT, TEXT),
    (DANGER, DANGER_TINT, TEXT),
    (WARNING_INK, WARNING_TINT, TEXT),
    (CALM, CALM_TINT, TEXT),
    (CALM, CARD, TEXT),
    (LIVE, LIVE_TINT, TEXT),
    (LIVE, CARD, TEXT),
    (DISABLED_INK, DISABLED, TEXT),
    (ON_DARK, BAR_VIEW, TEXT),
    (ON_DARK, BAR_CONTROL, TEXT),
    (ON_DARK, BAR_PAUSED, TEXT),
    (ON_DARK_MUTED, BAR_VIEW, TEXT),
    (ON_DARK_MUTED, BAR_CONTROL, TEXT),
    (ON_DARK_MUTED, BAR_PAUSED, TEXT),
    (INK, ON_DARK, TEXT),
    (FIELD_LINE, CARD, EDGE),
    (FIELD_LINE, PAPER, EDGE),
    (FOCUS, PRIMARY, EDGE),
    (FOCUS, DANGER, EDGE),
    (FOCUS, BAR_VIEW, EDGE),
    (FOCUS, BAR_CONTROL, EDGE),
    (FOCUS, BAR_PAUSED, EDGE),
)
"""(foreground, background, least contrast)."""

GAP: Final = 8
"""The unit of all distances, in device-independent pixels."""
CONTROL_HEIGHT: Final = 30
"""Least inner height of a button or field; with padding and edge 48, above WCAG's 44."""
RADIUS: Final = 8
COLUMN: Final = 680
"""Widest line of text on a page."""
SMALLEST_TEXT: Final = 12.0
"""Points of running text, whatever the system says."""


def apply(application: QApplication) -> None:
    """Give the whole application this look; fonts stay the system's, only never too small."""
    application.setStyle(QStyleFactory.create("Fusion"))
    application.styleHints().setColorScheme(Qt.ColorScheme.Light)
    application.setPalette(_palette())
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setPointSizeF(max(SMALLEST_TEXT, font.pointSizeF()))
    application.setFont(font)
    application.setStyleSheet(stylesheet(font.pointSizeF()))


def stylesheet(text_size: float) -> str:
    """The stylesheet for running text of `text_size` points."""
    sizes = {f"size_{name}": f"{text_size * factor:.1f}pt" for name, factor in _SIZES.items()}
    constants = {name.lower(): value for name, value in globals().items() if name.isupper()}
    return SHEET.substitute(constants, **sizes, icons=ICONS.as_posix())


def _palette() -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: PAPER,
        QPalette.ColorRole.Base: CARD,
        QPalette.ColorRole.Button: CARD,
        QPalette.ColorRole.WindowText: INK,
        QPalette.ColorRole.Text: INK,
        QPalette.ColorRole.ButtonText: INK,
        QPalette.ColorRole.PlaceholderText: MUTED,
        QPalette.ColorRole.Highlight: PRIMARY,
        QPalette.ColorRole.HighlightedText: ON_DARK,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    return palette


_SIZES: Final = {"small": 0.88, "text": 1.0, "strong": 1.12, "heading": 1.35, "title": 1.75, "code": 2.1}
