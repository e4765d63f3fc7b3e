"""Tells a session step by step: a line with its time, a screenshot of both sides, a report at the end."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from demo.desktop import Desktop
from demo.technician import Technician, screenshot


@dataclass
class Step:
    """One step as it stands in the report; times in milliseconds."""

    number: int
    title: str
    ms: int
    screenshots: list[str] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    """What else this step left in the folder."""


@dataclass
class Narrator:
    """Writes to `folder` (screenshots, report.json) and to the terminal."""

    folder: Path
    desktop: Desktop | None = None
    technician: Technician | None = None
    steps: list[Step] = field(default_factory=list)

    @asynccontextmanager
    async def step(self, title: str) -> AsyncIterator[Step]:
        """One step: narrated and timed when it is over, photographed from both sides."""
        step = Step(len(self.steps) + 1, title, 0)
        started = time.monotonic()
        yield step
        step.ms = round((time.monotonic() - started) * 1000)
        figures = "".join(f"  ({name}: {value:.0f} ms)" for name, value in step.measured.items())
        self.say(f"{step.number:>3}. {title:<66} {step.ms:>6} ms{figures}")
        step.screenshots += await self.photograph(f"{step.number:02}")
        self.steps.append(step)

    def say(self, line: str) -> None:
        """A line for whoever watches."""
        print(line, flush=True)

    def report(self, *, failure: str = "") -> None:
        """Write report.json: whether it went well, every step, what failed."""
        content = {"ok": not failure, "failure": failure, "steps": [asdict(step) for step in self.steps]}
        (self.folder / "report.json").write_text(json.dumps(content, indent=2) + "\n")

    def keep(self, name: str, content: bytes) -> Path:
        """A file in the folder, beside the screenshots."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    async def photograph(self, name: str) -> list[str]:
        """Screenshots `<name>-customer.png` and `<name>-technician.png`; the names of those taken."""
        taken = []
        if self.desktop is not None:
            taken.append(f"{name}-customer.png")
            self.desktop.screenshot(self.folder / taken[-1])
        if self.technician is not None:
            taken.append(f"{name}-technician.png")
            await screenshot(self.technician, self.folder / taken[-1])
        return taken
