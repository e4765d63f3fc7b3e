"""The first page: nine digits, typed or pasted. Looking a code up joins nothing."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QMouseEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from agent.port import Actions, Phase, View
from agent.ui.plaintext import code_in, grouped
from agent.ui.standing import StandingCard
from agent.ui.widgets import Busy, Callout, button, caption, card, column, label, row, say
from agent.ui.wording import Texts

CODE_LENGTH = 9


class CodeField(QLineEdit):
    """Nine digits in groups of three; whatever else is typed or pasted falls away."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("join-code")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setPlaceholderText("___ ___ ___")
        self.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        font = QFont(self.font())
        font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 3)
        self.setFont(font)
        self.textEdited.connect(self._tidy)

    def code(self) -> str:
        """The digits entered so far."""
        return code_in(self.text())

    def enter(self, code: str) -> None:
        """Show this code."""
        self.setText(grouped(code_in(code)))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click goes on where the digits end; only a complete code can be corrected by pointing into it."""
        super().mousePressEvent(event)
        if len(self.code()) < CODE_LENGTH:
            self.setCursorPosition(len(self.text()))

    def _tidy(self, text: str) -> None:
        digits_before = len(code_in(text[: self.cursorPosition()]))
        shown = grouped(code_in(text))
        self.setText(shown)
        is_at_end = digits_before >= len(self.code())
        self.setCursorPosition(len(shown) if is_at_end else digits_before + max(0, digits_before - 1) // 3)


class CodePage(QWidget):
    """Enter the code, see that it is being looked up."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self._texts: Texts | None = None
        self.title, self.intro, self.prompt, self.hint = (
            label("title"),
            label(),
            label("strong"),
            label("alert"),
        )
        self.field, self.submit = CodeField(), button("join-submit", "primary")
        self.safe, self.busy = Callout("calm"), Busy()
        self.standing = StandingCard(actions)
        self.prompt.setBuddy(self.field)
        self._arrange()
        self.submit.clicked.connect(self._submit)
        self.field.returnPressed.connect(self._submit)
        self.field.textEdited.connect(self.hint.hide)
        self.hint.hide()

    def render_view(self, view: View, texts: Texts) -> None:
        """Draw the phases CODE and LOOKING_UP."""
        self._texts = texts
        is_looking = view.phase is Phase.LOOKING_UP
        say(self.title, texts.code_title)
        say(self.intro, texts.code_intro)
        say(self.prompt, texts.code_label)
        caption(self.submit, texts.code_looking_up if is_looking else texts.code_submit)
        self.field.setAccessibleName(texts.code_label)
        self.field.setReadOnly(is_looking)
        self.submit.setEnabled(not is_looking)
        self.busy.setVisible(is_looking)
        self.safe.say("", texts.code_safe)
        self.standing.render_standing(view.unattended, texts)
        # Whoever has allowed that much knows the rest; what takes it back must be in sight.
        for part in (self.intro, self.safe):
            part.setVisible(view.unattended is None)

    def look_up(self, code: str) -> None:
        """Enter a code that came with a link, and find out who is asking."""
        self.field.enter(code)
        self._submit()

    def clear(self) -> None:
        """Forget the code and be ready for the next."""
        self.field.clear()
        self.hint.hide()
        self.field.setFocus()

    def _submit(self) -> None:
        code = self.field.code()
        if len(code) == CODE_LENGTH:
            self._actions.look_up(code)
        elif self._texts is not None:
            say(self.hint, self._texts.code_incomplete)
            self.hint.show()
            self.field.setFocus()

    def _arrange(self) -> None:
        sheet, inside = card(gap=1)
        entry = row(gap=2)
        entry.addWidget(self.field, 3)
        entry.addWidget(self.submit, 2)
        for part in (self.prompt, self.hint):
            inside.addWidget(part)
        inside.insertLayout(1, entry)
        inside.addWidget(self.busy, 0, Qt.AlignmentFlag.AlignHCenter)
        page = column(self, gap=2)
        page.addWidget(self.standing)
        page.addStretch(1)
        page.addWidget(self.title)
        page.addWidget(self.intro)
        page.addWidget(sheet)
        page.addWidget(self.safe)
        page.addStretch(2)
