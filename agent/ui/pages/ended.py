"""The last page: who ended the session and why, what was used, that nobody sees this computer, the proof."""

from pathlib import Path

from PySide6.QtCore import QUrl, SignalInstance
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from agent.port import Actions, View
from agent.ui import theme
from agent.ui.plaintext import one_line
from agent.ui.texts import summaries
from agent.ui.widgets import Callout, button, caption, card, column, label, row, say
from agent.ui.wording import Texts


class EndedPage(QWidget):
    """What happened; start again, or close."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.title, self.cause, self.safe = label("title"), label(), Callout("calm")
        self.used = label()
        self.receipt, self.receipt_open = label(), button("receipt-open")
        self.receipt_open.clicked.connect(self._show_receipt)
        self._folder = ""
        self.start_over, self.leave = button("start-over", "primary"), button("quit")
        self.start_over.clicked.connect(actions.start_over)
        self._arrange()

    @property
    def left(self) -> SignalInstance:
        """The person wants to close Beistand."""
        return self.leave.clicked

    def render_view(self, view: View, texts: Texts) -> None:
        """Draw the phase ENDED."""
        headline = texts.ended_by[view.ended_by] if view.ended_by else texts.ended_unknown
        say(self.title, headline.format(technician=one_line(view.technician) or texts.someone))
        say(self.cause, texts.causes[view.ended_cause] if view.ended_cause else "")
        self.cause.setVisible(view.ended_cause is not None)
        self.safe.say("", texts.ended_safe)
        say(self.used, "\n".join(summaries(texts, view.used)))
        self.used.setVisible(bool(view.used))
        self._folder = str(Path(view.receipt).parent) if view.receipt else ""
        say(self.receipt, texts.ended_receipt.format(path=view.receipt))
        caption(self.receipt_open, texts.ended_receipt_open)
        for part in (self.receipt, self.receipt_open):
            part.setVisible(bool(view.receipt))
        caption(self.start_over, texts.ended_start_over)
        caption(self.leave, texts.ended_close)

    def _show_receipt(self) -> None:
        """Open the folder with the person's own file manager."""
        if self._folder:
            QDesktopServices.openUrl(QUrl.fromLocalFile(self._folder))

    def _arrange(self) -> None:
        sheet, inside = card()
        for part in (self.title, self.cause, self.safe, self.used, self.receipt, self.receipt_open):
            inside.addWidget(part)
        choices = row()
        choices.addWidget(self.leave, 1)
        choices.addWidget(self.start_over, 1)
        inside.addSpacing(theme.GAP)
        inside.addLayout(choices)
        page = column(self)
        page.addStretch(1)
        page.addWidget(sheet)
        page.addStretch(2)
