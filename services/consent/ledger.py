"""The ledger: every signed record of a session or device, countersigned, in a stream that forgets nothing.

Appending is one conditional publish. No answer means "unknown": the leader is read again, and the
record, if it is there, was ours. The same record again gets the same entry, from whichever replica.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from nats.aio.client import Client
from nats.js import api
from nats.js.errors import APIError, NotFoundError
from pydantic import ValidationError

from beistand.bus.connection import UNREACHABLE
from beistand.bus.permissions import Stream
from beistand.protocol import signing, subjects
from beistand.protocol.errors import BadSignature, Unavailable
from beistand.protocol.messages import LedgerLine, encode
from beistand.protocol.records import Hello, Record
from services.consent import chain
from services.consent.adapters import Pen, Shelf
from services.consent.chain import Early, Page

log = logging.getLogger(__name__)

TIMEOUT_S = 2.0
UNKNOWN_TRIES = 3
"""How often a write without an answer is tried before the caller is told to come back."""
RACES = 32
"""How often other writers of the same session may be faster."""
PAUSE_S = 0.1
EARLY_WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Records are requests of their own and may overtake each other by so much."""
PAGES_KEPT = 512
"""Sessions whose page is remembered; the others are read from the stream again."""
_WRONG_LAST_SEQUENCE = frozenset({10071, 10164})
_EXPECTED = api.Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value
_MESSAGE_ID = api.Header.MSG_ID.value


class Whose(Protocol):
    """Whose page: a session's, or an enrolled device's."""

    @property
    def org(self) -> str:
        """The organisation."""

    @property
    def sid(self) -> str:
        """The session, or the device."""


class Ledger(Protocol):
    """The port to where records are kept: nothing counts as granted before `append` returned."""

    async def append(
        self, session: Whose, record: Record, jws: str, *, lasts_s: int | None = None
    ) -> LedgerLine:
        """The stored line; the same record again gets the same one. `lasts_s`: how long what it grants lasts.

        Raises BadSignature if it does not continue the session's chain, Unavailable if it may not be stored.
        """

    async def read(self, session: Whose) -> Page:
        """Everything stored for the session, with the hellos the session service took in."""


@dataclass(frozen=True)
class _Seen:
    """A page and the stream's sequence number of its last line."""

    page: Page = field(default_factory=Page)
    sequence: int = 0


class JetStreamLedger:
    """See `Ledger`."""

    def __init__(self, client: Client, *, pen: Pen, shelf: Shelf, clock: Callable[[], datetime]) -> None:
        self._js = client.jetstream(timeout=TIMEOUT_S)
        self._pen = pen
        self._shelf = shelf
        self._clock = clock
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    async def append(
        self, session: Whose, record: Record, jws: str, *, lasts_s: int | None = None
    ) -> LedgerLine:
        """See `Ledger`."""
        for wait_s in EARLY_WAITS_S:
            await self._take_in_hellos(session)
            try:
                return await self._append(session, record, jws, lasts_s=lasts_s)
            except Early:
                await asyncio.sleep(wait_s)
        return await self._append(session, record, jws, lasts_s=lasts_s)

    async def read(self, session: Whose) -> Page:
        """See `Ledger`."""
        await self._take_in_hellos(session)
        return (await self._read(session)).page

    async def _take_in_hellos(self, session: Whose) -> None:
        """Store the hellos that continue the chain by now; the session service answered and kept them."""
        latest = await self._shelf.session(session.org, session.sid)
        if latest is None or latest.agent_key is None or not latest.chain:
            return
        agent_key = signing.public_key_of_agent(latest.agent_key)
        page = (await self._read(session)).page
        for link in sorted(latest.chain, key=lambda link: link.seq):
            if link.jws is None or not chain.continues(page, link.seq, link.prev):
                continue
            try:
                hello = signing.verify(link.jws, agent_key, Hello)
                await self._append(session, hello, link.jws, lasts_s=None)
            except BadSignature:
                log.warning("hello not taken in", extra={"sid": session.sid})
                return
            page = (await self._read(session)).page

    async def _append(self, session: Whose, record: Record, jws: str, *, lasts_s: int | None) -> LedgerLine:
        unknown = 0
        for _ in range(RACES):
            seen = await self._read(session)
            stored = seen.page.line_of(jws)
            if stored is not None:
                return stored
            chain.check_next(seen.page, record)
            entry_jws = self._pen.countersign(
                record, jws, position=len(seen.page.lines), now=self._clock(), lasts_s=lasts_s
            )
            line = LedgerLine(jws=jws, entry_jws=entry_jws)
            try:
                await self._publish(session, line, expected=seen.sequence)
            except _Unknown:
                unknown += 1
                if unknown == UNKNOWN_TRIES:
                    break
                await asyncio.sleep(PAUSE_S)
        raise Unavailable("The ledger did not confirm the record.")

    async def _publish(self, session: Whose, line: LedgerLine, *, expected: int) -> None:
        """Try to make the line the next of its session; what is stored then, the stream says."""
        headers = {_EXPECTED: str(expected), _MESSAGE_ID: signing.hash_of(line.jws)}
        subject = subjects.ledger(session.org, session.sid)
        try:
            answer = await self._js.publish(subject, encode(line), timeout=TIMEOUT_S, headers=headers)
        except APIError as error:
            if error.err_code not in _WRONG_LAST_SEQUENCE:
                raise _Unknown from error
            return
        except UNREACHABLE as error:
            raise _Unknown from error
        if not answer.duplicate:
            log.debug("line stored", extra={"sid": session.sid})

    async def _read(self, session: Whose) -> _Seen:
        """Everything the stream's leader has for the session. Raises Unavailable."""
        subject = subjects.ledger(session.org, session.sid)
        seen = self._seen.get(subject, _Seen())
        while True:
            try:
                message = await self._js.get_msg(
                    Stream.LEDGER.value, seq=seen.sequence + 1, subject=subject, next=True
                )
            except NotFoundError:
                break
            except UNREACHABLE as error:
                raise Unavailable from error
            page = self._extended(session, seen.page, message.data or b"")
            seen = _Seen(page, message.seq or 0)
        self._remember(subject, seen)
        return seen

    def _extended(self, session: Whose, page: Page, data: bytes) -> Page:
        """The page with a stored line; a ledger that is not what we wrote grants nobody anything."""
        try:
            line = LedgerLine.model_validate_json(data)
            return chain.extended(
                page, line, consent_key=self._pen.public_key, org=session.org, sid=session.sid
            )
        except (ValidationError, BadSignature):
            log.critical(
                "the ledger is not as we wrote it", extra={"sid": session.sid, "position": len(page.lines)}
            )
            raise Unavailable("The session's ledger is damaged.") from None

    def _remember(self, subject: str, seen: _Seen) -> None:
        self._seen[subject] = seen
        self._seen.move_to_end(subject)
        while len(self._seen) > PAGES_KEPT:
            self._seen.popitem(last=False)


class _Unknown(Exception):
    """Nobody said whether the line was stored."""
