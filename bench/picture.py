"""How fast and how heavy the picture is: glass to glass, shown per second, kB/s, CPU.

    .venv/bin/python -m bench picture [--seconds 8] [--rounds 3] [--scenes quiet,video,scrolling]

Writes bench/out/picture.json and prints a table: medians over the rounds.
"""

import argparse
import asyncio
import json
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.glass import Seen, stage, watch

OUT = Path("bench/out")
RATE = 30.0
SCENES = ("idle", "quiet", "typing", "video", "scrolling", "dragging")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run every scene and print one line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scenes", default=",".join(SCENES))
    given = parser.parse_args(arguments)
    found = asyncio.run(_measure(given.scenes.split(","), given.seconds, given.rounds))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "picture.json").write_text(json.dumps(found, indent=1))


async def _measure(scenes: Sequence[str], seconds: float, rounds: int) -> dict[str, Any]:
    rows: dict[str, list[dict[str, float]]] = {scene: [] for scene in scenes}
    firsts = []
    async with stage() as made:
        for number in range(rounds):
            firsts.append(await made.views())
            print(f"round {number + 1} of {rounds}: first picture after the yes {firsts[-1]:.0f} ms")
            for scene in scenes:
                name, rate = ("quiet", 0.0) if scene == "idle" else (scene, RATE)
                rows[scene].append(_figures(await watch(made, name, rate=rate, seconds=seconds)))
                print(_line(scene, rows[scene][-1]), flush=True)
            await made.stops()
    summary = {scene: _medians(found) for scene, found in rows.items()}
    print(f"\nmedians of {rounds}: first picture {statistics.median(firsts):.0f} ms")
    for scene, figures in summary.items():
        print(_line(scene, figures))
    return {
        "machine": platform.platform(),
        "rounds": rounds,
        "first": firsts,
        "medians": summary,
        "all": rows,
    }


def _figures(seen: Seen) -> dict[str, float]:
    late = sorted(seen.latencies)
    figures = {
        "shown per s": len(late) / seen.seconds,
        "kB per s": seen.bytes / seen.seconds / 1000,
        **{f"cpu {name}": used for name, used in seen.cpu.items()},
    }
    if late:
        figures |= {"g2g median": statistics.median(late), "g2g p95": late[int(len(late) * 0.95)]}
    return figures


def _medians(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    names = {name for row in rows for name in row}
    return {name: statistics.median([row[name] for row in rows if name in row]) for name in sorted(names)}


def _line(scene: str, figures: dict[str, float]) -> str:
    late = (
        f"g2g {figures['g2g median']:6.1f} / {figures['g2g p95']:6.1f} ms"
        if "g2g median" in figures
        else " " * 24
    )
    cpu = ", ".join(
        f"{name.removeprefix('cpu ')} {used:.1f}" for name, used in figures.items() if name.startswith("cpu ")
    )
    shown, size = figures["shown per s"], figures["kB per s"]
    return f"{scene:10} {late}  shown {shown:5.1f}/s  {size:7.1f} kB/s  CPU % {cpu}"
