"""A thin line between agents and services: network namespaces with a router whose uplink is slow, or cut.

    agents' namespace ── router's namespace ══ token bucket (tc tbf) ══ this machine

The queue stands at the router, as it does at home: the sender does not see it. Needs root, `ip`, `tc`.
"""

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

HOST = "10.213.255.254"
RATE = "1mbit"
QUEUE_BYTES = 64 * 1024
"""Half a second at this rate: what a cheap router keeps."""

_numbers = itertools.count(os.getpid() * 16 % 4096)


def is_possible() -> bool:
    """Whether namespaces and shaping can be had here."""
    return os.geteuid() == 0 and all(map(shutil.which, ("ip", "tc")))


@dataclass(frozen=True)
class Line:
    """One line; `inside` put before a command runs it behind the line."""

    name: str

    @property
    def inside(self) -> tuple[str, ...]:
        """The prefix of a command."""
        return ("ip", "netns", "exec", f"{self.name}-a")

    async def slow_down(self) -> None:
        """From now on the uplink carries RATE and queues QUEUE_BYTES."""
        shape = f"tbf rate {RATE} burst 5kb limit {QUEUE_BYTES}"
        await _run(f"tc -n {self.name}-r qdisc add dev {self.name}-u root {shape}")

    async def cut(self) -> None:
        """Nothing gets through from now on, and nobody is told."""
        await _run(f"tc -n {self.name}-r qdisc replace dev {self.name}-u root blackhole")


@asynccontextmanager
async def meeting_point() -> AsyncIterator[str]:
    """An address of this machine that every line leads to."""
    await _run(f"ip addr add {HOST}/32 dev lo")
    try:
        yield HOST
    finally:
        await _run(f"ip addr del {HOST}/32 dev lo")


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    """A fast line at first, gone at the end."""
    number = next(_numbers)
    name = f"bst{number % 4096:x}"
    net = f"10.213.{number // 16 % 255}"
    base = number % 16 * 16
    agent, router, uplink, host = (f"{net}.{base + last}" for last in (2, 1, 6, 5))
    steps = f"""
        ip netns add {name}-a
        ip netns add {name}-r
        ip link add {name}-h type veth peer name {name}-u netns {name}-r
        ip -n {name}-r link add {name}-d type veth peer name {name}-e netns {name}-a
        ip addr add {host}/30 dev {name}-h
        ip -n {name}-r addr add {uplink}/30 dev {name}-u
        ip -n {name}-r addr add {router}/30 dev {name}-d
        ip -n {name}-a addr add {agent}/30 dev {name}-e
        ip link set {name}-h up
        ip -n {name}-r link set {name}-u up
        ip -n {name}-r link set {name}-d up
        ip -n {name}-a link set {name}-e up
        ip -n {name}-a route add default via {router}
        ip -n {name}-r route add default via {host}
        ip route add {agent}/32 via {uplink}
        ip netns exec {name}-r sysctl -q -w net.ipv4.ip_forward=1
    """
    try:
        for step in filter(None, map(str.strip, steps.splitlines())):
            await _run(step)
        yield Line(name)
    finally:
        for space in (f"{name}-a", f"{name}-r"):
            await _run(f"ip netns del {space}")


async def _run(command: str) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command.split(), stderr=pipe)
    _, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command}: {errors.decode().strip()}")
