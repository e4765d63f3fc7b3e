"""Random sessions on real processes that are killed and cut off, for as long as BEISTAND_SOAK_SECONDS says.

The laws are those of tests/unit/test_whole_system_model.py. `make soak` shows each half minute how far it is;
BEISTAND_SOAK_SEED repeats the choices of a run (what the processes make of them no seed can repeat). Not all
that must happen does so in less than two minutes.
"""

import asyncio
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import mean

import pytest

from agent.port import Answer, Phase
from beistand.bus.settings import SERVICES
from beistand.protocol.capabilities import Capability
from tests.support.whole.play import BOUND_S, TROUBLES, Play, playing

pytestmark = pytest.mark.soak

SECONDS = float(os.environ.get("BEISTAND_SOAK_SECONDS", "600"))
SEED = int(os.environ.get("BEISTAND_SOAK_SEED", "0")) or random.SystemRandom().randrange(10**9)
TELL_EVERY_S, SAMPLE_EVERY_S = 30.0, 3.0
SESSION_S = (10.0, 30.0)
KILLS_UNTIL = 0.5
"""The part of the run in which processes are killed; in the rest they live long enough to be measured."""
WARM_S = 15.0
"""What a new process fills its caches in; from then on its memory is flat."""
MAY_GROW_BYTES = 8 * 2**20
VICTIMS = ("relay", "consent", "session", "relay", "gateway", "broker", "consent")
KILL_EVERY_S = min(12.0, SECONDS * KILLS_UNTIL / (len(VICTIMS) + 1))
MUST_HAPPEN = (
    "answer allow",
    "viewer let in",
    "frame at a viewer",
    "input at the desktop",
    "killed: relay",
    "killed: consent",
    "ended, and everybody out",
)


