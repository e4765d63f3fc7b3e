"""A bucket with compare-and-set in memory, and coroutines that can be interleaved at every access to it."""

import types
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from beistand.bus.store import Conflict, Stored
from beistand.protocol.errors import BeistandError, NotFound, Unavailable

M = TypeVar("M")


@types.coroutine
def breath() -> Generator[None]:
    """Where a coroutine waits for the world, and others get their turn."""
    yield


@dataclass(eq=False)
class Job:
    """One coroutine under way; `done` gets its result or its error."""

    coroutine: Coroutine[Any, Any, Any]
    done: Callable[[Any], None]

    def step(self) -> bool:
        """One step; whether it is over."""
        try:
            self.coroutine.send(None)
        except StopIteration as finished:
            self.done(finished.value)
            return True
        except BeistandError as error:
            self.done(error)
            return True
        return False


class MemoryStore(Generic[M]):
    """What `beistand.bus.store.Store` is to a service; `is_away` tells whether it cannot be reached."""

    def __init__(
        self, *, is_away: Callable[[], bool], written: Callable[[M], None], conflict: Callable[[], None]
    ) -> None:
        self.values: dict[str, Stored[M]] = {}
        self._is_away = is_away
        self._written = written
        self._conflict = conflict
        self._revision = 0

    async def get(self, key: str) -> Stored[M] | None:
        await self._reach()
        return self.values.get(key)

    async def create(self, key: str, value: M) -> int:
        await self._reach()
        if key in self.values:
            raise Conflict
        return self.write(key, value)

    async def update(self, key: str, value: M, *, revision: int) -> int:
        await self._reach()
        self._check(key, revision)
        return self.write(key, value)

    async def delete(self, key: str, *, revision: int) -> None:
        await self._reach()
        self._check(key, revision)
        del self.values[key]

    async def change(self, key: str, edit: Callable[[M], M]) -> M:
        while True:
            stored = await self.get(key)
            if stored is None:
                raise NotFound
            edited = edit(stored.value)
            if edited == stored.value:
                return edited
            try:
                await self.update(key, edited, revision=stored.revision)
            except Conflict:
                continue
            return edited

    def below(self, prefix: str) -> list[Stored[M]]:
        return [stored for key, stored in self.values.items() if key.startswith(f"{prefix}.")]

    async def list(self, prefix: str) -> list[Stored[M]]:
        await self._reach()
        return self.below(prefix)

    def write(self, key: str, value: M) -> int:
        self._revision += 1
        self.values[key] = Stored(value, self._revision)
        self._written(value)
        return self._revision

    def _check(self, key: str, revision: int) -> None:
        stored = self.values.get(key)
        if stored is None or stored.revision != revision:
            self._conflict()
            raise Conflict

    async def _reach(self) -> None:
        await breath()
        if self._is_away():
            raise Unavailable


@dataclass
class Work:
    """The coroutines of one service, each at its own await."""

    jobs: list[Job] = field(default_factory=list)

    def start(
        self, coroutine: Coroutine[Any, Any, Any], done: Callable[[Any], None] = lambda _: None
    ) -> None:
        self.jobs.append(Job(coroutine, done))

    def step(self, job: Job) -> None:
        if job.step() and job in self.jobs:
            self.jobs.remove(job)

    def crash(self) -> None:
        """What was under way is gone, wherever it was."""
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            job.coroutine.close()
