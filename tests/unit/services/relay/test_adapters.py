"""What the store tells a room that cannot deal with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.relay.adapters import _watch

pytestmark = pytest.mark.unit


class Shelf:
    """A bucket with two entries."""

    @asynccontextmanager
    async def watch(self, _: str) -> AsyncIterator[AsyncIterator[Any]]:
        yield self._values()

    async def _values(self) -> AsyncIterator[Any]:
        for value in ("bad", "good"):
            yield SimpleNamespace(value=value)
        await asyncio.Event().wait()


async def test_an_entry_nobody_foresaw_shuts_its_room_and_is_heard_past() -> None:
    heard, broken, good = [], [], asyncio.Event()

    def ear(value: str) -> None:
        heard.append(value)
        if value == "bad":
            raise ValueError(value)
        good.set()

    watching = asyncio.create_task(
        _watch(cast("Any", Shelf()), "*", cast("Any", ear), lambda: broken.append(1))
    )
    async with asyncio.timeout(5):
        await good.wait()
    assert (heard, broken) == (["bad", "good"], [1])
    watching.cancel()
