"""Distributions: what is kept of many measurements, printed, drawn and held against a goal. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

POINTS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 900, 420, 50, 20, 40
COLOURS = ("#0b6e4f", "#1f6feb", "#8250df", "#bf3989", "#cf222e", "#bc4c00", "#57606a", "#9a6700", "#116329")


def distribution(values: Sequence[float]) -> dict[str, float]:
    """Count, min, p50, p90, p95, p99 (nearest rank) and max."""
    ordered = sorted(values)
    if not ordered:
        return {"n": 0}
    ranks = {name: ordered[max(0, math.ceil(part * len(ordered)) - 1)] for name, part in POINTS.items()}
    found = {"n": len(ordered), "min": ordered[0], **ranks, "max": ordered[-1]}
    return {name: round(value, 3) for name, value in found.items()}


def table(stages: Mapping[str, Sequence[float]]) -> str:
    """A Markdown table, one stage a row."""
    head = ("stage, ms", "n", "min", "p50", "p90", "p95", "p99", "max")
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for name, values in stages.items():
        row = distribution(values)
        cells = [name, *(f"{row[key]:.5g}" if key in row else "" for key in head[1:])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Goal:
    """A bound on one point (`p99`, `max` ...) of a stage's distribution, in ms."""

    stage: str
    point: str
    most: float
    least: float = -math.inf

    def verdict(self, stages: Mapping[str, Sequence[float]]) -> str:
        """One line of a Markdown table."""
        found = distribution(stages.get(self.stage, ())).get(self.point)
        bound = f"<= {self.most:g}" if self.least == -math.inf else f"{self.least:g} to {self.most:g}"
        if found is None:
            return f"| {self.stage} | {self.point} {bound} | not measured | |"
        word = "reached" if self.least <= found <= self.most else "MISSED"
        return f"| {self.stage} | {self.point} {bound} | {found:.5g} | {word} |"


def verdicts(goals: Sequence[Goal], stages: Mapping[str, Sequence[float]]) -> str:
    """A Markdown table, one goal a row."""
    head = "| stage | goal, ms | measured | |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(goal.verdict(stages) for goal in goals) + "\n"


def plot(stages: Mapping[str, Sequence[float]], *, title: str) -> str:
    """All distributions as one SVG: the share of measurements up to a time, on a logarithmic axis."""
    drawn = {name: sorted(max(value, 0.01) for value in values) for name, values in stages.items() if values}
    parts = [f'<text x="{LEFT}" y="14" font-weight="bold">{escape(title)}</text>', *_axes()]
    for (name, values), number in zip(drawn.items(), range(len(drawn)), strict=True):
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{_curve(values)}"/>')
        label = TOP + HEIGHT + BOTTOM + 18 * number
        parts.append(f'<text x="{LEFT + 20}" y="{label}" fill="{colour}">{escape(name)}</text>')
    height = TOP + HEIGHT + BOTTOM + 18 * len(drawn)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {height}" '
    style = 'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
    return head + style + "\n".join(parts) + "</svg>\n"


def _axes() -> list[str]:
    ticks = (0.01, 0.1, 1, 10, 100, 1000, 10000)
    lines = []
    for tick in ticks:
        x, foot = _x(tick), TOP + HEIGHT
        lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{foot}" stroke="#ddd"/>')
        lines.append(f'<text x="{x:.1f}" y="{foot + 14}" text-anchor="middle">{tick:g} ms</text>')
    for share in (0, 0.5, 0.9, 1):
        y = _y(share)
        lines.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>')
    return lines


def _curve(values: Sequence[float]) -> str:
    count = len(values)
    return " ".join(f"{_x(value):.1f},{_y((rank + 1) / count):.1f}" for rank, value in enumerate(values))


def _x(milliseconds: float) -> float:
    return LEFT + WIDTH * (math.log10(min(max(milliseconds, 0.01), 10000)) + 2) / 6


def _y(share: float) -> float:
    return TOP + HEIGHT * (1 - share)
