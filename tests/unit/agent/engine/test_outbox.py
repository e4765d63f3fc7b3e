"""Signed records reach the services: at once, again, in order."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agent.engine.outbox import Answer, Outbox, Outgoing, Send
from agent.engine.tasks import Tasks
from beistand.protocol.errors import BadSignature, BeistandError, Ended, Unavailable
from beistand.protocol.messages import Recorded, SignedUp
from beistand.protocol.subjects import Up

pytestmark = pytest.mark.unit

PATIENCE_S = 10.0


class FakeServices:
    """Answers what it is told to answer, per record; notes what came."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.refuse: dict[str, list[BeistandError]] = {}
        self.is_away = False
        self.is_silent = False

    async def send(self, _verb: Up, message: SignedUp) -> Recorded:
        name = message.jws.strip("-")
        self.heard.append(name)
        if self.is_silent:
            await asyncio.Event().wait()
        if self.is_away:
            raise Unavailable
        if self.refuse.get(name):
            raise self.refuse[name].pop(0)
        return Recorded()


class Post:
    """An outbox and what became of its records."""

    def __init__(self, services: FakeServices, tasks: Tasks, *, second_way: Send | None = None) -> None:
        self.delayed: list[Up] = []
        self.answers: dict[str, Answer] = {}
        self.outbox = Outbox(services.send, tasks, delayed=self.delayed.append, second_way=second_way)
        self._changed = asyncio.Condition()

    def __call__(self, name: str, verb: Up = Up.REVOKED) -> None:
        def answered(answer: Answer) -> None:
            self.answers[name] = answer

        self.outbox.post(Outgoing(verb, SignedUp(type="revocation", jws=name.center(20, "-")), answered))

    async def has(self, *names: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while set(names) - set(self.answers):  # noqa: ASYNC110  (answers come by plain callback)
                await asyncio.sleep(0.01)


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
async def post(services: FakeServices) -> AsyncIterator[Post]:
    failures: list[BaseException] = []
    tasks = Tasks(lambda _, error: failures.append(error))
    yield Post(services, tasks)
    await tasks.close()
    assert failures == []


async def test_an_answer_settles(post: Post, services: FakeServices) -> None:
    post("one")
    await post.has("one")
    assert post.answers == {"one": Recorded()}
    assert services.heard == ["one"]
    assert post.delayed == []


async def test_repeated_until_somebody_answers(post: Post, services: FakeServices) -> None:
    services.refuse["one"] = [Unavailable(), BeistandError(), Unavailable()]
    post("one")
    await post.has("one")
    assert services.heard == ["one"] * 4
    assert post.delayed == [Up.REVOKED]


async def test_a_stop_does_not_wait_behind_an_unanswered_record(post: Post, services: FakeServices) -> None:
    services.refuse["decision"] = [Unavailable()] * 3
    post("decision", Up.DECISION)
    post("stop")
    await post.has("stop")
    assert services.heard[:2] == ["decision", "stop"]
    await post.has("decision")


async def test_repetitions_keep_the_order_of_signing(post: Post, services: FakeServices) -> None:
    services.is_away = True
    post("one")
    post("two")
    post("three")
    async with asyncio.timeout(PATIENCE_S):
        while services.heard.count("one") < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert services.heard == ["one", "two", "three", "one", "one"]
    services.is_away = False
    await post.has("one", "two", "three")
    assert list(post.answers) == ["one", "two", "three"]


async def test_a_record_that_overtook_another_comes_again(post: Post, services: FakeServices) -> None:
    services.refuse = {"one": [Unavailable()], "two": [BadSignature()]}
    post("one")
    post("two")
    await post.has("one", "two")
    assert post.answers == {"one": Recorded(), "two": Recorded()}


async def test_a_refusal_settles_too(post: Post, services: FakeServices) -> None:
    services.refuse["one"] = [Ended()]
    post("one")
    await post.has("one")
    assert isinstance(post.answers["one"], Ended)


async def test_no_question_is_answered_before_the_next_hello(post: Post, services: FakeServices) -> None:
    post.outbox.hold()
    post("yes", Up.DECISION)
    post("stop")
    post("hello", Up.HELLO)
    await post.has("stop", "hello")
    assert "yes" not in services.heard
    post.outbox.welcome()
    await post.has("yes")


async def test_the_end_waits_for_nothing(post: Post, services: FakeServices) -> None:
    services.refuse = {"one": [Unavailable()] * 99, "end": [Unavailable(), Unavailable()]}
    post("one")
    post("end", Up.ENDED)
    async with asyncio.timeout(PATIENCE_S):
        await post.outbox.end_delivered()
    assert set(post.answers) == {"end"}


@pytest.fixture
async def two_ways(services: FakeServices) -> AsyncIterator[tuple[Post, FakeServices]]:
    """An outbox with a second way, and who answers there."""
    failures: list[BaseException] = []
    tasks = Tasks(lambda _, error: failures.append(error))
    other = FakeServices()
    yield Post(services, tasks, second_way=other.send), other
    await tasks.close()
    assert failures == []


async def test_a_stop_takes_the_second_way_when_the_first_fails(
    two_ways: tuple[Post, FakeServices], services: FakeServices
) -> None:
    post, other = two_ways
    services.is_away = True
    post("stop")
    await post.has("stop")
    assert (services.heard, other.heard, post.delayed) == (["stop"], ["stop"], [])


async def test_a_stop_takes_the_second_way_when_the_first_is_silent(
    two_ways: tuple[Post, FakeServices], services: FakeServices
) -> None:
    post, other = two_ways
    services.is_silent = True
    post("stop")
    await post.has("stop")
    assert (services.heard, other.heard) == (["stop"], ["stop"])


async def test_while_held_a_stop_is_repeated_on_the_second_way_in_the_order_of_signing(
    two_ways: tuple[Post, FakeServices], services: FakeServices
) -> None:
    post, other = two_ways
    services.is_away = True
    other.refuse = {"one": [Unavailable()], "two": [Unavailable()]}
    post.outbox.hold()
    post("yes", Up.DECISION)
    post("one")
    post("two", Up.PAUSE)
    await post.has("one", "two")
    assert other.heard == ["one", "two", "one", "two"]
    assert "yes" not in post.answers


async def test_no_stop_waits_for_a_summary(post: Post, services: FakeServices) -> None:
    services.refuse = {"summary": [Unavailable()] * 99, "stop": [Unavailable()] * 2}
    post("summary", Up.ACTIVITY)
    post("stop")
    await post.has("stop")
    assert "summary" not in post.answers


async def test_a_summary_waits_for_all_before_it(post: Post, services: FakeServices) -> None:
    services.is_away = True
    post("stop")
    post("summary", Up.ACTIVITY)
    async with asyncio.timeout(PATIENCE_S):
        while services.heard.count("stop") < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert services.heard == ["stop", "summary", "stop", "stop"]
    services.is_away = False
    await post.has("stop", "summary")
    assert list(post.answers) == ["stop", "summary"]


async def test_on_the_second_way_no_stop_waits_for_a_summary_either(
    two_ways: tuple[Post, FakeServices], services: FakeServices
) -> None:
    post, other = two_ways
    services.is_away = True
    other.refuse = {"summary": [Unavailable()] * 99, "stop": [Unavailable()] * 2}
    post.outbox.hold()
    post("summary", Up.ACTIVITY)
    post("stop")
    await post.has("stop")
    assert "summary" not in post.answers
    other.refuse = {}
    await post.has("summary")


async def test_a_yes_knows_one_way_only(two_ways: tuple[Post, FakeServices], services: FakeServices) -> None:
    post, other = two_ways
    services.refuse["yes"] = [Unavailable()]
    post("yes", Up.DECISION)
    await post.has("yes")
    assert (services.heard, other.heard) == (["yes", "yes"], [])


async def test_no_second_way_is_taken_while_the_first_answers(
    two_ways: tuple[Post, FakeServices], services: FakeServices
) -> None:
    post, other = two_ways
    services.refuse["stop"] = [Ended()]
    post("stop")
    await post.has("stop")
    assert isinstance(post.answers["stop"], Ended)
    assert other.heard == []


class FakeCopies:
    """What would be on disk."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.kept = 0

    def keep(self, message: SignedUp) -> None:
        self.names.append(message.jws.strip("-"))
        self.kept += 1

    def drop(self, message: SignedUp) -> None:
        name = message.jws.strip("-")
        if name in self.names:
            self.names.remove(name)


async def test_a_stop_has_a_copy_until_it_is_answered(services: FakeServices) -> None:
    tasks, copies, done = Tasks(lambda *_: None), FakeCopies(), asyncio.Event()
    outbox = Outbox(services.send, tasks, delayed=lambda _: None, copies=copies)
    services.is_away = True
    for name, verb in (("stop", Up.REVOKED), ("yes", Up.DECISION)):
        message = SignedUp(type="revocation", jws=name.center(20, "-"))
        outbox.post(Outgoing(verb, message, lambda _: done.set()))
    assert copies.names == ["stop"]
    services.is_away = False
    async with asyncio.timeout(PATIENCE_S):
        await done.wait()
    assert (copies.names, copies.kept) == ([], 1)
    await tasks.close()
