"""The customer's receipt: on their disk after every kind of end, never the server's word alone."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from agent.port import Phase
from beistand.protocol.messages import Party, Receipt
from beistand.protocol.records import Activity, End
from tests.support.core_services import Technician, receipt_of
from tests.support.person import Person, person_by_http
from tests.support.receipts import checked, kinds

pytestmark = pytest.mark.integration


@pytest.fixture
async def person(services: Client, tmp_path: Path) -> AsyncIterator[Person]:
    async with person_by_http(services, receipts=tmp_path / "receipts") as person:
        yield person


async def _joined(technician: Technician, person: Person) -> str:
    created = await technician.create()
    await person.joins(created.code)
    return created.session.id


async def _kept(person: Person, sid: str) -> Path:
    """The agreed receipt's file."""
    view = await person.sees(lambda view: view.receipt.endswith(f"{sid}.json"))
    return Path(view.receipt)


async def test_both_sides_hold_the_same_proof_after_the_customers_end(
    technician: Technician, person: Person
) -> None:
    sid = await _joined(technician, person)
    await technician.ask(sid)
    await person.allows()
    person.engine.stop_sharing()
    await person.sees(lambda view: bool(view.used))
    person.engine.ask_end()
    person.engine.confirm_end()
    path = await _kept(person, sid)
    own = Receipt.model_validate_json(path.read_text())
    checked(own)
    assert kinds(own) == ["hello", "ask", "decision", "revocation", "activity", "pause", "end"]
    theirs = await receipt_of(technician, sid)
    assert (theirs.records, theirs.closing_jws) == (own.records, own.closing_jws)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_the_technicians_end_leaves_a_receipt_too(technician: Technician, person: Person) -> None:
    sid = await _joined(technician, person)
    await technician.ask(sid)
    await person.allows()
    await technician.end(sid)
    view = await person.sees(lambda view: view.phase is Phase.ENDED)
    assert view.ended_by is Party.TECHNICIAN
    receipt = Receipt.model_validate_json((await _kept(person, sid)).read_text())
    checked(receipt)
    assert kinds(receipt) == ["hello", "ask", "decision", "activity"]


async def test_what_the_end_stopped_is_summed_up_after_it(technician: Technician, person: Person) -> None:
    sid = await _joined(technician, person)
    await technician.ask(sid)
    await person.allows()
    person.engine.confirm_end()
    receipt = Receipt.model_validate_json((await _kept(person, sid)).read_text())
    *_, end, activity = checked(receipt)
    assert isinstance(end, End)
    assert isinstance(activity, Activity)
    assert activity.used_s > 0
    assert activity.since < activity.until
    assert activity.input is None


async def test_starting_over_forgets_the_old_receipt(technician: Technician, person: Person) -> None:
    sid = await _joined(technician, person)
    person.engine.confirm_end()
    await _kept(person, sid)
    person.engine.start_over()
    view = await person.sees(lambda view: view.phase is Phase.CODE)
    assert view.receipt == ""
