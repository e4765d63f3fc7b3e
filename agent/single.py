"""One agent per state directory: a lock that dies with its process, and a door for the next start.

A second start hands its link to the first and is gone. The door is on this machine only and opens to whoever
can read the lock file, which is the person alone. Nothing that comes through it joins or answers anything.
"""

import hmac
import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

log = logging.getLogger(__name__)

NAME = "agent.pid"
"""Three lines: process id, port of the door on 127.0.0.1, what opens it."""
MAX_LINE = 1024
PATIENCE_S = 1.0
ANSWER_WITHIN_S = 5.0
"""How long a second start waits for the first one, which may be starting itself."""
_OK = b"ok\n"

OnShow = Callable[[str], None]
"""Called from a thread of its own: show yourself, with this link or code ('' without one)."""


class Instance:
    """The claim of this process; `close` gives it up."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._door = socket.create_server(("127.0.0.1", 0))
        self._word = secrets.token_urlsafe(32)
        self._write(f"{os.getpid()}\n{self._door.getsockname()[1]}\n{self._word}\n")

    @classmethod
    def claim(cls, state: Path) -> Self | None:
        """This process's claim; None if another agent runs on this state directory. OSError."""
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(state / NAME, flags, 0o600)
        file = os.fdopen(descriptor, "r+", encoding="ascii")
        if not _lock(file):
            file.close()
            return None
        (state / NAME).chmod(0o600)
        return cls(file)

    def serve(self, on_show: OnShow) -> None:
        """Let later starts in, on a thread of its own."""
        threading.Thread(target=self._serve, args=(on_show,), name="beistand-door", daemon=True).start()

    def close(self) -> None:
        """Another start may be the first again."""
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        with suppress(OSError):
            self._write("")
        self._file.close()

    def _serve(self, on_show: OnShow) -> None:
        while True:
            try:
                guest, _ = self._door.accept()
            except OSError:
                return
            with guest, suppress(OSError):
                guest.settimeout(PATIENCE_S)
                link = self._greet(guest)
                if link is not None:
                    on_show(link)
                    guest.sendall(_OK)

    def _greet(self, guest: socket.socket) -> str | None:
        """What the guest brought along, if it knows the word."""
        with guest.makefile("rb") as reader:
            line = reader.readline(MAX_LINE)
        word, _, link = line.decode("utf-8", errors="replace").rstrip("\n").partition(" ")
        if not line.endswith(b"\n") or not hmac.compare_digest(word.encode(), self._word.encode()):
            log.warning("a guest was not let in")
            return None
        return link

    def _write(self, text: str) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text)
        self._file.flush()


def hand_over(state: Path, link: str, *, within: float = ANSWER_WITHIN_S) -> bool:
    """Have the agent that runs there show itself, with this link; whether it has heard."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        with suppress(OSError, ValueError):
            return _say(state, " ".join(link.split())[: MAX_LINE // 2])
        time.sleep(0.1)
    return False


def _say(state: Path, link: str) -> bool:
    _, port, word = (state / NAME).read_text(encoding="ascii").splitlines()
    with socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE_S) as door:
        door.sendall(f"{word} {link}\n".encode())
        if door.recv(len(_OK)) != _OK:
            raise ConnectionRefusedError
    return True


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30
    """Beyond what is written: locked bytes cannot be read there."""

    def _lock(file: IO[str]) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
