"""Small building blocks of the windows: labels that never read rich text, buttons, coloured frames."""

from typing import Literal, TypeVar

from PySide6.QtCore import QRectF, QSize, Qt, QTimerEvent
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from agent.ui import icons, theme
from agent.ui.plaintext import breakable, lines

Role = Literal["text", "brand", "title", "heading", "strong", "muted", "small", "name", "alert"]
Kind = Literal["plain", "primary", "danger", "quiet"]
Tone = Literal["warning", "problem", "notice", "calm"]
L = TypeVar("L", bound=QBoxLayout)

_TONES: dict[Tone, tuple[str, str]] = {
    "warning": ("warning", theme.WARNING_INK),
    "problem": ("problem", theme.DANGER),
    "notice": ("information", theme.PRIMARY),
    "calm": ("shield", theme.CALM),
}


def label(role: Role = "text") -> QLabel:
    """A wrapping label; whatever it is given, it shows letter by letter."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(True)
    made.setProperty("role", role)
    return made


def say(target: QLabel, text: str) -> None:
    """Show `text`, also if it is hostile: no markup, no reordering, no unbreakable line."""
    target.setText(breakable(lines(text)))


def say_quietly(target: QLabel, text: str, *, turn: str) -> None:
    """Show `text`, however often it changes; screen readers hear of it only when `turn` is another."""
    if target.property("turn") != turn:
        target.setProperty("turn", turn)
        target.setAccessibleName(text)
    say(target, text)


def button(name: str, kind: Kind = "plain") -> QPushButton:
    """A push button with its object name; its text comes with `caption`."""
    made = QPushButton()
    made.setObjectName(name)
    made.setProperty("kind", kind)
    made.setAutoDefault(False)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    return made


def caption(target: QPushButton, text: str) -> None:
    """Show `text` on the button and tell it to screen readers."""
    target.setText(text)
    target.setAccessibleName(text)


def drawing(name: str, *, size: int, colour: str = theme.INK) -> QLabel:
    """A drawing beside a text that says the same, so screen readers pass over it."""
    made = QLabel()
    made.setPixmap(icons.pixmap(name, size=size, colour=colour, ratio=2.0))
    made.setFixedSize(QSize(size, size))
    return made


def column(parent: QWidget | None = None, *, gap: int = 2) -> QVBoxLayout:
    """A vertical layout without edges; `gap` in units of the theme."""
    return _bare(QVBoxLayout(parent) if parent else QVBoxLayout(), gap)


def row(parent: QWidget | None = None, *, gap: int = 2) -> QHBoxLayout:
    """A horizontal layout without edges; `gap` in units of the theme."""
    return _bare(QHBoxLayout(parent) if parent else QHBoxLayout(), gap)


def card(*, gap: int = 2) -> tuple[QFrame, QVBoxLayout]:
    """A white sheet and the layout inside it."""
    frame = QFrame()
    frame.setProperty("role", "card")
    inside = column(frame, gap=gap)
    inside.setContentsMargins(*[3 * theme.GAP] * 4)
    return frame, inside


def mark(target: QWidget, name: str, value: str) -> None:
    """Set a property the stylesheet looks at, and draw accordingly."""
    if target.property(name) == value:
        return
    target.setProperty(name, value)
    target.style().unpolish(target)
    target.style().polish(target)


def page(content: QWidget, *, footer: QWidget | None = None) -> QWidget:
    """`content` in a column of comfortable width that scrolls on a small screen; `footer` never does."""
    whole = QWidget()
    inside = column(whole, gap=0)
    inside.addWidget(scrolling(_centred(content)), 1)
    if footer is not None:
        inside.addWidget(_centred(footer))
    return whole


def scrolling(content: QWidget) -> QScrollArea:
    """`content` in a scroll area that never scrolls sideways."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    return area


class Callout(QFrame):
    """A tinted box with a drawing, a strong first sentence and an explanation."""

    def __init__(self, tone: Tone) -> None:
        super().__init__()
        self.setProperty("role", tone)
        inside = row(self, gap=2)
        inside.setContentsMargins(2 * theme.GAP, theme.GAP + 4, 2 * theme.GAP, theme.GAP + 4)
        name, colour = _TONES[tone]
        inside.addWidget(drawing(name, size=28, colour=colour), 0, Qt.AlignmentFlag.AlignTop)
        words = column(gap=0)
        words.setSpacing(3)
        self.first, self.more = label("strong"), label()
        words.addWidget(self.first)
        words.addWidget(self.more)
        inside.addLayout(words, 1)
        self._inside = inside

    def add(self, widget: QWidget) -> None:
        """Put `widget` at the end of the box."""
        self._inside.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)

    def say(self, first: str, more: str = "") -> None:
        """Show the two texts; an empty one takes no room."""
        for target, text in ((self.first, first), (self.more, more)):
            say(target, text)
            target.setVisible(bool(text))


class Busy(QWidget):
    """Three calm dots that tell that something is going on; drawn only while visible."""

    _STEP_MS = 280

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(72, 20)
        self._step = 0
        self.startTimer(self._STEP_MS)

    def timerEvent(self, _: QTimerEvent) -> None:  # noqa: N802
        """One dot further."""
        self._step = (self._step + 1) % 3
        self.update()

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        """Draw the dots, the present one dark."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for position in range(3):
            colour = theme.PRIMARY if position == self._step else theme.LINE
            painter.setBrush(QColor(colour))
            painter.drawEllipse(QRectF(4 + position * 26, 4, 12, 12))


def _centred(content: QWidget) -> QWidget:
    holder = QWidget()
    holder.setObjectName("column")
    across = row(holder, gap=0)
    content.setMaximumWidth(theme.COLUMN)
    content.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    across.setContentsMargins(3 * theme.GAP, theme.GAP, 3 * theme.GAP, theme.GAP)
    across.addStretch(1)
    across.addWidget(content, 100)
    across.addStretch(1)
    return holder


def _bare(layout: L, gap: int) -> L:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(gap * theme.GAP)
    return layout
