"""How fast a stop stops: real nats-server, services, engines, sockets; stage by stage from the click on.

    .venv/bin/python -m bench revoke               50 streams, 500 stops, and the rest: under 4 minutes
    .venv/bin/python -m bench revoke --quick       the same with few of each: under 40 s
    .venv/bin/python -m bench revoke --only uplink

Writes bench/out/revoke.{json,md,svg} after each part. Never part of a test: figures depend on the machine.
"""

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence

from bench import away, blank, grab, many, network
from bench.figures import Goal
from bench.machine import facts
from bench.results import Results
from bench.stage import Found

GOALS = (
    Goal("device gate closed", "p99", 1),
    Goal("device gate closed, 1920x1080 being captured", "p99", 1),
    Goal("relay has stopped, its last byte written", "p50", 3),
    Goal("relay has stopped, its last byte written", "p99", 15),
    Goal(away.PREFIX + "viewer told: nothing more can come", "p99", 250),
    Goal("agent cut off: viewer told, from the last lease", "min", 3300, 3000),
    Goal("agent cut off: viewer told, from the last lease", "max", 3300, 3000),
    Goal("canvas blank in Chromium, from the X click", "p99", 100),
)

Part = Callable[[], Awaitable[Found]]
FULL: dict[str, Part] = {
    "streams": lambda: many.measure(streams=50, engines=10, stops=500),
    "grab": lambda: grab.measure(stops=100),
    "uplink": lambda: away.uplink(lines=8, stops=104),
    "cut": lambda: away.cut(agents=30),
    "blank": lambda: blank.measure(stops=20),
}
QUICK: dict[str, Part] = {
    "streams": lambda: many.measure(streams=20, engines=4, stops=32),
    "grab": lambda: grab.measure(stops=10),
    "uplink": lambda: away.uplink(lines=3, stops=9),
    "cut": lambda: away.cut(agents=6),
    "blank": lambda: blank.measure(stops=2),
}
NEEDS_NETWORK = {"uplink", "cut"}


async def measure(parts: dict[str, Part], names: Sequence[str]) -> str:
    """One part after the other; one that fails does not lose what was found before."""
    results = Results("revoke", "From the customer's click to ...", GOALS, facts())
    for name in names:
        if name in NEEDS_NETWORK and not network.is_possible():
            results.counts[name] = {"not measured": "needs root, ip and tc"}
            continue
        print(f"{name} ...", flush=True)
        try:
            found = await parts[name]()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the figures
            results.counts[name] = {"failed": repr(error)}
        else:
            results.stages |= found.stages
            results.counts[name] = {**found.counts, "load after": round(os.getloadavg()[0], 2)}
        results.write()
    return results.write()


def main(arguments: list[str] | None = None) -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(prog="python -m bench revoke", description="How fast a stop stops.")
    parser.add_argument("--quick", action="store_true", help="few of each")
    parser.add_argument("--only", choices=sorted(FULL), action="append", help="this part (repeatable)")
    options = parser.parse_args(arguments)
    parts = QUICK if options.quick else FULL
    print(asyncio.run(measure(parts, options.only or list(parts))))


if __name__ == "__main__":
    main()
