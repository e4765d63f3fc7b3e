"""What unattended access costs while nothing happens: an agent at rest, and a fleet on one machine's stack.

    .venv/bin/python -m bench idle                  about 6 minutes; Xvfb and openbox, no root
    .venv/bin/python -m bench idle --only agent     or `devices`
    .venv/bin/python -m bench idle --quick          a few devices, some seconds: whether it works

Figures in bench/out/idle.json and idle.md. CPU and memory are Linux's counters (/proc), traffic the kernel's.
"""

import argparse
import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench import machine, online, resting
from bench.stage import OUT
from demo.customer import FROM_SOURCE

PARTS = ("agent", "devices")


@dataclass(frozen=True)
class Plan:
    """How much of it."""

    devices: int
    seconds: float


FULL = Plan(devices=2000, seconds=60)
QUICK = Plan(devices=40, seconds=5)


@dataclass(frozen=True)
class Goal:
    """The most that a figure may be."""

    part: str
    figure: str
    most: float
    unit: str

    def verdict(self, found: Mapping[str, Mapping[str, Any]]) -> str:
        """One line of a Markdown table."""
        measured = found.get(self.part, {}).get(self.figure)
        bound = f"<= {self.most:g} {self.unit}"
        if not isinstance(measured, int | float):
            return f"| {self.figure} | {bound} | not measured | |"
        word = "reached" if measured <= self.most else "MISSED"
        return f"| {self.figure} | {bound} | {measured:g} | {word} |"


GOALS = (
    Goal("agent", "CPU, % of one core", 0.5, "%"),
    Goal("agent", "on the wire with TCP/IP headers, B/s", 1000, "B/s"),
    Goal("agent", "resident with its tray, MiB", 120e6 / 2**20, "MiB (120 MB)"),
    Goal("devices", "all connected after a restart of the broker, s", online.GOAL_S, "s"),
    Goal("devices", "taken for copies of a key", 0, ""),
)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--devices", type=int)
    parser.add_argument("--program", metavar="BEISTAND", help="an installed one instead of the source")
    given = parser.parse_args(arguments)
    plan = QUICK if given.quick else FULL
    plan = Plan(given.devices or plan.devices, plan.seconds)
    OUT.mkdir(exist_ok=True)
    facts = machine.facts()
    program = (given.program,) if given.program else FROM_SOURCE
    found = asyncio.run(_measure(plan, given.only, program))
    report = {"machine": facts, **found}
    (OUT / "idle.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    text = markdown(report)
    (OUT / "idle.md").write_text(text, encoding="utf-8")
    print(text)


async def _measure(plan: Plan, only: str | None, program: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    if only != "devices":
        agent = await resting.measure(program=program, seconds=plan.seconds, out=OUT)
        found |= {"agent": agent.figures, "agent_memory": agent.memory}
    if only != "agent":
        fleet = await online.measure(devices=plan.devices, seconds=plan.seconds, out=OUT)
        found |= {"devices": {"devices": fleet.devices, **fleet.figures}, "services": fleet.services}
    return found


def markdown(report: Mapping[str, Any]) -> str:
    """Goals, figures, and the cost of each process."""
    goals = [goal.verdict(report) for goal in GOALS]
    parts = [_table(("figure", "goal", "measured", ""), goals)]
    parts += [
        _table(
            (name.replace("_", " "), "measured"),
            [f"| {key} | {_text(value)} |" for key, value in rows.items()],
        )
        for name in ("agent", "agent_memory", "devices")
        if (rows := report.get(name))
    ]
    if services := report.get("services"):
        parts.append(_services(services))
    return "\n".join(parts)


def _services(services: Mapping[str, Mapping[str, Any]]) -> str:
    keys = list(next(iter(services.values())))
    rows = [
        f"| {name} | " + " | ".join(_text(row.get(key, "")) for key in keys) + " |"
        for name, row in services.items()
    ]
    return _table(("process", *keys), rows)


def _table(head: tuple[str, ...], rows: list[str]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *rows]
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return "never" if value is None else str(value)


if __name__ == "__main__":
    main()
