"""Where the chain of a session's device records stands, and whether a record continues it. Pure.

The device is the chain's only writer (ADR 4). Hellos are taken in by the session service, which leaves their
places in the session's entry: following the chain past them is `caught_up`.
"""

from collections.abc import Iterable
from datetime import datetime

from pydantic import AwareDatetime, Field

from beistand.protocol import signing
from beistand.protocol.errors import BadSignature
from beistand.protocol.messages import ChainLink, Message
from beistand.protocol.records import GENESIS, DeviceRecord, Hash

KEPT = 64
"""Places remembered, so that a record sent again gets the answer it got the first time."""


class Place(Message):
    """One record was taken in: its number in the session and when (server clock)."""

    position: int = Field(ge=0)
    record_hash: Hash
    recorded_at: AwareDatetime


class Chain(Message):
    """KV `grants`, key `chain/<org>/<sid>`, unlike any request's key: the newest places, oldest first."""

    places: tuple[Place, ...] = ()


def link_of(record: DeviceRecord, jws: str) -> ChainLink:
    """The place a record claims."""
    return ChainLink(seq=record.seq, prev=record.prev, record_hash=signing.hash_of(jws))


def place_of(chain: Chain, link: ChainLink) -> Place | None:
    """The place of a record that was taken in before."""
    return next((place for place in chain.places if place.record_hash == link.record_hash), None)


def caught_up(chain: Chain, hellos: Iterable[ChainLink], *, now: datetime) -> Chain:
    """The chain with those hellos that continue it."""
    for hello in sorted(hellos, key=lambda link: link.seq):
        if _continues(chain, hello):
            chain = _with(chain, hello, now)
    return chain


def extended(chain: Chain, link: ChainLink, *, now: datetime) -> Chain:
    """The chain with one more record, or BadSignature if it does not continue it."""
    if not _continues(chain, link):
        raise BadSignature("The record does not continue the chain.")
    return _with(chain, link, now)


def is_early(chain: Chain, link: ChainLink) -> bool:
    """Whether records before this one may still be under way."""
    return link.seq > _next(chain)


def _next(chain: Chain) -> int:
    return chain.places[-1].position + 1 if chain.places else 0


def _continues(chain: Chain, link: ChainLink) -> bool:
    newest = chain.places[-1].record_hash if chain.places else GENESIS
    return link.seq == _next(chain) and link.prev == newest


def _with(chain: Chain, link: ChainLink, now: datetime) -> Chain:
    place = Place(position=link.seq, record_hash=link.record_hash, recorded_at=now)
    return Chain(places=(*chain.places, place)[-KEPT:])
