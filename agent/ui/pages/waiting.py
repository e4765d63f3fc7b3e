"""The pages on which there is nothing to do but wait: connecting, and connecting again."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from agent.port import Phase, View
from agent.ui.plaintext import one_line
from agent.ui.widgets import Busy, card, column, label, say
from agent.ui.wording import Texts


class WaitingPage(QWidget):
    """What is going on, with whom, and that nothing is shared meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.title, self.words, self.people = label("title"), label(), label("muted")
        sheet, inside = card()
        inside.addWidget(Busy(), 0, Qt.AlignmentFlag.AlignHCenter)
        for part in (self.title, self.words, self.people):
            part.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            inside.addWidget(part)
        page = column(self)
        page.addStretch(1)
        page.addWidget(sheet)
        page.addStretch(2)

    def render_view(self, view: View, texts: Texts) -> None:
        """Draw the phases JOINING and RECONNECTING."""
        is_joining = view.phase is Phase.JOINING
        say(self.title, texts.joining_title if is_joining else texts.reconnecting_title)
        say(self.words, texts.joining_text if is_joining else texts.reconnecting_text)
        people = (one_line(view.technician), one_line(view.organisation))
        say(self.people, " · ".join(name for name in people if name))
