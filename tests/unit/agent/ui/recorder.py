"""An engine that does nothing but remember what the windows asked of it, in order."""

from typing import Any

from agent.port import Answer, Subscriber
from beistand.protocol.records import Language


class RecordingEngine:
    """Satisfies `agent.port.Engine`; `calls` holds (name, arguments) oldest first."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def names(self) -> list[str]:
        """What was called, without arguments."""
        return [name for name, _ in self.calls]

    def arguments(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of every call of `name`."""
        return [arguments for called, arguments in self.calls if called == name]

    def record(self, name: str, *arguments: object) -> None:
        """Remember a call."""
        self.calls.append((name, arguments))

    def look_up(self, code: str) -> None:
        self.record("look_up", code)

    def join(self) -> None:
        self.record("join")

    def decline(self) -> None:
        self.record("decline")

    def answer(self, request_id: str, answer: Answer, *, text: str, language: Language) -> None:
        self.record("answer", request_id, answer, text, language)

    def hold_input(self, holder: str) -> None:
        self.record("hold_input", holder)

    def release_input(self, holder: str) -> None:
        self.record("release_input", holder)

    def indicator_shown(self, *, visible: bool) -> None:
        self.record("indicator_shown", visible)

    def stop_sharing(self) -> None:
        self.record("stop_sharing")

    def stop_control(self) -> None:
        self.record("stop_control")

    def ask_end(self) -> None:
        self.record("ask_end")

    def cancel_end(self) -> None:
        self.record("cancel_end")

    def confirm_end(self) -> None:
        self.record("confirm_end")

    def pause_unattended(self) -> None:
        self.record("pause_unattended")

    def resume_unattended(self) -> None:
        self.record("resume_unattended")

    def withdraw_unattended(self) -> None:
        self.record("withdraw_unattended")

    def seen(self, notice: str) -> None:
        self.record("seen", notice)

    def send_chat(self, text: str) -> None:
        self.record("send_chat", text)

    def start_over(self) -> None:
        self.record("start_over")

    def own_window(self, window: int) -> None:
        self.record("own_window", window)

    def set_language(self, language: Language) -> None:
        self.record("set_language", language)

    def close(self) -> None:
        self.record("close")

    def subscribe(self, subscriber: Subscriber) -> None:
        self.record("subscribe", subscriber)
