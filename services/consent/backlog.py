"""Records whose effect did not wait for the ledger, on their way into it, until they are stored.

Bounded per session and at all: what does not fit is brought again by the device, which keeps every record it
holds no entry for.
"""

import asyncio
import logging
from collections import Counter

from beistand.protocol import signing
from beistand.protocol.errors import BeistandError, Unavailable
from beistand.protocol.messages import LedgerLine, SessionEntry
from beistand.protocol.records import Record
from services.consent.chain import Early
from services.consent.ledger import Ledger

log = logging.getLogger(__name__)

MAX_WAITING = 1024
MAX_PER_SESSION = 8
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
MAX_TRIES = 240
"""About twenty minutes; then only the device still knows."""


class Backlog:
    """Appends, and goes on by itself where that does not work at once."""

    def __init__(self, ledger: Ledger, tasks: asyncio.TaskGroup) -> None:
        self._ledger = ledger
        self._group = tasks
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._per_session: Counter[str] = Counter()

    async def record(self, session: SessionEntry, record: Record, jws: str) -> LedgerLine:
        """The stored line, or the error of the first try; another one is made later all the same."""
        try:
            return await self._ledger.append(session, record, jws)
        except (Unavailable, Early):
            self._keep(session, record, jws)
            raise

    def close(self) -> None:
        """The process stops: what waits is the device's to bring again."""
        for task in self._tasks.values():
            task.cancel()

    def _keep(self, session: SessionEntry, record: Record, jws: str) -> None:
        key, sid = signing.hash_of(jws), session.sid
        is_full = len(self._tasks) >= MAX_WAITING or self._per_session[sid] >= MAX_PER_SESSION
        if key in self._tasks or is_full:
            return
        self._per_session[sid] += 1
        task = self._group.create_task(self._bring(session, record, jws), name=f"record {sid}")
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._forget(key, sid))

    def _forget(self, key: str, sid: str) -> None:
        self._tasks.pop(key, None)
        self._per_session[sid] -= 1
        self._per_session += Counter()  # drops what is back at zero

    async def _bring(self, session: SessionEntry, record: Record, jws: str) -> None:
        pause = FIRST_PAUSE_S
        for _ in range(MAX_TRIES):
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
            try:
                await self._ledger.append(session, record, jws)
            except (Unavailable, Early):
                continue
            except BeistandError as error:
                log.warning("record not stored", extra={"sid": session.sid, "code": error.code})
            except Exception:  # one record nobody foresaw must not end the service, and with it the others
                log.exception("record not stored", extra={"sid": session.sid})
            return
        log.error("record given up", extra={"sid": session.sid})
