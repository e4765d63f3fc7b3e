"""The loops of the consent service outlive a store that is away and an entry nobody foresaw."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from beistand.protocol.errors import Unavailable
from beistand.protocol.messages import SessionState
from services.consent import app
from services.consent.grants import Parts

pytestmark = pytest.mark.unit

PATIENCE_S = 5.0


@dataclass
class Bucket:
    """A bucket whose watch tells `told`, then fails with `error` or waits for ever."""

    told: list[Any]
    errors: list[Exception] = field(default_factory=list)
    watches: int = 0

    @asynccontextmanager
    async def watch(self, _: str) -> AsyncIterator[AsyncIterator[Any]]:
        self.watches += 1
        yield self._values()

    async def _values(self) -> AsyncIterator[Any]:
        for each in self.told:
            yield each
        if self.errors:
            raise self.errors.pop()
        await asyncio.Event().wait()


@dataclass
class Sessions(Bucket):
    """Ended sessions; looking one of them up fails in a way nobody foresaw."""

    asked: list[str] = field(default_factory=list)
    both: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self, sid: str) -> None:
        self.asked.append(sid)
        if {"bad", "good"} <= set(self.asked):
            self.both.set()
        if sid == "bad":
            raise ValueError(sid)


def _parts(grants: Bucket, sessions: Sessions) -> Parts:
    async def session(_: str, sid: str) -> None:
        sessions.ask(sid)

    shelf = SimpleNamespace(grants=grants, sessions=sessions, session=session)
    agenda = SimpleNamespace(has_open=lambda _: True, note=lambda _: None)
    return cast("Parts", SimpleNamespace(shelf=shelf, agenda=agenda))


def _ended(sid: str) -> SimpleNamespace:
    return SimpleNamespace(value=SimpleNamespace(org="acme", sid=sid, state=SessionState.ENDED))


@pytest.mark.parametrize("who", ["grants", "sessions"])
async def test_a_store_that_is_away_is_watched_again(who: str) -> None:
    grants, sessions = Bucket([None]), Sessions([_ended("bad"), _ended("good")])
    {"grants": grants, "sessions": sessions}[who].errors.append(Unavailable())
    following = asyncio.create_task(app._follow(_parts(grants, sessions)))
    async with asyncio.timeout(PATIENCE_S):
        while grants.watches < 2 and not following.done():  # noqa: ASYNC110  (the loop is the subject)
            await asyncio.sleep(0.01)
    assert not following.done()
    following.cancel()


async def test_one_bad_session_keeps_no_other_from_being_closed() -> None:
    grants, sessions = Bucket([None]), Sessions([_ended("bad"), _ended("good")])
    following = asyncio.create_task(app._follow(_parts(grants, sessions)))
    async with asyncio.timeout(PATIENCE_S):
        await sessions.both.wait()
    assert grants.watches == 1
    assert not following.done()
    following.cancel()
