"""Messages with the technician: bubbles that show plain text only, and the field to write in."""

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QScrollArea, QWidget

from agent.port import Actions, ChatEntry, View
from agent.ui import theme
from agent.ui.plaintext import breakable, lines, one_line
from agent.ui.texts import time_of_day
from agent.ui.widgets import button, caption, card, column, label, row, say
from agent.ui.wording import Texts
from beistand.protocol.messages import MAX_CHAT, Party

_SIDES = {
    Party.CUSTOMER: Qt.AlignmentFlag.AlignRight,
    Party.TECHNICIAN: Qt.AlignmentFlag.AlignLeft,
    Party.SYSTEM: Qt.AlignmentFlag.AlignHCenter,
}
_LEAST, _SLACK = 96, 4
"""Least width of a message; room for the fractions of a pixel that measured and drawn widths differ by."""


class Bubble(QWidget):
    """One message with its author and time above it."""

    def __init__(self, entry: ChatEntry) -> None:
        super().__init__()
        self._text = breakable(lines(entry.text))
        self._drawn: tuple[ChatEntry, Texts] | None = None
        self.about, self.words, frame = label("small"), label(), QFrame()
        self.words.setText(self._text)
        frame.setProperty("bubble", entry.party.value)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        inside = column(self, gap=0)
        inside.setSpacing(2)
        self.about.setAlignment(_SIDES[entry.party])
        inside.addWidget(self.about)
        inside.addWidget(frame, 0, _SIDES[entry.party])
        framed = column(frame, gap=0)
        framed.setContentsMargins(12, 8, 12, 8)
        framed.addWidget(self.words)

    def render_entry(self, entry: ChatEntry, texts: Texts) -> None:
        """Draw who wrote it, when, and whether it has arrived; nothing if that is drawn already."""
        if self._drawn == (entry, texts):
            return
        self._drawn = (entry, texts)
        author = texts.chat_you if entry.party is Party.CUSTOMER else one_line(entry.author)
        parts = [author, time_of_day(texts, entry.at), "" if entry.delivered else texts.chat_pending]
        say(self.about, " · ".join(part for part in parts if part))
        self.words.setAccessibleName(f"{author}: {entry.text}")

    def fit(self, width: int) -> None:
        """As wide as its text, at most four fifths of `width`."""
        most = max(_LEAST, width * 4 // 5)
        bounds = QRect(0, 0, most - _SLACK, 1_000_000)
        measured = self.words.fontMetrics().boundingRect(bounds, Qt.TextFlag.TextWordWrap, self._text)
        own = min(most, measured.width() + _SLACK)
        self.words.setMinimumSize(0, 0)  # a label takes its last width for the least it can be asked about
        self.words.setFixedSize(own, self.words.heightForWidth(own))


class ChatLog(QScrollArea):
    """All messages, oldest first; stays at the newest unless the person has scrolled up."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("chat-log")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._bubbles: dict[str, Bubble] = {}
        holder = QWidget()
        holder.setObjectName("bubbles")
        self._list = column(holder, gap=1)
        self._list.setContentsMargins(0, 0, theme.GAP, 0)
        self._list.addStretch(1)
        self.setWidget(holder)
        self._is_at_end = True
        self.verticalScrollBar().rangeChanged.connect(self._follow)
        self.verticalScrollBar().valueChanged.connect(self._remember)

    def render_entries(self, entries: tuple[ChatEntry, ...], texts: Texts) -> None:
        """Draw these entries; known ones are kept."""
        self.setAccessibleName(texts.chat_log)
        for gone in self._bubbles.keys() - {entry.id for entry in entries}:
            self._drop(gone)
        for entry in entries:
            bubble = self._bubbles.get(entry.id) or self._add(entry)
            bubble.render_entry(entry, texts)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Let the bubbles follow the width."""
        super().resizeEvent(event)
        for bubble in self._bubbles.values():
            bubble.fit(self._width())

    def _add(self, entry: ChatEntry) -> Bubble:
        bubble = self._bubbles[entry.id] = Bubble(entry)
        self._list.addWidget(bubble)
        bubble.words.ensurePolished()
        bubble.fit(self._width())
        return bubble

    def _drop(self, entry_id: str) -> None:
        bubble = self._bubbles.pop(entry_id)
        self._list.removeWidget(bubble)
        bubble.deleteLater()

    def _width(self) -> int:
        return self.viewport().width() - theme.GAP

    def _follow(self, _lowest: int, highest: int) -> None:
        if self._is_at_end:
            self.verticalScrollBar().setValue(highest)

    def _remember(self, value: int) -> None:
        self._is_at_end = value >= self.verticalScrollBar().maximum() - theme.GAP


class ChatPanel(QFrame):
    """The messages and the field below them."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self.title, self.empty, self.log = label("strong"), label("muted"), ChatLog()
        self.field, self.send = QLineEdit(), button("chat-send", "primary")
        self.field.setObjectName("chat-input")
        self.field.setMaxLength(MAX_CHAT)
        self._arrange()
        self.send.clicked.connect(self._send)
        self.field.returnPressed.connect(self._send)

    def render_view(self, view: View, texts: Texts) -> None:
        """Draw the messages so far."""
        say(self.title, texts.chat_title)
        say(self.empty, texts.chat_empty)
        self.empty.setVisible(not view.chat)
        self.log.render_entries(view.chat, texts)
        self.field.setPlaceholderText(texts.chat_input)
        self.field.setAccessibleName(texts.chat_input)
        caption(self.send, texts.chat_send)

    def _send(self) -> None:
        text = self.field.text().strip()
        if text:
            self._actions.send_chat(text)
            self.field.clear()
        self.field.setFocus()

    def _arrange(self) -> None:
        sheet, inside = card(gap=1)
        inside.setContentsMargins(*[2 * theme.GAP] * 4)
        for part in (self.title, self.empty):
            inside.addWidget(part)
        inside.addWidget(self.log, 1)
        entry = row(gap=1)
        entry.addWidget(self.field, 1)
        entry.addWidget(self.send)
        inside.addLayout(entry)
        column(self, gap=0).addWidget(sheet)
