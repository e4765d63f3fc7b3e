"""One console's feed: bounded, in order, and over at once when it is over."""

import asyncio

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from beistand.protocol.errors import RateLimited, Unavailable
from beistand.protocol.messages import CloudEvent, PauseView, encode
from services.gateway.adapters import FEED_LENGTH, Feed

pytestmark = pytest.mark.unit

SID = "S" * 22


def event(number: int) -> CloudEvent:
    return CloudEvent(
        id=f"{number:022}",
        source="test",
        type="beistand.pause.v1",
        subject=SID,
        time="2026-03-01T12:00:00Z",
        data=PauseView(session_id=SID, paused=True),
    )


def message(data: bytes) -> Msg:
    return Msg(Client(), subject=f"bst.evt.acme.{SID}.pause", data=data)


async def test_events_come_in_order() -> None:
    feed = Feed()
    for number in range(3):
        await feed.receive(message(encode(event(number))))
    assert [(await feed.next()).id for _ in range(3)] == [event(number).id for number in range(3)]


async def test_what_is_no_event_is_left_out() -> None:
    feed = Feed()
    for data in (b"", b"{}", b"x" * 70_000, encode(event(1))):
        await feed.receive(message(data))
    assert await feed.next() == event(1)


async def test_a_reader_who_lags_behind_is_dropped_with_what_waits() -> None:
    feed = Feed()
    for number in range(FEED_LENGTH + 1):
        await feed.receive(message(encode(event(number))))
    with pytest.raises(RateLimited):
        await feed.next()


async def test_a_full_feed_is_not_dropped_yet() -> None:
    feed = Feed()
    for number in range(FEED_LENGTH):
        await feed.receive(message(encode(event(number))))
    assert await feed.next() == event(0)


async def test_a_failure_reaches_a_reader_who_already_waits() -> None:
    feed = Feed()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(_failure_of(feed))
        await asyncio.sleep(0)
        feed.fail(Unavailable())
    assert isinstance(waiting.result(), Unavailable)


async def test_the_first_failure_counts() -> None:
    feed = Feed()
    feed.fail(Unavailable())
    feed.fail(RateLimited())
    assert isinstance(await _failure_of(feed), Unavailable)


async def _failure_of(feed: Feed) -> Exception | None:
    try:
        await feed.next()
    except (Unavailable, RateLimited) as error:
        return error
    return None
