"""Who is asking, before anything happens: join, or not."""

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from agent.port import Actions, View
from agent.ui import theme
from agent.ui.plaintext import one_line
from agent.ui.widgets import Callout, button, caption, card, column, drawing, label, row, say
from agent.ui.wording import Texts


class ConfirmPage(QWidget):
    """Organisation and technician in large letters, a warning against scams, two buttons."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.title, self.following = label("title"), label()
        self.technician_label, self.technician = label("small"), label("name")
        self.organisation_label, self.organisation = label("small"), label("name")
        self.warning = Callout("warning")
        self.join, self.decline = button("join-confirm", "primary"), button("join-decline")
        self.footer = QWidget()
        self._arrange()
        self.join.clicked.connect(actions.join)
        self.decline.clicked.connect(actions.decline)

    def render_view(self, view: View, texts: Texts) -> None:
        """Draw the phase CONFIRM."""
        say(self.title, texts.confirm_title)
        say(self.technician_label, texts.confirm_technician)
        say(self.technician, one_line(view.technician))
        say(self.organisation_label, texts.confirm_organisation)
        say(self.organisation, one_line(view.organisation))
        self.warning.say(texts.scam_title, texts.scam_text)
        say(self.following, texts.confirm_next)
        caption(self.join, texts.confirm_join)
        caption(self.decline, texts.confirm_decline)

    def _arrange(self) -> None:
        page = column(self, gap=2)
        page.addStretch(1)
        page.addWidget(self.title)
        page.addWidget(self._people())
        page.addWidget(self.warning)
        page.addWidget(self.following)
        page.addStretch(2)
        choices = row(self.footer)
        choices.addWidget(self.decline, 1)
        choices.addWidget(self.join, 1)

    def _people(self) -> QFrame:
        sheet, inside = card()
        inside.setContentsMargins(*[2 * theme.GAP] * 4)
        people = row(gap=2)
        people.addLayout(_fact("person", self.technician_label, self.technician), 2)
        people.addLayout(_fact("building", self.organisation_label, self.organisation), 3)
        inside.addLayout(people)
        return sheet


def _fact(name: str, heading: QLabel, value: QLabel) -> QHBoxLayout:
    line = row(gap=2)
    line.addWidget(drawing(name, size=36, colour=theme.PRIMARY))
    words = column(gap=0)
    words.addWidget(heading)
    words.addWidget(value)
    line.addLayout(words, 1)
    return line
