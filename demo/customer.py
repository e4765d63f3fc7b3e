"""The customer: the real agent on a real screen, its buttons pressed by real X events, found by name."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.desktop import Desktop, stop
from demo.waiting import until

Rectangle = tuple[int, int, int, int]
FROM_SOURCE = (sys.executable, "-m", "beistand")
AIM_S = 0.15
"""A hand takes longer than this from arriving to pressing. What the technician's machine had sent before the
hand moved is through by then; a click in the same instant could find the pointer somewhere else.
"""


def _middle(place: Rectangle) -> tuple[int, int]:
    x, y, width, height = place
    return x + width // 2, y + height // 2


@dataclass
class Customer:
    """A person at `desktop`, with the agent's windows on it."""

    desktop: Desktop
    process: asyncio.subprocess.Process
    geometry_file: Path
    program: tuple[str, ...] = FROM_SOURCE
    """The command `beistand`."""

    def sees(self, name: str) -> Rectangle | None:
        """Where the control `name` is on the screen (x, y, width, height), if it is there and usable."""
        try:
            found = json.loads(self.geometry_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return tuple(found[name]) if name in found else None

    async def waits_for(self, name: str, *, timeout: float = 20.0) -> Rectangle:
        """The rectangle of `name` once it is there."""
        return await until(f"{name} on the customer's screen", lambda: self.sees(name), timeout=timeout)

    async def presses(self, name: str, *, timeout: float = 20.0) -> None:
        """Aim at the middle of the control `name` once it is there, and click it."""
        self.desktop.move(*_middle(await self.waits_for(name, timeout=timeout)))
        await asyncio.sleep(AIM_S)
        self.desktop.click(*_middle(await self.waits_for(name, timeout=timeout)))

    async def is_rid_of(self, name: str, *, timeout: float = 20.0) -> None:
        """Wait until the control is gone."""
        await until(f"{name} gone", lambda: self.sees(name) is None, timeout=timeout)

    async def keeps_receipt(self, *, timeout: float = 20.0) -> Path:
        """The receipt both sides agree on, once it is on the customer's disk."""
        return await until("the receipt on the customer's disk", self._agreed_receipt, timeout=timeout)

    def _agreed_receipt(self) -> Path | None:
        found = (self.geometry_file.parent / "agent" / "receipts").glob("*.json")
        return next((file for file in found if not file.stem.endswith(("-own", "-disputed"))), None)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the agent's process as a hung machine would (SIGSTOP), and let it go on at the end."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    async def enters_code(self, code: str) -> None:
        """Type the nine digits and send them."""
        await self.presses("join-code")
        await self.desktop.settles()
        await self.desktop.type(code)
        await self.presses("join-submit")

    async def joins(self, code: str) -> None:
        """Enter the code, read who asks, join."""
        await self.enters_code(code)
        await self.presses("join-confirm")
        await self.waits_for("chat-input")

    async def ends(self) -> None:
        """End the session, and confirm it."""
        await self.presses("end-session")
        await self.answers("confirm-end")

    async def starts_over(self) -> None:
        """From the end of a session back to where the code goes."""
        await self.presses("start-over")
        await self.waits_for("join-code")

    @property
    def state(self) -> Path:
        """What the agent keeps."""
        return self.geometry_file.parent / "agent"

    @property
    def at_sign_in(self) -> Path:
        """What starts the agent at sign-in, on a desktop without systemd's units."""
        return self.geometry_file.parent / "config" / "autostart" / "beistand-agent.desktop"

    async def answers(self, name: str) -> None:
        """Press a button of the question on screen, and see the question go."""
        await self.presses(name)
        await self.is_rid_of(name)

    async def says(self, text: str) -> None:
        """Write a chat line (ASCII) and send it."""
        await self.presses("chat-input")
        await self.desktop.settles()
        await self.desktop.type(text)
        await self.presses("chat-send")


@asynccontextmanager
async def customer(
    desktop: Desktop,
    *,
    gateway: str,
    folder: Path,
    language: str = "de",
    program: Sequence[str] = FROM_SOURCE,
    options: Sequence[str] = (),
) -> AsyncIterator[Customer]:
    """Start the agent (of the command `program`) on `desktop`; it is gone at the end.

    All it writes, its log agent.log as well, is in `folder`, an absolute path.
    """
    geometry = folder / "geometry.json"
    geometry.unlink(missing_ok=True)
    # What the agent leaves for the next sign-in stays in the folder, too.
    own = {"PYTHONUNBUFFERED": "1", "XDG_CONFIG_HOME": str(folder / "config")}
    with (folder / "agent.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(*program, "agent", *options, "--gateway", gateway),
            *("--geometry-file", str(geometry), "--language", language, "--state", str(folder / "agent")),
            env=desktop.environment | own,
            stdout=log,
            stderr=log,
        )
    try:
        yield Customer(desktop, process, geometry, tuple(program))
    finally:
        await stop(process)


@asynccontextmanager
async def notes(desktop: Desktop, folder: Path) -> AsyncIterator[Path]:
    """The customer's note window; yields the file that always holds its text."""
    file = folder / "notes.txt"
    file.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "demo.notes", str(file)),
        env=desktop.environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until("the note window", file.exists)
        yield file
    finally:
        await stop(process)
