"""The device's own copy: a receipt that lacks, changes, swaps or adds anything is disputed."""

import base64
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.engine.chain import Chain
from agent.engine.key import DeviceKey
from agent.engine.notebook import Notebook
from beistand.protocol import signing
from beistand.protocol.messages import Joined, LedgerLine, Receipt
from beistand.protocol.records import Closing, End, Entry, Hello, Pause, Record
from tests.support.questions import NOW, ORG, SID, an_ask, an_id

pytestmark = pytest.mark.unit

CONSENT, STRANGER = secrets.token_bytes(32), secrets.token_bytes(32)


class World:
    """A device with its copy, and an honest ledger beside it."""

    def __init__(self) -> None:
        self.key = DeviceKey.generate()
        self.joined = Joined(
            org=ORG,
            session_id=SID,
            organisation_name="Acme",
            technician_id=an_id("Tina"),
            technician_name="Tina",
            nats_urls=("nats://127.0.0.1:1",),
            ticket="t" * 43,
            consent_key=_text(signing.public_key_of(CONSENT)),
        )
        self.notebook = Notebook(self.joined, self.key.agent_key)
        self.chain = Chain(ORG, SID)
        self.lines: list[LedgerLine] = []
        hello = {"agent_key": self.key.agent_key, "language": "en", "platform": "", "agent_version": ""}
        self.signs(Hello, **hello)
        self.notebook.taken(self.lines[0].jws, None)
        ask = signing.sign(an_ask(), CONSENT)
        self.notebook.note(ask)
        self.lines.append(a_line(ask, 1))
        for paused in (True, False):
            self.signs(Pause, paused=paused)
        self.notebook.taken(self.lines[2].jws, self.lines[2].entry_jws)
        self.signs(End, cause="end_session")

    def signs(self, kind: Any, **content: Any) -> None:
        self.chain, jws = self.chain.sign(kind, content, key=self.key, device_time=NOW)
        self.notebook.note(jws)
        self.lines.append(a_line(jws, len(self.lines)))

    def receipt(self, **changes: Any) -> Receipt:
        lines = tuple(changes.pop("records", self.lines))
        closing = {
            "org": ORG,
            "sid": SID,
            "count": len(lines),
            "last_entry_hash": signing.hash_of(lines[-1].entry_jws),
            "chain_head": self.chain.prev,
            "closed_at": NOW,
            **changes.pop("closing", {}),
        }
        receipt = {
            "org": ORG,
            "sid": SID,
            "organisation_name": "Acme",
            "technician_name": "Tina",
            "agent_key": self.key.agent_key,
            "consent_key": self.joined.consent_key,
            "created_at": NOW,
            "records": lines,
            "closing_jws": _signed(Closing.model_validate(closing)),
        }
        return Receipt.model_validate({**receipt, **changes})


def a_line(jws: str, position: int, *, seed: bytes = CONSENT, record_hash: str = "") -> LedgerLine:
    entry = Entry(
        org=ORG,
        sid=SID,
        position=position,
        record_hash=record_hash or signing.hash_of(jws),
        recorded_at=NOW,
    )
    return LedgerLine(jws=jws, entry_jws=signing.sign(entry, seed))


def _signed(record: Record) -> str:
    return signing.sign(record, CONSENT)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _without(place: int) -> Callable[[World], Receipt]:
    def receipt(world: World) -> Receipt:
        left = [line.jws for line in world.lines if line != world.lines[place]]
        return world.receipt(records=[a_line(jws, position) for position, jws in enumerate(left)])

    return receipt


def _swapped(world: World) -> Receipt:
    order = [0, 1, 3, 2, 4]
    return world.receipt(records=[a_line(world.lines[at].jws, place) for place, at in enumerate(order)])


def _resigned(world: World) -> Receipt:
    lines = list(world.lines)
    lines[3] = a_line(lines[3].jws, 3, seed=STRANGER)
    return world.receipt(records=lines)


def _other_entry(world: World) -> Receipt:
    lines = list(world.lines)
    other = Entry(
        org=ORG,
        sid=SID,
        position=2,
        record_hash=signing.hash_of(lines[2].jws),
        recorded_at=datetime(2027, 1, 1, tzinfo=UTC),
    )
    lines[2] = LedgerLine(jws=lines[2].jws, entry_jws=_signed(other))
    return world.receipt(records=lines)


def _wrong_place(world: World) -> Receipt:
    return world.receipt(records=[*world.lines[:3], a_line(world.lines[3].jws, 7), world.lines[4]])


def _foreign(world: World) -> Receipt:
    pause = Pause(org=ORG, sid=SID, seq=4, prev=world.chain.prev, device_time=NOW, paused=True)
    return world.receipt(records=[*world.lines, a_line(signing.sign(pause, STRANGER), 5)])


BAD: dict[str, Callable[[World], Receipt]] = {
    "no hello": _without(0),
    "a question dropped": _without(1),
    "a record dropped": _without(3),
    "cut off": _without(4),
    "swapped": _swapped,
    "an entry by another key": _resigned,
    "another entry than we got": _other_entry,
    "a gap in the positions": _wrong_place,
    "a foreign record": _foreign,
    "closing: count": lambda world: world.receipt(closing={"count": 4}),
    "closing: entry": lambda world: world.receipt(closing={"last_entry_hash": "x" * 43}),
    "closing: head": lambda world: world.receipt(closing={"chain_head": "x" * 43}),
    "closing: session": lambda world: world.receipt(closing={"sid": an_id("other")}),
    "closing: not signed": lambda world: world.receipt(closing_jws=world.lines[0].entry_jws),
    "another session": lambda world: world.receipt(sid=an_id("other")),
    "another key": lambda world: world.receipt(consent_key=_text(signing.public_key_of(STRANGER))),
    "another device": lambda world: world.receipt(agent_key=DeviceKey.generate().agent_key),
    "another technician": lambda world: world.receipt(technician_name="Somebody"),
}


def test_an_honest_receipt_is_not_disputed() -> None:
    world = World()
    assert world.notebook.dispute(world.receipt()) == ""


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_receipt_that_differs_is_disputed(bad: Callable[[World], Receipt]) -> None:
    world = World()
    assert world.notebook.dispute(bad(world))


def test_what_is_not_proven_to_be_stored_is_brought_along() -> None:
    world = World()
    assert world.notebook.untaken() == (world.lines[3].jws, world.lines[4].jws)
    world.notebook.taken(world.lines[3].jws, a_line(world.lines[3].jws, 3, seed=STRANGER).entry_jws)
    world.notebook.taken(world.lines[4].jws, None)
    assert world.notebook.untaken() == (world.lines[3].jws, world.lines[4].jws)


def test_the_own_copy_has_everything_in_order_and_says_what_it_lacks() -> None:
    world = World()
    copy = json.loads(world.notebook.text(now=NOW))
    assert [line["jws"] for line in copy["records"]] == [line.jws for line in world.lines]
    entries = [line["entry_jws"] for line in copy["records"]]
    assert entries == [None, None, world.lines[2].entry_jws, None, None]
    assert copy["closing_jws"] is None
    assert set(copy) == set(Receipt.model_fields)
