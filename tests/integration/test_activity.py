"""What was used is signed by the device after every stop, recorded once, and told to both sides."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from beistand.bus import rpc
from beistand.bus.connection import connect
from beistand.bus.settings import BusSettings
from beistand.protocol import messages, receipt, signing, subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BadSignature, BeistandError, NotFound
from beistand.protocol.messages import InputKey, InputText, Receipt, ReceiptWanted, Recorded, RequestView
from beistand.protocol.records import Activity, Ask, InputCounts, ReceiptRequest
from tests.support.agent_wire import AgentWire, new_id
from tests.support.core_services import Technician, receipt_of, until
from tests.support.person import Person, person_by_http
from tests.support.receipts import checked, kinds

pytestmark = pytest.mark.integration


@pytest.fixture
def service_settings() -> dict[str, Any]:
    """A question may follow a no at once."""
    return {"consent_pause_s": 0}


def summary(agent: AgentWire, ask: Ask, **changes: Any) -> str:
    now = datetime.now(UTC)
    content = {
        "request_id": ask.request_id,
        "technician_id": ask.technician_id,
        "capability": ask.capability,
        "since": now - timedelta(seconds=61),
        "until": now,
        "used_s": 60,
        **changes,
    }
    return agent.sign(Activity, **content)


async def sent(agent: AgentWire, jws: str) -> Recorded:
    return await agent.send(subjects.Up.ACTIVITY, "activity", jws)


async def request(technician: Technician, sid: str, request_id: str) -> RequestView:
    return (await technician.requests(sid))[request_id]


async def told(technician: Technician, sid: str, request_id: str) -> messages.Usage:
    """What technicians are told of the use, once they are."""

    async def is_told() -> bool:
        return (await request(technician, sid, request_id)).usage is not None

    await until(is_told)
    usage = (await request(technician, sid, request_id)).usage
    assert usage is not None
    return usage


async def test_a_summary_is_recorded_once_and_told(
    technician: Technician, agent: AgentWire, services: Client
) -> None:
    await technician.ask(agent.sid)
    ask = await agent.allow_next()
    await agent.revoke(ask.request_id)
    events = await services.subscribe(subjects.events_of_session(agent.org, agent.sid))
    await services.flush()
    jws = summary(agent, ask)
    first, again = await sent(agent, jws), await sent(agent, jws)
    assert agent.entry_of(first, jws) == agent.entry_of(again, jws) is not None
    usage = (await request(technician, agent.sid, ask.request_id)).usage
    assert usage is not None
    assert (usage.used_s, usage.input) == (60, None)
    event = messages.parse(messages.CloudEvent, (await events.next_msg(5)).data)
    assert isinstance(event.data, RequestView)
    assert event.data.usage == usage
    assert events.pending_msgs == 0


OTHERS: list[tuple[str, dict[str, Any], type[BeistandError]]] = [
    ("another technician's", {"technician_id": new_id()}, BadSignature),
    ("another kind of access", {"capability": Capability.CONTROL, "input": InputCounts()}, BadSignature),
    ("a view with input", {"input": InputCounts(keys=1)}, BadSignature),
    ("an access nobody asked for", {"request_id": new_id()}, NotFound),
    ("another session's", {"sid": new_id()}, BadSignature),
    ("another device's", {"seed": bytes(32)}, BadSignature),
]


@pytest.mark.parametrize(
    ("changes", "error"), [case[1:] for case in OTHERS], ids=[case[0] for case in OTHERS]
)
async def test_a_summary_of_anything_else_is_refused_and_not_told(
    technician: Technician, agent: AgentWire, changes: dict[str, Any], error: type[BeistandError]
) -> None:
    await technician.ask(agent.sid)
    ask = await agent.allow_next()
    jws = summary(agent, ask, **changes)
    with pytest.raises(error):
        await sent(agent, jws)
    assert (await request(technician, agent.sid, ask.request_id)).usage is None


async def test_after_the_end_it_comes_with_the_request_for_the_receipt(
    technician: Technician, agent: AgentWire, services: Client
) -> None:
    await technician.ask(agent.sid)
    ask = await agent.allow_next()
    await agent.end()
    jws = summary(agent, ask)
    wanted = ReceiptRequest(org=agent.org, sid=agent.sid, asked_at=datetime.now(UTC))
    message = ReceiptWanted(
        org=agent.org, session_id=agent.sid, jws=signing.sign(wanted, agent.seed), records=(jws,)
    )

    async def is_stored() -> bool:  # the end itself is stored after it has taken effect
        try:
            await rpc.call(services, subjects.Service.CONSENT_HAND_OVER, message, Receipt)
        except BadSignature:
            return False
        return True

    await until(is_stored)
    whole = await receipt_of(technician, agent.sid)
    assert kinds(whole) == ["hello", "ask", "decision", "end", "activity"]
    assert receipt.verify(whole.model_dump_json()).ok
    assert (await told(technician, agent.sid, ask.request_id)).used_s == 60


async def test_a_session_without_a_summary_is_genuine_all_the_same(
    technician: Technician, agent: AgentWire
) -> None:
    await technician.ask(agent.sid)
    await agent.allow_next()
    await technician.end(agent.sid)
    assert receipt.verify((await receipt_of(technician, agent.sid)).model_dump_json()).ok


# --- the real engine ----------------------------------------------------------------------------------


@pytest.fixture
async def person(services: Client, tmp_path: Path) -> AsyncIterator[Person]:
    async with person_by_http(services, receipts=tmp_path / "receipts") as person:
        yield person


@pytest.fixture
async def relay(bus_settings: BusSettings) -> AsyncIterator[Client]:
    client = await connect(bus_settings, "relay")
    yield client
    await client.close()


Pass = Callable[[messages.Input], Awaitable[None]]


async def controlled(technician: Technician, person: Person, relay: Client) -> tuple[str, str, Pass]:
    """A session under control; what a relay would pass on goes through the last of the three."""
    created = await technician.create()
    await person.joins(created.code)
    sid = created.session.id
    await technician.ask(sid)
    await person.allows()
    await technician.ask(sid, Capability.CONTROL)
    grant = await person.allows()
    subject = subjects.input_of_grant(technician.org, sid, grant)
    return sid, grant, lambda event: relay.publish(subject, messages.encode(event))


def counted(person: Person, grant: str) -> InputCounts:
    return next(access.input for access in person.view.accesses if access.grant_id == grant)


def kept(path: str) -> Receipt:
    return Receipt.model_validate_json(Path(path).read_text())


async def test_counts_are_seen_while_it_happens_and_stand_in_the_receipt(
    technician: Technician, person: Person, relay: Client
) -> None:
    sid, grant, passes = await controlled(technician, person, relay)
    before = len(person.seen)
    for _ in range(60):
        await passes(InputKey(key="g", code="KeyG", action="down"))
        await passes(InputKey(key="g", code="KeyG", action="up"))
    await passes(InputText(text="geheim"))
    expected = InputCounts(keys=60, characters=6)
    await person.sees(lambda _: counted(person, grant) == expected)
    assert len(person.seen) - before < 20, "not a view for every key"

    person.engine.stop_sharing()
    await person.sees(lambda view: len(view.used) == 2)
    [done] = [used.input for used in person.view.used if used.capability is Capability.CONTROL]
    assert done == expected
    usage = await told(technician, sid, grant)
    assert usage.input == expected
    assert usage.used_s >= 1
    person.engine.confirm_end()
    view = await person.sees(lambda view: view.receipt.endswith(f"{sid}.json"))
    whole = kept(view.receipt)
    assert kinds(whole)[5:] == ["revocation", "activity", "activity", "end"]
    found = {record.request_id: record for record in checked(whole) if isinstance(record, Activity)}
    assert found[grant].input == expected
    assert receipt.verify(whole.model_dump_json()).ok
    everything = whole.model_dump_json() + "".join(map(repr, person.view.used))
    assert "geheim" not in everything


async def test_what_is_stopped_by_the_technicians_end_is_summed_up(
    technician: Technician, person: Person, relay: Client
) -> None:
    sid, grant, passes = await controlled(technician, person, relay)
    await passes(InputText(text="x"))
    await person.sees(lambda _: counted(person, grant).characters == 1)
    await technician.end(sid)
    assert (await told(technician, sid, grant)).input == InputCounts(characters=1)
    await person.sees(lambda view: view.receipt.endswith(f"{sid}.json"))
    assert [used.capability for used in person.view.used] == [Capability.VIEW, Capability.CONTROL]


async def test_what_is_handed_back_is_summed_up_too(
    technician: Technician, person: Person, relay: Client
) -> None:
    sid, grant, _ = await controlled(technician, person, relay)
    await technician.withdraw(sid, grant)
    usage = await told(technician, sid, grant)
    assert usage.input == InputCounts()
    assert usage.since < usage.until
