"""The frame of every service's main: logs, telemetry, signals, and one readable line when it cannot run."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Awaitable, Callable

from pydantic import ValidationError

from beistand import telemetry
from beistand.bus.settings import SettingsError
from beistand.protocol.errors import BeistandError

log = logging.getLogger(__name__)

FAILED, BAD_SETTINGS = 1, 2
_PREFIX = "BEISTAND_"

Main = Callable[[asyncio.Event], Awaitable[None]]


def run(name: str, main: Main) -> None:
    """Run `main(stop)` until it returns; SIGTERM and SIGINT set `stop`, and it then has to finish.

    Exits with one line: 2 for wrong settings (naming the variable), 1 for whatever else stopped it.
    """
    telemetry.set_up(name)
    settle_memory()
    # Not from inside `except*`: up to Python 3.11.3 SystemExit would leave it wrapped in a group.
    failures: list[BaseException] = []
    try:
        asyncio.run(_supervise(main))
    except* Exception as group:  # noqa: BLE001 - told and logged below
        failures.append(_first(group))
    if failures:
        sys.exit(_told(name, failures[0]))


def settle_memory() -> None:
    """Take what was imported out of garbage collection: walking it for nothing held up a stop by 50 ms."""
    gc.collect()
    gc.freeze()


def _told(name: str, error: BaseException) -> int:
    """Say what stopped the process; its exit code."""
    if not isinstance(error, SettingsError | BeistandError | ValidationError):
        log.critical("service failed", exc_info=error)
        sys.stderr.write(f"beistand {name}: stopped by an unexpected error, see its log\n")
        return FAILED
    sys.stderr.write(f"beistand {name}: {explain(error)}\n")
    return FAILED if isinstance(error, BeistandError) else BAD_SETTINGS


def explain(error: BaseException) -> str:
    """One line for a person: what is wrong, naming the environment variable where it is one."""
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{_PREFIX}{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors()
    )


async def _supervise(main: Main) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        _on_signal(loop, number, stop)
    log.info("service starts")
    await main(stop)
    log.info("service stopped")


def _on_signal(loop: asyncio.AbstractEventLoop, number: signal.Signals, stop: asyncio.Event) -> None:
    if sys.platform == "win32":
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    else:
        loop.add_signal_handler(number, stop.set)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
