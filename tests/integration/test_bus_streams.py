"""What JetStream keeps, and that an agent cannot touch any of it."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from nats.aio.client import Client

from beistand.bus import rpc
from beistand.bus.permissions import Bucket, Stream
from beistand.bus.rpc import Endpoint, Request
from beistand.bus.streams import chat_of, provision, publish_event
from beistand.protocol import subjects
from beistand.protocol.messages import Ack, ChatLine, ChatUp, CloudEvent, Party, PauseView
from tests.integration.conftest import ORG, Connect, Door, new_id

pytestmark = pytest.mark.integration

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = (*(bucket.stream for bucket in Bucket), *Stream)


def chat(sid: str, number: int = 0) -> CloudEvent:
    line = ChatLine(
        id=new_id(),
        session_id=sid,
        author="Dana",
        party=Party.TECHNICIAN,
        text=f"line {number}",
        sent_at=NOW + timedelta(seconds=number),
    )
    return CloudEvent(id=line.id, source="session", type="beistand.chat.v1", subject=sid, time=NOW, data=line)


async def contents(client: Client) -> dict[str, tuple[int, int]]:
    """Number of messages and last sequence number of every stream."""
    js = client.jetstream()
    states = {name: (await js.stream_info(name)).state for name in NAMES}
    return {name: (state.messages, state.last_seq) for name, state in states.items()}


async def test_provisioning_twice_changes_nothing(service_client: Connect) -> None:
    session, consent = await service_client("session"), await service_client("consent")
    sid = new_id()
    await publish_event(session, ORG, chat(sid))
    before = await contents(session)
    await provision(session)
    await provision(consent)
    assert await contents(session) == before


async def test_what_goes_by_itself_and_what_stays(service_client: Connect) -> None:
    js = (await service_client("session")).jetstream()
    ages = {bucket: (await js.stream_info(bucket.stream)).config.max_age for bucket in Bucket}
    assert ages == {
        Bucket.SESSIONS: 0,
        Bucket.GRANTS: 0,
        Bucket.USERS: 0,
        Bucket.DEVICES: 0,
        Bucket.CODES: 15 * 60,
        Bucket.LIMITS: 3600,
        Bucket.TICKETS: 12 * 3600,
    }


async def test_an_event_counts_once(service_client: Connect) -> None:
    session, sid = await service_client("session"), new_id()
    event = chat(sid)
    await publish_event(session, ORG, event)
    await publish_event(session, ORG, event)
    assert await chat_of(session, ORG, sid) == [event]


async def test_an_event_is_heard_and_stored(service_client: Connect) -> None:
    consent, gateway, sid = await service_client("consent"), await service_client("gateway"), new_id()
    feed = await gateway.subscribe(subjects.events_of_session(ORG, sid))
    await gateway.flush()
    event = CloudEvent(
        id=new_id(),
        source="consent",
        type="beistand.pause.v1",
        subject=sid,
        time=NOW,
        data=PauseView(session_id=sid, paused=True),
    )
    await publish_event(consent, ORG, event)
    heard = await feed.next_msg(timeout=5)
    assert heard.subject == f"bst.evt.{ORG}.{sid}.pause"
    assert CloudEvent.model_validate_json(heard.data) == event


async def test_the_transcript_is_one_sessions_oldest_first_and_limited(service_client: Connect) -> None:
    session, sid = await service_client("session"), new_id()
    events = [chat(sid, number) for number in range(7)]
    for event in events:
        await publish_event(session, ORG, event)
        await publish_event(session, ORG, chat(new_id()))
    assert await chat_of(session, ORG, sid) == events
    assert await chat_of(session, ORG, sid, limit=3) == events[-3:]
    assert await chat_of(session, ORG, new_id()) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Nats-Msg-Id": "1"},
        {"Nats-Rollup": "all"},
        {"Nats-Rollup": "sub"},
        {"Nats-TTL": "1s"},
        {"Nats-Expected-Stream": "CHAT"},
        {"Nats-Expected-Last-Sequence": "0"},
        {"Nats-Expected-Last-Subject-Sequence": "0"},
        {"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1"},
        {"Nats-Schedule": "@every 1s", "Nats-Schedule-Target": "bst.evt.x.y.chat"},
        {"KV-Operation": "PURGE"},
    ],
    ids=str,
)
async def test_jetstream_headers_of_an_agent_have_no_effect(
    door: Door, service_client: Connect, headers: dict[str, str]
) -> None:
    """Threat 20: nothing an agent may publish to is stored, and services write with headers of their own."""
    customer = door.expect()
    agent, session = await door.enter(customer), await service_client("session")
    await publish_event(session, ORG, chat(new_id()))

    async def store(request: Request[ChatUp]) -> Ack:
        await publish_event(session, request.org, chat(request.sid))
        return Ack()

    endpoint = Endpoint("chat", subjects.up_everywhere(subjects.Up.CHAT), ChatUp, store)
    service = await rpc.serve(session, name="session", version="1.0.0", endpoints=[endpoint])
    before = await contents(session)
    line = ChatUp(id=new_id(), text="hello").model_dump_json().encode()
    subject = subjects.up(ORG, customer.sid, subjects.Up.CHAT)
    for verb in ("lease", "decision", "revoked"):
        await agent.publish(f"bst.up.{ORG}.{customer.sid}.{verb}", secrets.token_bytes(8), headers=headers)
    for _ in range(2):
        await agent.request(subject, line, timeout=5, headers=headers)
    await service.stop()
    after = await contents(session)
    messages, last = before.pop(Stream.CHAT)
    assert after.pop(Stream.CHAT) == (messages + 2, last + 2), "both lines, once each, and nothing removed"
    assert after == before


async def test_a_trace_header_of_an_agent_starts_no_message_trace(
    door: Door, service_client: Connect
) -> None:
    customer, neighbour = door.expect(), door.expect()
    agent, other = await door.enter(customer), await door.enter(neighbour)
    heard = await other.subscribe(f"bst.down.{ORG}.{neighbour.sid}.>")
    await other.flush()
    target = f"bst.down.{ORG}.{neighbour.sid}.ask"
    await agent.publish(
        f"bst.up.{ORG}.{customer.sid}.lease",
        b"",
        headers={"Nats-Trace-Dest": target, "Nats-Trace-Only": "true"},
    )
    await agent.flush()
    session = await service_client("session")
    await session.publish(f"bst.down.{ORG}.{neighbour.sid}.chat", b"honest")
    assert (await heard.next_msg(timeout=5)).data == b"honest"