@dataclass
class Memory:
    """Resident memory of each service's process since nothing is killed any more and it is warm."""

    samples: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def sample(self, play: Play) -> None:
        for (name, _), size in play.memory().items():
            self.samples[name].append(size)

    def growth(self) -> dict[str, float]:
        """By how many bytes the last third needs more than the first, on average."""
        thirds = {name: len(sizes) // 3 for name, sizes in self.samples.items()}
        return {
            name: mean(sizes[-thirds[name] :]) - mean(sizes[: thirds[name]])
            for name, sizes in self.samples.items()
        }

    def report(self) -> list[str]:
        grown = self.growth()
        return [
            f"{name:8} {min(sizes) / 2**20:6.1f} to {max(sizes) / 2**20:6.1f} MiB,"
            f" last third {grown[name] / 2**20:+.2f} MiB to the first ({len(sizes)} samples)"
            for name, sizes in self.samples.items()
        ]


Act = Callable[[Play, random.Random], Awaitable[None]]


async def _go_live(play: Play, chance: random.Random) -> None:
    technician = chance.choice(play.technicians)
    wanted = [Capability.VIEW, Capability.CONTROL][: chance.choice([1, 2])]
    for capability in wanted:
        with suppress(*TROUBLES):
            await play.ask(technician, capability)
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await play.person.sees(lambda view: bool(view.questions))
        play.answer(Answer.ALLOW)
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await play.person.sees(lambda view: not view.questions and bool(view.accesses))
    await play.watch(technician)


async def _answer(play: Play, chance: random.Random) -> None:
    play.answer(chance.choice([Answer.ALLOW, Answer.ALLOW, Answer.DENY]))


async def _ask(play: Play, chance: random.Random) -> None:
    await play.ask(chance.choice(play.technicians), chance.choice([Capability.VIEW, Capability.CONTROL]))


async def _watch(play: Play, chance: random.Random) -> None:
    await play.watch(chance.choice(play.technicians))


async def _watch_again(play: Play, _: random.Random) -> None:
    if play.used_ticket:
        await play.watch_with_used_ticket()


async def _type(play: Play, chance: random.Random) -> None:
    for browser in play.browsers:
        for _ in range(chance.randrange(20)):
            await play.press(browser)


async def _stop(play: Play, chance: random.Random) -> None:
    play.act(chance.choice(["stop", "stop control", "bar lost"]))


async def _pause(play: Play, chance: random.Random) -> None:
    play.act("pause")
    await asyncio.sleep(chance.uniform(0.1, 3))
    play.act("resume")


async def _trouble(play: Play, chance: random.Random) -> None:
    road = chance.choice([play.device_road, play.relay_road])
    seconds = chance.choice([0.3, 1.5, BOUND_S + 1])
    await play.trouble_on(road, frozen=chance.random() < 0.5, seconds=seconds)


async def _stop_in_silence(play: Play, chance: random.Random) -> None:
    """Nobody can be told, and all the same nobody sees anything soon."""
    road = chance.choice([play.device_road, play.relay_road])
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(play.trouble_on(road, frozen=True, seconds=BOUND_S + 1))
        await asyncio.sleep(0.2)
        play.act("stop")


ACTS: tuple[tuple[Act, int], ...] = (
    (_go_live, 10),
    (_ask, 3),
    (_answer, 3),
    (_watch, 3),
    (_watch_again, 1),
    (_type, 8),
    (_stop, 3),
    (_pause, 2),
    (_trouble, 2),
    (_stop_in_silence, 1),
)


async def _session(play: Play, chance: random.Random, *, until: float) -> None:
    """One session, from the code to the end and the silence after it."""
    await play.begin()
    ends = min(until, time.monotonic() + chance.uniform(*SESSION_S))
    while time.monotonic() < ends and play.person.view.phase in (Phase.SESSION, Phase.RECONNECTING):
        act = chance.choices([act for act, _ in ACTS], [weight for _, weight in ACTS])[0]
        with suppress(*TROUBLES):
            await act(play, chance)
        play.seen["steps"] += 1
        await asyncio.sleep(chance.uniform(0.05, 0.4))
    await _end(play, chance)


async def _end(play: Play, chance: random.Random) -> None:
    """Whoever ends it: soon nobody sees anything, and no old ticket helps."""
    if chance.random() < 0.3:
        with suppress(*TROUBLES):
            await play.technicians[0].end(play.sid)
            play.seen["ended by the technician"] += 1
    play.act("end")
    await play.person.sees(lambda view: view.phase == Phase.ENDED)
    with suppress(*TROUBLES):
        await play.watch(play.technicians[0])
    async with asyncio.timeout(4 * BOUND_S):
        while any(browser.is_open for browser in play.browsers):  # noqa: ASYNC110 (sockets of another process)
            await asyncio.sleep(0.05)
    await play.dismiss()
    play.seen["ended, and everybody out"] += 1


async def _capture(play: Play) -> None:
    while True:
        play.capture()
        play.check()
        await asyncio.sleep(0.1)


async def _kill(play: Play, *, until: float) -> None:
    """One after the other, whatever goes on; each is back before the next."""
    for victim in cycle(VICTIMS):
        await asyncio.sleep(KILL_EVERY_S)
        if time.monotonic() > until:
            return
        await (play.crash_broker() if victim == "broker" else play.crash(victim))


async def _watch_memory(play: Play, memory: Memory, *, after: float) -> None:
    await asyncio.sleep(max(0.0, after + WARM_S - time.monotonic()))
    while True:
        memory.sample(play)
        await asyncio.sleep(SAMPLE_EVERY_S)


async def _tell(play: Play, started: float) -> None:
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        sizes = ", ".join(f"{name} {size / 2**20:.0f}" for (name, _), size in play.memory().items())
        _say(f"{time.monotonic() - started:5.0f} s: {_seen(play)}; MiB: {sizes}")


def _seen(play: Play) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(play.seen.items()))


def _say(text: str) -> None:
    sys.stdout.write(f"soak: {text}\n")
    sys.stdout.flush()


@pytest.mark.timeout(SECONDS + 300)
async def test_the_laws_hold_and_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ANSWER_S": "5", "DURATION_S": "60", "PAUSE_S": "1"}.items():
        monkeypatch.setenv(f"BEISTAND_CONSENT_{name}", value)
    chance, memory = random.Random(SEED), Memory()
    _say(f"{SECONDS:.0f} s, seed {SEED}")
    async with playing(tmp_path / "state") as play:
        started = time.monotonic()
        ends, calm = started + SECONDS, started + SECONDS * KILLS_UNTIL
        helpers = (
            _capture(play),
            _kill(play, until=calm),
            _watch_memory(play, memory, after=calm),
            _tell(play, started),
        )
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(helper) for helper in helpers]
            while time.monotonic() < ends:
                try:
                    await _session(play, chance, until=ends)
                except TROUBLES as trouble:
                    play.seen[f"session broken off: {type(trouble).__name__}"] += 1
                    await play.abandon()
            for task in running:
                task.cancel()
    for line in [f"in all: {_seen(play)}", *memory.report(), f"violations: {len(play.violations)}"]:
        _say(line)
    assert not play.violations
    assert [what for what in MUST_HAPPEN if not play.seen[what]] == []
    assert len(memory.samples) == len(SERVICES)
    assert {name: grown for name, grown in memory.growth().items() if grown > MAY_GROW_BYTES} == {}
