"""A main that cannot run says so in one line and the right exit code."""

import asyncio
import gc
import os
import signal
from collections.abc import Iterator

import pytest

from beistand import runtime
from beistand.bus.settings import BusSettings, SettingsError
from beistand.protocol.errors import Unavailable

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _memory() -> Iterator[None]:
    yield
    gc.unfreeze()


async def wrong_settings(_stop: asyncio.Event) -> None:
    BusSettings()


async def missing_file(_stop: asyncio.Event) -> None:
    raise SettingsError("BEISTAND_KEYS: cannot read x")


async def no_bus(_stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_unreachable())


async def _unreachable() -> None:
    raise Unavailable("NATS cannot be reached at nats://x.")


async def bug(_stop: asyncio.Event) -> None:
    raise KeyError("the customer's secret")


@pytest.mark.parametrize(
    ("main", "code", "line"),
    [
        (wrong_settings, 2, "beistand relay: BEISTAND_KEYS: Field required"),
        (missing_file, 2, "beistand relay: BEISTAND_KEYS: cannot read x"),
        (no_bus, 1, "beistand relay: NATS cannot be reached at nats://x."),
        (bug, 1, "beistand relay: stopped by an unexpected error, see its log"),
    ],
)
def test_one_line_and_the_exit_code(
    main: runtime.Main,
    code: int,
    line: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BEISTAND_KEYS", raising=False)
    monkeypatch.setattr("beistand.telemetry.set_up", lambda _name: None)
    with pytest.raises(SystemExit) as stopped:
        runtime.run("relay", main)
    assert stopped.value.code == code
    assert capsys.readouterr().err.splitlines()[-1] == line


def test_a_signal_asks_the_main_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beistand.telemetry.set_up", lambda _name: None)
    stopped = []

    async def main(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        stopped.append(True)

    runtime.run("relay", main)
    assert stopped == [True]


def test_garbage_collection_does_not_walk_what_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beistand.telemetry.set_up", lambda _name: None)
    frozen = []

    async def main(_stop: asyncio.Event) -> None:
        frozen.append(gc.get_freeze_count())

    runtime.run("relay", main)
    assert frozen[0] > 10_000
