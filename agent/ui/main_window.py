"""The main window: a header that is always there, what there is to tell, and one page per phase."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QComboBox, QFrame, QStackedWidget, QWidget

from agent.port import Actions, Notice, Phase, View
from agent.ui import icons, theme
from agent.ui.pages.code import CodePage
from agent.ui.pages.confirm import ConfirmPage
from agent.ui.pages.ended import EndedPage
from agent.ui.pages.session import SessionPage
from agent.ui.pages.waiting import WaitingPage
from agent.ui.texts import TEXTS, problem_of
from agent.ui.widgets import Callout, button, caption, column, drawing, label, page, row
from agent.ui.wording import Texts

IN_SESSION = frozenset({Phase.SESSION, Phase.RECONNECTING})
_Page = CodePage | ConfirmPage | WaitingPage | SessionPage | EndedPage
_SIZE, _SMALLEST = (940, 580), (720, 440)
_ABOVE = 100
"""What the indicator bar and the window's own frame need of a small screen's height."""


class MainWindow(QWidget):
    """Draws every `View`; closing it in a session asks whether to end the session."""

    language_chosen = Signal(str)
    quit_wanted = Signal()
    put_away = Signal()
    """Closed, while the program goes on."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self._view = View()
        self.setObjectName("window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowIcon(icons.icon("mark"))
        self.setMinimumSize(*_SMALLEST)
        room = self.screen().availableGeometry()
        self.resize(min(_SIZE[0], room.width()), min(_SIZE[1], room.height() - _ABOVE))
        self.language = self._languages()
        self.end_session = button("end-session", "danger")
        self.end_session.pressed.connect(actions.ask_end)
        self.problem, self.notice = Callout("problem"), Callout("notice")
        self.dismiss = button("notice-dismiss")
        self.code, self.confirm, self.waiting = CodePage(actions), ConfirmPage(actions), WaitingPage()
        self.session, self.ended = SessionPage(actions), EndedPage(actions)
        self._arrange()
        self._connect()

    def render_view(self, view: View, texts: Texts) -> None:
        """Draw this view in this language."""
        previous, self._view = self._view, view
        self.setWindowTitle(texts.title_main)
        self._render_header(view, texts)
        self._render_messages(previous, view, texts)
        self._pages[view.phase].render_view(view, texts)
        self.stack.setCurrentWidget(self._frames[view.phase])
        if view.phase is not previous.phase:
            self._turn_to(view.phase)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """In a session: ask. Otherwise: leave; only the window goes while somebody may come in."""
        event.ignore()
        if self._view.phase not in IN_SESSION and self._view.unattended is not None:
            self.hide()
            self.put_away.emit()
        else:
            self.leave()

    def leave(self) -> None:
        """End the program; in a session: ask."""
        if self._view.phase in IN_SESSION:
            self._actions.ask_end()
        else:
            self.quit_wanted.emit()

    def present(self) -> None:
        """Bring the window to the front."""
        self.showNormal()
        self.raise_()
        self.activateWindow()

    def _turn_to(self, phase: Phase) -> None:
        if phase is Phase.CODE:
            self.code.clear()
        first = self._ready.get(phase)
        if first is not None:
            first.setFocus()
        if phase is Phase.ENDED and self.isMinimized():
            self.showNormal()

    def _render_header(self, view: View, texts: Texts) -> None:
        self.language.setAccessibleName(texts.language_label)
        self.language.setToolTip(texts.language_label)
        self.language.setCurrentIndex(self.language.findData(texts.language))
        caption(self.end_session, texts.end_session)
        self.end_session.setVisible(view.phase in IN_SESSION)

    def _render_messages(self, previous: View, view: View, texts: Texts) -> None:
        if view.problem:
            problem = problem_of(texts, view.problem)
            self.problem.say(problem.happened, f"{problem.means} {problem.advice}")
        self.problem.setVisible(bool(view.problem))
        if view.notices:
            self.notice.say(texts.notices[Notice(view.notices[-1])])
        if view.notices != previous.notices or not view.notices:
            self.notice.setVisible(bool(view.notices))
        caption(self.dismiss, texts.dismiss)
        self.messages.setVisible(not (self.problem.isHidden() and self.notice.isHidden()))

    def _connect(self) -> None:
        self.dismiss.clicked.connect(self.notice.hide)
        self.ended.left.connect(self.close)
        self.language.activated.connect(
            lambda index: self.language_chosen.emit(self.language.itemData(index))
        )

    def _languages(self) -> QComboBox:
        chooser = QComboBox()
        chooser.setObjectName("language")
        for code, texts in TEXTS.items():
            chooser.addItem(texts.language_name, code)
        return chooser

    def _arrange(self) -> None:
        self._pages: dict[Phase, _Page] = {
            Phase.CODE: self.code,
            Phase.LOOKING_UP: self.code,
            Phase.CONFIRM: self.confirm,
            Phase.JOINING: self.waiting,
            Phase.SESSION: self.session,
            Phase.RECONNECTING: self.waiting,
            Phase.ENDED: self.ended,
        }
        self._ready: dict[Phase, QWidget] = {
            Phase.CODE: self.code.field,
            Phase.CONFIRM: self.confirm.decline,
            Phase.SESSION: self.session.chat.field,
            Phase.ENDED: self.ended.start_over,
        }
        self.stack = QStackedWidget()
        framed: dict[_Page, QWidget] = {
            self.code: page(self.code),
            self.confirm: page(self.confirm, footer=self.confirm.footer),
            self.waiting: page(self.waiting),
            self.session: self.session,
            self.ended: page(self.ended),
        }
        for frame in framed.values():
            self.stack.addWidget(frame)
        self._frames = {phase: framed[content] for phase, content in self._pages.items()}
        window = column(self, gap=0)
        window.addWidget(self._header())
        self.messages = self._messages()
        window.addWidget(self.messages)
        window.addWidget(self.stack, 1)

    def _header(self) -> QFrame:
        header = QFrame()
        header.setObjectName("header")
        inside = row(header, gap=2)
        inside.setContentsMargins(2 * theme.GAP, theme.GAP, 2 * theme.GAP, theme.GAP)
        brand = label("brand")
        brand.setText("Beistand")
        inside.addWidget(drawing("mark", size=36))
        inside.addWidget(brand, 1)
        inside.addWidget(self.end_session)
        inside.addSpacing(theme.GAP)
        inside.addWidget(drawing("globe", size=22, colour=theme.MUTED))
        inside.addWidget(self.language)
        return header

    def _messages(self) -> QWidget:
        holder = QWidget()
        inside = column(holder, gap=1)
        inside.setContentsMargins(2 * theme.GAP, theme.GAP, 2 * theme.GAP, 0)
        self.notice.add(self.dismiss)
        for box in (self.problem, self.notice):
            box.hide()
            inside.addWidget(box)
        return holder
