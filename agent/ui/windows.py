"""All windows together: draws every view on each, in one language, and decides which are on screen."""

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, QRect, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from agent.install.rights import Answer as Rights
from agent.port import Actions, Phase, View
from agent.ui.consent import ConsentDialog
from agent.ui.ending import EndingDialog
from agent.ui.geometry import GeometryFile
from agent.ui.handle import Handle
from agent.ui.indicator import IndicatorBar
from agent.ui.main_window import IN_SESSION, MainWindow
from agent.ui.taking_back import Uninstall, UninstallDialog, WithdrawDialog
from agent.ui.texts import TEXTS, language_of
from agent.ui.told import Told
from agent.ui.tray import Tray
from agent.ui.watch import IndicatorWatch
from agent.ui.wording import Texts
from beistand.protocol.records import Language


class Windows(QObject):
    """Owns every window; `left` is emitted when the person closes Beistand outside a session."""

    left = Signal()

    def __init__(
        self,
        actions: Actions,
        *,
        language: Language,
        indicator_is_visible: Callable[[int], bool],
        geometry_file: Path | None,
        uninstall: Uninstall = lambda: Rights.IMPOSSIBLE,
    ) -> None:
        super().__init__()
        self._actions, self._language, self._view = actions, language, View()
        self._answered: set[str] = set()
        self.bar = IndicatorBar(actions)
        actions.own_window(int(self.bar.winId()))
        actions.set_language(language)
        self.main, self.ending = MainWindow(actions), EndingDialog(actions)
        self.question: ConsentDialog | None = None
        self.withdrawing, self.uninstalling = WithdrawDialog(actions), UninstallDialog(actions, uninstall)
        self.told, self.handle = Told(actions), Handle(present=self.present)
        self.tray = Tray(
            actions,
            present=self.present,
            withdraw=self._ask_withdraw,
            uninstall=self._ask_uninstall,
            leave=self.main.leave,
        )
        self._watch = IndicatorWatch(self.bar, is_visible=indicator_is_visible, tell=actions.indicator_shown)
        self._geometry = GeometryFile(geometry_file, windows=self._stacked) if geometry_file else None
        for window in self._every():
            self._observe(window)
        self.main.code.standing.withdraw_wanted.connect(self._ask_withdraw)
        self.main.code.standing.uninstall_wanted.connect(self._ask_uninstall)
        self.main.put_away.connect(lambda: self.render_view(self._view))
        self.main.language_chosen.connect(self.choose_language)
        self.main.quit_wanted.connect(self.left)

    def present(self) -> None:
        """Bring the main window to the front; what a visit left there is told elsewhere until it is seen."""
        if self._view.phase is Phase.ENDED and self._view.is_unattended:
            self._actions.start_over()
        if not self.main.isVisible():
            self._place(self.main)
        self.main.present()
        self.render_view(self._view)

    def open(self, code: str | None) -> None:
        """Show the main window, with a code that came along."""
        self.render_view(self._view)
        self._place(self.main)
        self.main.show()
        self.main.code.field.setFocus()
        if code:
            self.main.code.look_up(code)

    @Slot(object)
    def render_view(self, view: View) -> None:
        """Draw this view everywhere."""
        is_news = bool(view.chat) and view.chat[-1].id not in {entry.id for entry in self._view.chat}
        self._view = view
        texts = TEXTS[self._language]
        self._render_bar(view)
        self._render_ending(view)
        self._render_question(view)
        self.main.render_view(view, texts)
        self.tray.render_view(view, texts)
        self._render_standing(view, texts)
        if is_news and not self.main.isActiveWindow():
            QApplication.alert(self.main)
        self._tell_geometry()

    @Slot(str)
    def choose_language(self, name: str) -> None:
        """Speak this language from now on, in every window."""
        self._language = language_of(name)
        self._actions.set_language(self._language)
        if self.question is not None:
            self.question.render_texts(TEXTS[self._language])
        self.render_view(self._view)

    def close(self) -> None:
        """Take everything off the screen."""
        self._watch.stop()
        if self.question is not None:
            self.question.dismiss()
        for window in self._every():
            window.hide()
        self.tray.icon.hide()
        if self._geometry is not None:
            self._geometry.close()

    def _render_bar(self, view: View) -> None:
        self.bar.render_view(view, TEXTS[self._language])
        # Who came in by a standing permission is shown all the time, not only while something is shared.
        is_visited = view.is_unattended and view.phase in IN_SESSION
        if not (view.indicator_wanted or is_visited):
            self._watch.stop()
            self.bar.vanish()
            return
        if not self.bar.isVisible():
            self.bar.appear()
        self._watch.start()

    def _render_standing(self, view: View, texts: Texts) -> None:
        for dialog in (self.withdrawing, self.uninstalling):
            dialog.render_texts(texts)
        if view.unattended is None:
            self.withdrawing.dismiss()
        self.told.render_view(view, texts)
        is_hidden = not self.main.isVisible() or self.main.isMinimized()
        is_alone = not QSystemTrayIcon.isSystemTrayAvailable() and not self.bar.isVisible()
        self.handle.render_view(view, texts, is_wanted=is_hidden and is_alone)

    def _ask_withdraw(self) -> None:
        self.withdrawing.open_at(self._place)

    def _ask_uninstall(self) -> None:
        self.uninstalling.open_at(self._place)

    def _every(self) -> tuple[QWidget, ...]:
        return (
            self.main,
            self.bar,
            self.ending,
            self.withdrawing,
            self.uninstalling,
            self.told,
            self.handle,
        )

    def _render_ending(self, view: View) -> None:
        self.ending.render_texts(TEXTS[self._language])
        if not view.confirming_end:
            self.ending.dismiss()
            return
        self.ending.open_at(self._place)

    def _render_question(self, view: View) -> None:
        wanted = next((asked for asked in view.questions if asked.request_id not in self._answered), None)
        if self.question is not None and self.question.question != wanted:
            self.question.dismiss()
            self.question = None
        # One question at a time: a new one waits until it is clear whether the session goes on.
        if wanted is not None and self.question is None and not view.confirming_end:
            self.question = ConsentDialog(wanted, self._actions, answered=self._after_answer)
            self._observe(self.question)
            self.question.render_texts(TEXTS[self._language])
            self.question.open_at(self._place)

    def _after_answer(self) -> None:
        if self.question is not None:
            self._answered.add(self.question.question.request_id)
            self.question = None
        self._render_question(self._view)
        self._tell_geometry()

    def _stacked(self) -> Mapping[str, QWidget]:
        windows: dict[str, QWidget] = {"bar": self.bar, "end": self.ending}
        if self.question is not None:
            windows["dialog"] = self.question
        windows |= {"withdraw": self.withdrawing, "uninstall": self.uninstalling, "told": self.told}
        return windows | {"handle": self.handle, "main": self.main}

    def _place(self, window: QWidget) -> None:
        """In the middle of the primary screen, below the bar."""
        screen = QGuiApplication.primaryScreen().availableGeometry()
        below_bar = screen.adjusted(0, max(_BAR, self.bar.height() if self.bar.isVisible() else 0), 0, 0)
        place = QRect(0, 0, window.width(), window.height())
        place.moveCenter(below_bar.center())
        window.move(max(screen.left(), place.left()), max(below_bar.top(), place.top() - _TITLE))

    def _observe(self, window: QWidget) -> None:
        if self._geometry is not None:
            self._geometry.watch(window)

    def _tell_geometry(self) -> None:
        if self._geometry is not None:
            self._geometry.refresh()


_BAR, _TITLE = 66, 24
"""Heights to keep free: the indicator bar above our windows, and a window's own title."""
