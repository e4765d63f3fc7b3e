"""Stops that no service has acknowledged yet, kept on disk, so that not even a killed agent loses one.

What is kept is signed already: no key, no ticket, nothing secret. At the next start it is handed over through
the gateway's public door, in the order of signing; there a record counts once, however often it comes.
"""

import asyncio
import binascii
import logging
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.engine import proof
from agent.engine.records_post import Post
from beistand.protocol import signing
from beistand.protocol.errors import BadSignature, BeistandError, Ended
from beistand.protocol.messages import PostedRecord, Recorded

log = logging.getLogger(__name__)

PATTERN = "*.record.json"
MAX_FILES, MAX_BYTES = 256, 64 * 1024
"""More, or larger ones, are not ours."""
WORTH_S = 7 * 24 * 3600.0
"""How long a record is kept for services that never take it, in seconds."""
FIRST_PAUSE_S, LONGEST_PAUSE_S, TRIES = 0.5, 60.0, 12


class Leftover(BaseModel):
    """One file: the record, and what an answer to it is proven with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gateway: str
    consent_key: str
    record: PostedRecord


class Kept:
    """The folder of one agent. Writing and deleting happen in order, on a thread that nobody waits for."""

    def __init__(self, folder: Path, *, gateway: str) -> None:
        self._folder = folder
        self._gateway = gateway
        self._paths: dict[str, Path] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="beistand-kept")

    def keep(self, record: PostedRecord, *, consent_key: str) -> None:
        """Have a record on disk, from soon on."""
        path = self._folder / f"{time.time_ns():020}-{record.sid}.record.json"
        self._paths[record.jws] = path
        leftover = Leftover(gateway=self._gateway, consent_key=consent_key, record=record)
        self._thread.submit(self._write, path, leftover.model_dump_json())

    def drop(self, jws: str) -> None:
        """The record was acknowledged; harmless if it was never kept."""
        path = self._paths.pop(jws, None)
        if path is not None:
            self._thread.submit(_remove, path)

    def close(self) -> None:
        """Wait until the disk is as it should be."""
        self._thread.shutdown()

    def leftovers(self) -> list[tuple[Path, Leftover]]:
        """What an earlier run left for this gateway, oldest first; what cannot be read is passed over."""
        with suppress(OSError):
            return list(self._readable())
        return []

    def _readable(self) -> Iterator[tuple[Path, Leftover]]:
        for path in sorted(self._folder.glob(PATTERN))[:MAX_FILES]:
            leftover = _read(path)
            if leftover is None:
                log.warning("a kept record cannot be read", extra={"file": path.name})
            elif leftover.gateway == self._gateway:
                yield path, leftover

    def _write(self, path: Path, text: str) -> None:
        """Whole or not at all, for its owner only."""
        draft = path.with_suffix(".part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            draft.replace(path)
        except OSError as error:
            log.error("a record could not be kept", extra={"error": error.strerror})


async def hand_over(kept: Kept, post: Post) -> None:
    """Deliver what an earlier run left. Sessions wait for nobody but their own earlier records."""
    found = sorted(await asyncio.to_thread(kept.leftovers), key=lambda each: each[1].record.sid)
    sessions = [list(group) for _, group in groupby(found, key=lambda each: each[1].record.sid)]
    async with asyncio.TaskGroup() as tasks:
        for session in sessions:
            tasks.create_task(_deliver(session, post), name="kept-records")


async def _deliver(session: list[tuple[Path, Leftover]], post: Post) -> None:
    """One session's records in their order; what no service takes now waits for the next start."""
    for path, leftover in session:
        if not await _is_taken(leftover, post) and not _is_worthless(path):
            return
        await asyncio.to_thread(_remove, path)
        log.info("kept record settled", extra={"session": leftover.record.sid})


async def _is_taken(leftover: Leftover, post: Post) -> bool:
    pause = FIRST_PAUSE_S
    for tries_left in reversed(range(TRIES)):
        try:
            _prove(leftover, await post(leftover.record))
        except Ended:
            return True
        except BeistandError:
            if tries_left:
                await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        else:
            return True
    return False


def _prove(leftover: Leftover, answer: Recorded) -> None:
    """BadSignature unless the consent service's entry shows it stored; an end is answered without one."""
    record = leftover.record
    if record.type == "end" and answer.entry_jws is None:
        return
    try:
        key = signing.raw_key(leftover.consent_key)
    except (binascii.Error, ValueError):
        raise BadSignature from None
    proof.entry_of(answer.entry_jws, key, org=record.org, sid=record.sid, record_jws=record.jws)


def _is_worthless(path: Path) -> bool:
    with suppress(OSError):
        return path.stat().st_mtime + WORTH_S < time.time()
    return True


def _read(path: Path) -> Leftover | None:
    """A file of ours; never through a link, never without bounds."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            body = file.read(MAX_BYTES + 1)
        return Leftover.model_validate_json(body) if len(body) <= MAX_BYTES else None
    except (OSError, ValidationError):
        return None


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
