"""One session's page of the ledger: what stands on it, and whether a record may be the next. Pure.

The device is the only writer of its own chain (ADR 4): its records follow each other by number and hash.
Questions stand between them; the order of everything is in the entries' positions.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from beistand.protocol import signing
from beistand.protocol.errors import BadSignature
from beistand.protocol.messages import LedgerLine
from beistand.protocol.records import GENESIS, Ask, DeviceRecord, Entry, Record


class Early(BadSignature):
    """A record whose predecessors are not here; they may be under way."""


@dataclass(frozen=True)
class Page:
    """Every line so far; `seq` and `head` say what the device's next record must name."""

    lines: tuple[LedgerLine, ...] = ()
    seq: int = 0
    head: str = GENESIS

    @cached_property
    def places(self) -> dict[str, int]:
        """Position by record hash."""
        return {signing.hash_of(line.jws): place for place, line in enumerate(self.lines)}

    def line_of(self, jws: str) -> LedgerLine | None:
        """The line of a record that was stored before."""
        place = self.places.get(signing.hash_of(jws))
        return None if place is None else self.lines[place]


def check_next(page: Page, record: Record) -> None:
    """Pass if the record may be the next line; Early if others are missing, otherwise BadSignature."""
    if not isinstance(record, DeviceRecord):
        return
    if record.seq > page.seq:
        raise Early("Records before this one are missing.")
    if not continues(page, record.seq, record.prev):
        raise BadSignature("The record does not continue the chain.")


def continues(page: Page, seq: int, prev: str) -> bool:
    """Whether a device record with this place is the next of the chain."""
    return (seq, prev) == (page.seq, page.head)


def extended(page: Page, line: LedgerLine, *, consent_key: bytes, org: str, sid: str) -> Page:
    """The page with one more stored line, or BadSignature if that is not a line of ours for this place."""
    entry = signing.verify(line.entry_jws, consent_key, Entry)
    record_hash = signing.hash_of(line.jws)
    if (entry.org, entry.sid, entry.position, entry.record_hash) != (
        org,
        sid,
        len(page.lines),
        record_hash,
    ):
        raise BadSignature("The entry is for another place.")
    page = replace(page, lines=(*page.lines, line))
    if signing.type_of(line.jws) == Ask.typ:
        return page
    return replace(page, seq=page.seq + 1, head=record_hash)
