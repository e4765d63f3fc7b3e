"""What happened while nobody was here: on the screen until the person has seen it."""

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QWidget

from agent.port import Actions, Trouble, View, Visited
from agent.ui import icons, theme
from agent.ui.main_window import IN_SESSION
from agent.ui.plaintext import one_line
from agent.ui.terms import day_and_time
from agent.ui.texts import duration, summaries
from agent.ui.widgets import button, caption, column, drawing, label, row, say
from agent.ui.wording import Texts

_FLAGS = Qt.WindowType.Tool | Qt.WindowType.CustomizeWindowHint | Qt.WindowType.WindowTitleHint
_WIDTH, _EDGE = 560, 24


class Told(QWidget):
    """One thing at a time, the oldest first. Never in the way of a session, never put away unseen."""

    def __init__(self, actions: Actions) -> None:
        super().__init__(None, _FLAGS | Qt.WindowType.WindowStaysOnTopHint)
        self._actions = actions
        self._subject = ""
        self._folder = ""
        self.setObjectName("window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setWindowIcon(icons.icon("mark"))
        self.setFixedWidth(_WIDTH)
        self.title, self.when, self.reason, self.done = label("heading"), label(), label(), label()
        self.more = label("muted")
        self.visit_drawing = drawing("clock", size=32, colour=theme.PRIMARY)
        self.trouble_drawing = drawing("problem", size=32, colour=theme.DANGER)
        self.receipt, self.seen = button("visit-receipt"), button("notice-seen", "primary")
        self._arrange()
        self.seen.clicked.connect(self._see)
        self.receipt.clicked.connect(self._show_receipt)

    def render_view(self, view: View, texts: Texts) -> None:
        """Draw the oldest thing that was not seen yet; without one, or in a session, nothing is there."""
        news: list[Trouble | Visited] = [*view.troubles, *view.visited]
        if not news or view.phase in IN_SESSION:
            self.hide()
            return
        self.setWindowTitle(texts.standing.told_window)
        first = news[0]
        is_visit = isinstance(first, Visited)
        self.done.setVisible(is_visit)
        self.visit_drawing.setVisible(is_visit)
        self.trouble_drawing.setVisible(not is_visit)
        if isinstance(first, Visited):
            self._render_visit(first, texts)
        else:
            self._subject, self._folder = first, ""
            problem = texts.standing.troubles[first]
            words = (problem.happened, problem.means, problem.advice)
            for part, text in zip((self.title, self.when, self.reason), words, strict=True):
                say(part, text)
        self.receipt.setVisible(bool(self._folder))
        caption(self.receipt, texts.ended_receipt_open)
        caption(self.seen, texts.dismiss)
        say(self.more, texts.standing.told_more.format(count=len(news) - 1))
        self.more.setVisible(len(news) > 1)
        self._place()
        if not self.isVisible():
            self.show()
            self.raise_()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Only "seen" takes it away."""
        event.ignore()

    def _render_visit(self, visit: Visited, texts: Texts) -> None:
        self._subject = visit.id
        self._folder = str(Path(visit.receipt).parent) if visit.receipt else ""
        said = texts.standing
        who = {
            "technician": one_line(visit.technician) or texts.someone,
            "organisation": one_line(visit.organisation),
        }
        seconds = max(0, round((visit.ended - visit.began).total_seconds()))
        say(self.title, said.visited.format(**who))
        when = day_and_time(texts, visit.began)
        say(self.when, said.visited_when.format(when=when, duration=duration(texts, seconds)))
        say(self.reason, said.visited_reason.format(reason=one_line(visit.reason)))
        say(self.done, "\n".join(summaries(texts, visit.used)) or said.visited_nothing)

    def _see(self) -> None:
        self._actions.seen(self._subject)

    def _show_receipt(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._folder))

    def _place(self) -> None:
        """At the bottom right, where notices are expected."""
        self.ensurePolished()
        self.setFixedHeight(self.heightForWidth(_WIDTH))
        room = QGuiApplication.primaryScreen().availableGeometry()
        self.move(
            max(room.left(), room.right() - _WIDTH - _EDGE),
            max(room.top(), room.bottom() - self.height() - 2 * _EDGE),
        )

    def _arrange(self) -> None:
        inside = column(self, gap=1)
        inside.setContentsMargins(*[3 * theme.GAP] * 4)
        top = row()
        for picture in (self.visit_drawing, self.trouble_drawing):
            top.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        words = column(gap=1)
        for part in (self.title, self.when, self.reason, self.done, self.more):
            words.addWidget(part)
        top.addLayout(words, 1)
        inside.addLayout(top)
        inside.addSpacing(theme.GAP)
        choices = row()
        choices.addWidget(self.receipt)
        choices.addStretch(1)
        choices.addWidget(self.seen)
        inside.addLayout(choices)
