"""Requests and answers: validated, bounded, answered only where the asker may be answered, counted."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeout
from nats.micro.service import Service

from beistand.bus import rpc
from beistand.bus.rpc import Endpoint, Request
from beistand.protocol import subjects
from beistand.protocol.errors import (
    BeistandError,
    InvalidMessage,
    NoGrant,
    RateLimited,
    TooLarge,
    Unavailable,
)
from beistand.protocol.messages import Ack, ChatList, ChatUp, Join, Message
from tests.integration.conftest import ORG, Connect, Door, new_id

pytestmark = pytest.mark.integration

OTHER = "A" * 22
"""Another session; the same in every process, for it names tests."""

UP = subjects.up_everywhere(subjects.Up.CHAT)
SERVICE = subjects.service(subjects.Service.SESSION_JOIN)
ASK = Join(code="123456789", agent_key="UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4")

Chat = Callable[[Request[ChatUp]], Awaitable[Message]]


@asynccontextmanager
async def served(client: Client, handler: Chat, *, subject: str = UP) -> AsyncIterator[Service]:
    endpoint = Endpoint("chat", subject, ChatUp, handler)
    service = await rpc.serve(client, name="session", version="1.2.3", endpoints=[endpoint])
    try:
        yield service
    finally:
        await service.stop()


async def acknowledge(_request: Request[ChatUp]) -> Ack:
    return Ack()


def line(text: str = "hello") -> ChatUp:
    return ChatUp(id=new_id(), text=text)


async def test_an_agent_is_answered_and_known_by_its_subject(door: Door, service_client: Connect) -> None:
    customer = door.expect()
    agent = await door.enter(customer)
    requests = []

    async def keep(request: Request[ChatUp]) -> Ack:
        requests.append(request)
        return Ack()

    async with served(await service_client("session"), keep):
        sent = line()
        subject = subjects.up(ORG, customer.sid, subjects.Up.CHAT)
        assert await rpc.request(agent, subject, sent, Ack) == Ack()
    assert requests == [Request(sent, ORG, customer.sid)]


@pytest.mark.parametrize("reply", ["", f"bst.down.{ORG}.{OTHER}.ask", f"_INBOX.{OTHER}.x", "_INBOX.>"])
async def test_an_answer_cannot_be_steered_elsewhere(door: Door, service_client: Connect, reply: str) -> None:
    """Threat 19: the server lets an agent name any reply subject; the service must not write there."""
    customer = door.expect()
    agent, session = await door.enter(customer), await service_client("session")
    handled: list[Request[ChatUp]] = []
    written: list[Msg] = []

    async def keep(request: Request[ChatUp]) -> Ack:
        handled.append(request)
        return Ack()

    async def overhear(message: Msg) -> None:
        written.append(message)

    subject = subjects.up(ORG, customer.sid, subjects.Up.CHAT)
    session_publish = session.publish

    async def recording(target: str, *args: object, **options: object) -> None:
        if target == reply:
            written.append(Msg(session, target))
        await session_publish(target, *args, **options)  # type: ignore[arg-type]

    session.publish = recording  # type: ignore[method-assign,assignment]
    async with served(session, keep) as service:
        for payload in (line().model_dump_json().encode(), b"not json", bytes(70_000)):
            await agent.publish(subject, payload, reply=reply)
        await rpc.request(agent, subject, line(), Ack)
        stats = service.stats().endpoints[0]
    assert len(handled) == 1, "only the honest request is handled"
    assert written == []
    assert stats.num_errors == 3
    assert stats.data == {"refused": {"steered_reply": 3}}


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"", InvalidMessage),
        (b"not json", InvalidMessage),
        (b"\xff\xfe", InvalidMessage),
        (b'{"type":"chat","id":"x","text":"a"}', InvalidMessage),
        (b'{"type":"decision","jws":"x"}', InvalidMessage),
        (b"[" * 60_000, InvalidMessage),
        (b" " * (64 * 1024 + 1), TooLarge),
    ],
    ids=["empty", "no json", "no utf-8", "bad id", "other type", "deep", "too large"],
)
async def test_what_cannot_be_understood_is_refused(
    door: Door, service_client: Connect, payload: bytes, error: type[BeistandError]
) -> None:
    customer = door.expect()
    agent = await door.enter(customer)
    async with served(await service_client("session"), acknowledge):
        subject = subjects.up(ORG, customer.sid, subjects.Up.CHAT)
        answer = await agent.request(subject, payload, timeout=5)
        assert answer.headers == {
            "Nats-Service-Error": error.code,
            "Nats-Service-Error-Code": str(error.status),
        }
        assert answer.data.decode() == error.title
        assert await rpc.request(agent, subject, line(), Ack) == Ack()


async def test_a_refusal_arrives_as_the_same_error(service_client: Connect) -> None:
    async def refuse(_request: Request[Join]) -> Ack:
        raise NoGrant("Not while the customer is away.")

    session, gateway = await service_client("session"), await service_client("gateway")
    endpoint = Endpoint("join", SERVICE, Join, refuse)
    service = await rpc.serve(session, name="session", version="1.2.3", endpoints=[endpoint])
    with pytest.raises(NoGrant, match=r"Not while the customer is away\."):
        await rpc.call(gateway, subjects.Service.SESSION_JOIN, ASK, Ack)
    await service.stop()


async def test_a_bug_is_told_as_internal_and_nothing_more(
    service_client: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    async def stumble(_request: Request[Join]) -> Ack:
        raise KeyError("the join code 123456789")

    session, gateway = await service_client("session"), await service_client("gateway")
    endpoint = Endpoint("join", SERVICE, Join, stumble)
    service = await rpc.serve(session, name="session", version="1.2.3", endpoints=[endpoint])
    with pytest.raises(BeistandError) as told:
        await rpc.call(gateway, subjects.Service.SESSION_JOIN, ASK, Ack)
    await service.stop()
    assert told.value.code == "internal"
    assert "123456789" not in str(told.value)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "request failed"
    ]


async def test_nobody_there_is_unavailable_at_once(service_client: Connect) -> None:
    gateway = await service_client("gateway")
    with pytest.raises(Unavailable):
        await rpc.call(gateway, subjects.Service.CONSENT_LIST, ASK, Ack)


async def test_no_answer_in_time_is_unavailable(service_client: Connect) -> None:
    async def hang(_request: Request[Join]) -> Ack:
        await asyncio.Event().wait()
        return Ack()

    session, gateway = await service_client("session"), await service_client("gateway")
    subscription = await session.subscribe(SERVICE)
    await session.flush()
    with pytest.raises(Unavailable):
        await rpc.call(gateway, subjects.Service.SESSION_JOIN, ASK, Ack, timeout=0.1)
    await subscription.unsubscribe()


async def test_an_answer_that_is_too_large_is_a_refusal(service_client: Connect) -> None:
    async def shout(_request: Request[Join]) -> ChatUp:
        return ChatUp.model_construct(id=new_id(), text="x" * (1024 * 1024))

    session, gateway = await service_client("session"), await service_client("gateway")
    endpoint = Endpoint("join", SERVICE, Join, shout)
    service = await rpc.serve(session, name="session", version="1.2.3", endpoints=[endpoint])
    with pytest.raises(TooLarge):
        await rpc.call(gateway, subjects.Service.SESSION_JOIN, ASK, ChatList)
    await service.stop()


async def test_a_slow_request_delays_no_other(door: Door, service_client: Connect) -> None:
    customer = door.expect()
    agent, gate = await door.enter(customer), asyncio.Event()

    async def wait_for_the_slow(request: Request[ChatUp]) -> Ack:
        if request.message.text == "slow":
            await gate.wait()
        return Ack()

    subject = subjects.up(ORG, customer.sid, subjects.Up.CHAT)
    async with served(await service_client("session"), wait_for_the_slow), asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(rpc.request(agent, subject, line("slow"), Ack))
        await rpc.request(agent, subject, line("quick"), Ack)
        assert not slow.done()
        gate.set()


async def test_a_flooding_agent_slows_only_itself(door: Door, service_client: Connect) -> None:
    flooder, honest = door.expect(), door.expect()
    noisy, quiet, gate = await door.enter(flooder), await door.enter(honest), asyncio.Event()

    async def stall_the_flood(request: Request[ChatUp]) -> Ack:
        if request.sid == flooder.sid:
            await gate.wait()
        return Ack()

    async with served(await service_client("session"), stall_the_flood):
        subject = subjects.up(ORG, flooder.sid, subjects.Up.CHAT)
        async with asyncio.TaskGroup() as tasks:
            flood = [
                tasks.create_task(_outcome(rpc.request(noisy, subject, line(), Ack)))
                for _ in range(rpc.MAX_PER_SESSION + 12)
            ]
            fine = await rpc.request(quiet, subjects.up(ORG, honest.sid, subjects.Up.CHAT), line(), Ack)
            assert fine == Ack()
            gate.set()
        outcomes = [task.result() for task in flood]
    assert outcomes.count("ok") == rpc.MAX_PER_SESSION
    assert outcomes.count(RateLimited.code) == 12


async def _outcome(asked: Awaitable[Ack]) -> str:
    try:
        await asked
    except BeistandError as error:
        return error.code
    return "ok"


async def test_replicas_share_the_requests(service_client: Connect) -> None:
    first, second = await service_client("session"), await service_client("session")
    gateway = await service_client("gateway")
    served_by: list[str] = []

    def replica(name: str) -> Endpoint[Join]:
        async def note(_request: Request[Join]) -> Ack:
            served_by.append(name)
            return Ack()

        return Endpoint("join", SERVICE, Join, note)

    services = [
        await rpc.serve(client, name="session", version="1.2.3", endpoints=[replica(name)])
        for client, name in ((first, "first"), (second, "second"))
    ]
    for _ in range(40):
        await rpc.call(gateway, subjects.Service.SESSION_JOIN, ASK, Ack)
    for service in services:
        await service.stop()
    assert len(served_by) == 40
    assert set(served_by) == {"first", "second"}


async def test_nats_micro_sees_the_service_and_its_true_figures(door: Door, service_client: Connect) -> None:
    customer = door.expect()
    agent, session = await door.enter(customer), await service_client("session")
    subject = subjects.up(ORG, customer.sid, subjects.Up.CHAT)

    async def refuse_twice(request: Request[ChatUp]) -> Ack:
        if request.message.text == "no":
            raise NoGrant
        return Ack()

    async with served(session, refuse_twice) as service:
        for text in ("yes", "no", "no"):
            await _outcome(rpc.request(agent, subject, line(text), Ack))
        info, stats = await _ask_itself(service, "INFO"), await _ask_itself(service, "STATS")
    assert info["name"] == "session"
    assert info["version"] == "1.2.3"
    assert [endpoint["subject"] for endpoint in info["endpoints"]] == [UP]
    figures = stats["endpoints"][0]
    assert figures["queue_group"] == "session"
    assert (figures["num_requests"], figures["num_errors"], figures["last_error"]) == (3, 2, "no_grant")
    assert figures["processing_time"] > 0
    assert figures["data"] == {"refused": {"no_grant": 2}}


async def _ask_itself(service: Service, verb: str) -> dict[str, object]:
    """What the service would answer to `nats micro`; which subject that is asked on is nats-py's matter."""
    answers: list[bytes] = []

    class Question:
        async def respond(self, data: bytes) -> None:
            answers.append(data)

    await getattr(service, f"_handle_{verb.lower()}_request")(Question())
    parsed: dict[str, object] = json.loads(answers[0])
    return parsed


async def test_stopping_finishes_what_is_under_way(door: Door, service_client: Connect) -> None:
    customer = door.expect()
    agent, started, gate = await door.enter(customer), asyncio.Event(), asyncio.Event()

    async def begin(_request: Request[ChatUp]) -> Ack:
        started.set()
        await gate.wait()
        return Ack()

    subject = subjects.up(ORG, customer.sid, subjects.Up.CHAT)
    async with asyncio.TaskGroup() as tasks:
        async with served(await service_client("session"), begin) as service:
            under_way = tasks.create_task(rpc.request(agent, subject, line(), Ack))
            await started.wait()
            stopping = tasks.create_task(service.stop())
            await asyncio.sleep(0)
            gate.set()
            await stopping
        assert await under_way == Ack()
    with pytest.raises((Unavailable, NatsTimeout)):
        await rpc.request(agent, subject, line(), Ack, timeout=0.5)
