"""A process with the real windows on the display of its environment, and an engine that only remembers.

    python -m tests.integration.agent_windows_host GEOMETRY_FILE LANGUAGE

One pickled, base64 `View` per line of stdin is published from a thread of its own, as the real engine does.
Every action, Qt message and unhandled error is a JSON line on stdout: [name, arguments...].
"""

import base64
import json
import pickle
import sys
import threading
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from agent.platform import indicator_is_visible
from agent.port import Subscriber
from agent.ui.app import run
from tests.unit.agent.ui.recorder import RecordingEngine

_writing = threading.Lock()


def say(name: str, *arguments: object) -> None:
    """One line for the test."""
    with _writing:
        sys.stdout.write(json.dumps([name, *arguments], default=str) + "\n")
        sys.stdout.flush()


class HostedEngine(RecordingEngine):
    """Reports every action, and publishes the views it is given."""

    def record(self, name: str, *arguments: object) -> None:
        say(name, *arguments)

    def subscribe(self, subscriber: Subscriber) -> None:
        threading.Thread(target=_publish, args=(subscriber,), daemon=True).start()


def _publish(subscriber: Subscriber) -> None:
    say("listening")
    for line in sys.stdin:
        subscriber(pickle.loads(base64.b64decode(line)))


def _heard(_kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    say("qt", message)


def _raised(kind: type[BaseException], error: BaseException, _where: TracebackType | None) -> None:
    say("error", f"{kind.__name__}: {error}")


def main() -> int:
    """Run the windows until the person leaves or the process is told to."""
    qInstallMessageHandler(_heard)
    sys.excepthook = _raised
    geometry_file, language = sys.argv[1:]
    return run(
        HostedEngine(),
        geometry_file=Path(geometry_file),
        language=language,
        code=None,
        indicator_is_visible=indicator_is_visible,
    )


if __name__ == "__main__":
    sys.exit(main())
