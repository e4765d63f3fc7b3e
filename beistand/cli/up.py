"""`beistand up`: the whole stack on this machine for a person to use, until Ctrl-C."""

import argparse
import asyncio
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from beistand.bus.settings import SettingsError
from beistand.cli.main import fail
from beistand.cli.stack import Stack, StackSettings
from beistand.runtime import explain


def run(arguments: Sequence[str]) -> None:
    """Start, tell how to use it, run until Ctrl-C or until a part dies, stop everything."""
    parser = argparse.ArgumentParser(
        prog="beistand up",
        description="Start everything on this machine. State: BEISTAND_STATE; ports: BEISTAND_GATEWAY_PORT, "
        "BEISTAND_RELAY_PORT, BEISTAND_NATS_PORT.",
    )
    parser.parse_args(arguments)
    # Not from inside `except*`: up to Python 3.11.3 SystemExit would leave it wrapped in a group.
    failures: list[BaseException] = []
    try:
        asyncio.run(_run(StackSettings()))
    except* (SettingsError, ValidationError) as group:
        failures.extend(group.exceptions)
    if failures:
        fail(explain(failures[0]))


async def _run(settings: StackSettings) -> None:
    stop = asyncio.Event()
    _stop_on_signals(stop)
    print("Starting Beistand ...", flush=True)
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(_serve(settings), name="stack")
        asked = tasks.create_task(stop.wait(), name="stop")
        await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
        print("Stopping ...", flush=True)
        work.cancel()
        asked.cancel()


async def _serve(settings: StackSettings) -> None:
    async with Stack(settings) as stack:
        print(_instructions(stack), flush=True)
        await stack.wait()


def _instructions(stack: Stack) -> str:
    return f"""
  Console    {stack.gateway_url}
  User       {stack.user}
  Password   {stack.password}

  Customer   {_command()} agent --gateway {stack.gateway_url}

Ctrl-C stops everything. Logs: {stack.logs}
"""


def _command() -> str:
    """How this very program can be typed here."""
    program = Path(sys.executable).with_name("beistand")
    if shutil.which("beistand") or not program.exists():
        return "beistand"
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        else:
            loop.add_signal_handler(number, stop.set)
