"""What the person allowed for the time when nobody sits here, and the ways to take it back."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from agent.port import Actions, Unattended
from agent.ui import theme
from agent.ui.plaintext import one_line
from agent.ui.terms import rules
from agent.ui.widgets import button, caption, column, drawing, label, row, say
from agent.ui.wording import Texts


class StandingCard(QFrame):
    """Draws the permission; pausing is done at once, going on and the rest by a whole click."""

    withdraw_wanted = Signal()
    uninstall_wanted = Signal()

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.title, self.state, self.rules = label("heading"), label("strong"), label()
        self.pause, self.resume = button("pause-unattended"), button("resume-unattended")
        self.withdraw = button("withdraw-unattended", "danger")
        self.uninstall = button("uninstall", "quiet")
        self.pause.pressed.connect(actions.pause_unattended)
        self.resume.clicked.connect(actions.resume_unattended)
        self.withdraw.clicked.connect(self.withdraw_wanted)
        self.uninstall.clicked.connect(self.uninstall_wanted)
        self._arrange()

    def render_standing(self, standing: Unattended | None, texts: Texts) -> None:
        """Draw this permission; without one there is nothing to see."""
        self.setVisible(standing is not None)
        if standing is None:
            return
        if standing.paused and self.pause.hasFocus():
            # Else the focus would go on to the next button, which takes everything back.
            self.resume.setVisible(True)
            self.resume.setFocus()
        said = texts.standing
        say(self.title, said.title.format(organisation=one_line(standing.organisation)))
        say(self.state, state_of(standing, texts))
        say(self.rules, "\n".join(rules(texts, standing.terms, organisation=standing.organisation)))
        self.pause.setVisible(not standing.paused)
        self.resume.setVisible(standing.paused)
        caption(self.pause, said.pause)
        caption(self.resume, said.resume)
        caption(self.withdraw, said.withdraw)
        caption(self.uninstall, said.uninstall)

    def _arrange(self) -> None:
        inside = column(self, gap=1)
        inside.setContentsMargins(*[2 * theme.GAP] * 4)
        top = row()
        top.addWidget(drawing("clock", size=32, colour=theme.PRIMARY))
        top.addWidget(self.title, 1)
        inside.addLayout(top)
        inside.addWidget(self.state)
        inside.addWidget(self.rules)
        choices = row()
        for choice in (self.pause, self.resume, self.withdraw):
            choices.addWidget(choice)
        choices.addStretch(1)
        choices.addWidget(self.uninstall)
        inside.addSpacing(theme.GAP)
        inside.addLayout(choices)


def state_of(standing: Unattended, texts: Texts) -> str:
    """Whether a technician could come in now, in a sentence."""
    if standing.paused:
        return texts.standing.paused
    return texts.standing.reachable if standing.online else texts.standing.unreachable
