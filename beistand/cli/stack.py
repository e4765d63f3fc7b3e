"""The embedded stack: nats-server and the four services as child processes, on one state directory.

Used by `beistand up`, the demo and the end-to-end tests. Knows the services by their commands only.
"""

import asyncio
import os
import secrets
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from beistand.bus import child
from beistand.bus.keys import ensure_keys
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import SERVICES, ServiceName, SettingsError
from beistand.cli.lock import locked

READY_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.05
USER = "technician"
DISPLAY_NAME = "Demo Technician"


Port = Annotated[int, Field(ge=0, le=65535)]


def default_state() -> Path:
    """The user's state directory (XDG base directory specification)."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "beistand"


class StackSettings(BaseSettings):
    """`BEISTAND_STATE`, `BEISTAND_HOST` and the ports by environment; a port 0 takes a free one."""

    model_config = SettingsConfigDict(env_prefix="BEISTAND_", frozen=True, extra="ignore")

    state: Path = Field(default_factory=default_state)
    host: str = "127.0.0.1"
    nats_port: Port = 4222
    gateway_port: Port = 8080
    relay_port: Port = 8081
    session_health_port: Port = 8082
    consent_health_port: Port = 8083
    relay_health_port: Port = 8084
    public_url: str = ""
    """The gateway as people see it, if not by its port on this machine; likewise the next two."""
    relay_url: str = ""
    agent_nats_urls: str = ""

    @classmethod
    def on_free_ports(cls, state: Path) -> Self:
        """For tests and the demo: nothing that could collide."""
        free = dict.fromkeys(_PORTS, 0)
        here = dict.fromkeys(("public_url", "relay_url", "agent_nats_urls"), "")
        return cls.model_validate({"state": state, "host": "127.0.0.1", **free, **here})


_PORTS = tuple(name for name in StackSettings.model_fields if name.endswith("_port"))
_HEALTH = {
    "session": "session_health_port",
    "consent": "consent_health_port",
    "relay": "relay_health_port",
    "gateway": "gateway_port",
}


class Stack:
    """`async with Stack(settings) as stack`: everything runs and is ready; on leaving, all has stopped.

    Raises SettingsError with one line that says what to do.
    """

    def __init__(self, settings: StackSettings) -> None:
        self.state = settings.state.absolute()
        self.keys = self.state / "keys"
        self.logs = self.state / "logs"
        self.user = USER
        self.password = ""
        self.processes: dict[str, asyncio.subprocess.Process] = {}
        self.server: EmbeddedServer
        self._settings = settings
        self._ports: dict[str, int] = {}
        self._cleanup = AsyncExitStack()

    @property
    def gateway_url(self) -> str:
        """The gateway as people see it."""
        return self._settings.public_url or f"http://localhost:{self._ports['gateway_port']}"

    @property
    def relay_url(self) -> str:
        """The relay's viewer socket as browsers see it."""
        return self._settings.relay_url or f"ws://localhost:{self._ports['relay_port']}/v1/view"

    @property
    def environment(self) -> Mapping[str, str]:
        """What every service of this stack is told."""
        own = {name.upper(): str(port) for name, port in self._ports.items()} | {
            "HOST": self._settings.host,
            "STATE": str(self.state),
            "KEYS": str(self.keys),
            "NATS_URL": self.server.url,
            "PUBLIC_URL": self.gateway_url,
            "RELAY_URL": self.relay_url,
            "AGENT_NATS_URLS": self._settings.agent_nats_urls or self.server.url,
        }
        return {**os.environ, **{f"BEISTAND_{name}": value for name, value in own.items()}}

    async def __aenter__(self) -> Self:
        async with self._cleanup:
            await self._start()
            self._cleanup = self._cleanup.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._cleanup.aclose()

    async def wait(self) -> None:
        """Return never: raise SettingsError as soon as one of the processes is gone."""
        waiting = {asyncio.ensure_future(self.server.wait()): "nats-server"}
        waiting |= {asyncio.ensure_future(process.wait()): name for name, process in self.processes.items()}
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        raise self._dead(waiting[done.pop()])

    async def _start(self) -> None:
        try:
            self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"BEISTAND_STATE: cannot use {self.state} ({error.strerror}); name another directory"
            ) from None
        self._cleanup.enter_context(locked(self.state / "lock"))
        self._ports = choose_ports(self._settings)
        ensure_keys(self.keys)
        self.server = await self._cleanup.enter_async_context(self._broker(self._ports["nats_port"]))
        self._cleanup.push_async_callback(self._stop_services)
        await self._start_services()
        await self._all_ready()
        self.password = await self._account()

    def _broker(self, port: int) -> EmbeddedServer:
        return EmbeddedServer(self.state / "nats", self.keys, port, host=self._settings.host)

    async def _start_services(self) -> None:
        for name in SERVICES:
            await self.start_service(name)

    async def start_service(self, name: ServiceName, **changes: str) -> None:
        """Start a service, also again after it died; `changes` to its environment, such as `NATS_URL=...`."""
        own = {f"BEISTAND_{key}": value for key, value in changes.items()}
        self.processes[name] = await child.start(
            [sys.executable, "-m", f"services.{name}.app"],
            log_file=self._log_file(name),
            environment={**self.environment, **own},
        )

    async def ready(self, name: ServiceName) -> None:
        """Return once a service answers its readiness probe; SettingsError if any of them dies meanwhile."""
        url = f"http://{self._settings.host}:{self._ports[_HEALTH[name]]}/readyz"
        while not await asyncio.to_thread(_answers, url):
            for other, process in self.processes.items():
                if process.returncode is not None:
                    raise self._dead(other)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _stop_services(self) -> None:
        await asyncio.gather(*map(child.stop, self.processes.values()))

    async def _all_ready(self) -> None:
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                for name in SERVICES:
                    await self.ready(name)
        except TimeoutError:
            raise SettingsError(f"the services do not get ready; see {self.logs}") from None

    def _dead(self, name: str) -> SettingsError:
        if name == "nats-server":
            return SettingsError(f"nats-server has stopped; see {self.server.log_file}")
        log_file = self._log_file(name)
        reason = child.last_line(log_file) or f"exit code {self.processes[name].returncode}"
        return SettingsError(f"{name} has stopped: {reason} (log: {log_file})")

    def _log_file(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    async def _account(self) -> str:
        """The technician's password: made with the account on the first start, read on every other."""
        kept = self.state / "technician.password"
        if kept.exists():
            return kept.read_text(encoding="ascii").strip()
        password = secrets.token_urlsafe(12)
        await self._add_user(password)
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(password + "\n")
        return password

    async def _add_user(self, password: str) -> None:
        command = [sys.executable, "-m", "services.gateway.users", "add", self.user]
        options = ["--display", DISPLAY_NAME, "--role", "technician", "--password-stdin"]
        process = await asyncio.create_subprocess_exec(
            *command,
            *options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment,
        )
        _, errors = await process.communicate(password.encode())
        if process.returncode:
            reason = errors.decode(errors="replace").strip().rpartition("\n")[2]
            raise SettingsError(f"the technician's account could not be made: {reason}")


def choose_ports(settings: StackSettings) -> dict[str, int]:
    """Every port of the stack, free right now; SettingsError naming the variable of one that is taken."""
    with ExitStack() as held:
        # Held together, so that no free port is found twice.
        sockets = {name: held.enter_context(_bound(settings, name)) for name in _PORTS}
        return {name: int(listener.getsockname()[1]) for name, listener in sockets.items()}


def _bound(settings: StackSettings, name: str) -> socket.socket:
    port = getattr(settings, name)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, port))
        listener.listen(1)
    except OSError as error:
        listener.close()
        variable = f"BEISTAND_{name.upper()}"
        raise SettingsError(
            f"port {port} is taken ({error.strerror}); choose another with {variable}"
        ) from None
    return listener


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own http URL
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
