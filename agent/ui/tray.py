"""The icon beside the clock: state at a glance and the same controls as in the windows."""

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from agent.port import Actions, View
from agent.ui import icons
from agent.ui.indicator import summary_of
from agent.ui.main_window import IN_SESSION
from agent.ui.plaintext import one_line
from agent.ui.standing import state_of
from agent.ui.wording import Texts
from beistand.protocol.capabilities import Capability


class Tray(QObject):
    """A menu that offers exactly what is possible right now; shown only where the desktop has a tray."""

    def __init__(
        self,
        actions: Actions,
        *,
        present: Callable[[], None],
        withdraw: Callable[[], object],
        uninstall: Callable[[], object],
        leave: Callable[[], object],
    ) -> None:
        super().__init__()
        self.menu = QMenu()
        self.state = self._add("tray-state", lambda: None)
        self.state.setEnabled(False)
        self.menu.addSeparator()
        self.open = self._add("tray-open", present)
        self.stop_control = self._add("stop-control", actions.stop_control)
        self.stop_sharing = self._add("stop-sharing", actions.stop_sharing)
        self.end_session = self._add("end-session", actions.ask_end)
        self.menu.addSeparator()
        self.pause = self._add("pause-unattended", actions.pause_unattended)
        self.resume = self._add("resume-unattended", actions.resume_unattended)
        self.withdraw = self._add("withdraw-unattended", withdraw)
        self.uninstall = self._add("uninstall", uninstall)
        self.menu.addSeparator()
        self.leave = self._add("tray-quit", leave)
        self.icon = QSystemTrayIcon(icons.icon("mark"), self)
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(lambda _: present())

    def render_view(self, view: View, texts: Texts) -> None:
        """Draw this view."""
        is_in_session = view.phase in IN_SESSION
        can_stop_control = any(access.capability is Capability.CONTROL for access in view.accesses)
        summary = _state(view, texts)
        self.state.setText(summary)
        self.open.setText(texts.tray_open)
        self.stop_control.setText(texts.stop_control)
        self.stop_control.setVisible(can_stop_control)
        self.stop_sharing.setText(texts.stop_sharing)
        self.stop_sharing.setVisible(bool(view.accesses))
        self.end_session.setText(texts.end_session)
        self.end_session.setVisible(is_in_session)
        self._render_standing(view, texts)
        self.leave.setText(texts.tray_quit)
        self.icon.setToolTip(summary)
        self.icon.setIcon(icons.icon("mark-live" if view.indicator_wanted else "mark"))
        if QSystemTrayIcon.isSystemTrayAvailable():
            self.icon.show()

    def _render_standing(self, view: View, texts: Texts) -> None:
        said, standing = texts.standing, view.unattended
        self.pause.setText(said.pause_menu)
        self.resume.setText(said.resume_menu)
        self.withdraw.setText(said.withdraw_menu)
        self.uninstall.setText(said.uninstall)
        self.pause.setVisible(standing is not None and not standing.paused)
        self.resume.setVisible(standing is not None and standing.paused)
        self.withdraw.setVisible(standing is not None)

    def _add(self, name: str, act: Callable[[], object]) -> QAction:
        action = self.menu.addAction("")
        action.setObjectName(name)
        action.triggered.connect(lambda: act())
        return action


def _state(view: View, texts: Texts) -> str:
    if view.indicator_wanted or view.accesses:
        return summary_of(view, texts)
    if view.phase in IN_SESSION:
        return texts.tray_connected.format(technician=one_line(view.technician) or texts.someone)
    if view.unattended is not None:
        return f"{texts.standing.bar_mark}: {state_of(view.unattended, texts)}"
    return texts.tray_idle
