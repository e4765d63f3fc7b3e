"""Records that could not be stored at once: brought again until they are, once each, never without bound."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from beistand.protocol.errors import BadSignature, BeistandError, Unavailable
from beistand.protocol.messages import LedgerLine, SessionEntry
from beistand.protocol.records import GENESIS, Pause, Record
from services.consent import backlog
from services.consent.backlog import Backlog
from services.consent.chain import Early, Page
from tests.support.consented import Consented, new_id

pytestmark = pytest.mark.unit

PATIENCE_S = 10.0
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FakeLedger:
    """Refuses the first tries of everything with these errors, in order; then stores."""

    refusals: list[Exception] = field(default_factory=list)
    lasting: BeistandError | None = None
    tries: Counter[str] = field(default_factory=Counter)
    stored: list[str] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def append(
        self,
        session: SessionEntry,  # noqa: ARG002
        record: Record,  # noqa: ARG002
        jws: str,
        *,
        lasts_s: int | None = None,  # noqa: ARG002
    ) -> LedgerLine:
        self.tries[jws] += 1
        refusal = self.lasting or (self.refusals.pop(0) if self.refusals else None)
        if refusal is None:
            self.stored.append(jws)
        async with self.changed:
            self.changed.notify_all()
        if refusal is not None:
            raise refusal
        return LedgerLine(jws=jws, entry_jws=f"entry.{jws}")

    async def read(self, _: SessionEntry) -> Page:
        return Page()

    async def tried(self, jws: str, times: int) -> None:
        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(lambda: self.tries[jws] >= times)


@asynccontextmanager
async def running(ledger: FakeLedger) -> AsyncIterator[Backlog]:
    """A backlog in a task group of its own, closed at the end."""
    async with asyncio.TaskGroup() as tasks:
        waiting = Backlog(ledger, tasks)
        yield waiting
        waiting.close()


JWS = "header.record.signature"
SESSION = Consented().session()
RECORD = Pause(org="acme", sid=new_id(), seq=1, prev=GENESIS, device_time=NOW, paused=True)


async def test_what_is_stored_at_once_is_answered_with_its_line() -> None:
    ledger = FakeLedger()
    async with running(ledger) as waiting:
        line = await waiting.record(SESSION, RECORD, JWS)
    assert line.entry_jws == f"entry.{JWS}"
    assert ledger.tries[JWS] == 1


@pytest.mark.parametrize("refusal", [Unavailable(), Early()])
async def test_what_cannot_be_stored_yet_is_told_and_brought_again_until_it_is(
    refusal: BeistandError,
) -> None:
    ledger = FakeLedger([refusal, refusal])
    async with running(ledger) as waiting:
        with pytest.raises(type(refusal)):
            await waiting.record(SESSION, RECORD, JWS)
        await ledger.tried(JWS, 3)
    assert ledger.stored == [JWS]


async def test_the_same_record_waits_once_however_often_the_device_brings_it() -> None:
    ledger = FakeLedger(lasting=Unavailable())
    async with running(ledger) as waiting:
        for _ in range(5):
            with pytest.raises(Unavailable):
                await waiting.record(SESSION, RECORD, JWS)
        ledger.lasting = None
        await ledger.tried(JWS, 6)
    assert ledger.stored == [JWS]


async def test_a_record_that_is_refused_for_good_is_neither_kept_nor_brought_again() -> None:
    ledger = FakeLedger(lasting=BadSignature())
    async with running(ledger) as waiting:
        with pytest.raises(BadSignature):
            await waiting.record(SESSION, RECORD, JWS)
        ledger.lasting = None
        ledger.refusals = [Unavailable(), BadSignature()]
        with pytest.raises(Unavailable):
            await waiting.record(SESSION, RECORD, "refused.later.on")
        await ledger.tried("refused.later.on", 2)
        await waiting.record(SESSION, RECORD, "another.record.here")
    assert ledger.stored == ["another.record.here"]
    assert ledger.tries == Counter({JWS: 1, "refused.later.on": 2, "another.record.here": 1})


async def test_one_session_keeps_no_more_than_its_share_and_others_have_theirs() -> None:
    ledger = FakeLedger(lasting=Unavailable())
    other = Consented().session()
    names = [f"header.record-{number}.signature" for number in range(backlog.MAX_PER_SESSION + 2)]
    async with running(ledger) as waiting:
        for name in names:
            with pytest.raises(Unavailable):
                await waiting.record(SESSION, RECORD, name)
        with pytest.raises(Unavailable):
            await waiting.record(other, RECORD, "another.sessions.one")
        ledger.lasting = None
        kept = [*names[: backlog.MAX_PER_SESSION], "another.sessions.one"]
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name().startswith("record ")))
        assert sorted(ledger.stored) == sorted(kept)
        # The share is free again.
        ledger.refusals = [Unavailable()]
        with pytest.raises(Unavailable):
            await waiting.record(SESSION, RECORD, names[-1])
        await ledger.tried(names[-1], 3)
    assert sorted(ledger.stored) == sorted([*kept, names[-1]])


async def test_a_process_that_stops_leaves_what_waits_to_the_device() -> None:
    ledger = FakeLedger(lasting=Unavailable())
    async with running(ledger) as waiting:
        with pytest.raises(Unavailable):
            await waiting.record(SESSION, RECORD, JWS)
    assert ledger.stored == []
    assert ledger.tries[JWS] == 1


async def test_what_nobody_foresaw_about_one_record_ends_neither_the_service_nor_the_others() -> None:
    ledger = FakeLedger([Unavailable(), Unavailable(), ValueError()])
    async with running(ledger) as waiting:
        for name in (JWS, "another.record.here"):
            with pytest.raises(Unavailable):
                await waiting.record(SESSION, RECORD, name)
        await ledger.tried("another.record.here", 2)
    assert ledger.stored == ["another.record.here"]
