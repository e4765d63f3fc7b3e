"""Which frames reach a viewer, and when the agent is asked for more."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beistand.protocol import frames
from beistand.protocol.errors import InvalidMessage
from beistand.protocol.frames import Codec, Header
from services.relay.pictures import (
    KEY_EVERY_S,
    KEY_RETRY_S,
    MAX_QUEUED_BYTES,
    MAX_QUEUED_FRAMES,
    STALL_S,
    Credit,
    Lane,
    Stream,
)

pytestmark = pytest.mark.unit

KEY, SHOWN_2 = Credit(None, key_frame=True), Credit(2, key_frame=False)


def head(seq: int, *, key: bool = False, chunk: int = 0, last: bool = True, width: int = 640) -> Header:
    return Header(Codec.H264, key, last, 0, seq, 1000 * seq, width, 480, chunk)


@pytest.fixture
def stream() -> Stream:
    """One that runs: a key frame and a delta have passed, and the first question is answered."""
    stream = Stream()
    assert stream.take(now=0) == KEY
    assert stream.accept(head(1, key=True))
    assert stream.accept(head(2))
    return stream


# --- stream -----------------------------------------------------------------------------------


def test_a_stream_begins_with_a_key_frame() -> None:
    fresh = Stream()
    assert not fresh.accept(head(7))
    assert fresh.accept(head(8, key=True))
    assert fresh.accept(head(9))


def test_after_a_gap_only_a_key_frame_continues(stream: Stream) -> None:
    assert not stream.accept(head(4))
    assert not stream.accept(head(5))
    assert stream.take(now=10) == KEY
    assert stream.accept(head(6, key=True))
    assert stream.accept(head(7))


@pytest.mark.parametrize("seq", [1, 2])
@pytest.mark.parametrize("key", [True, False])
def test_a_repeated_or_older_frame_is_dropped_and_breaks_nothing(stream: Stream, seq: int, key: bool) -> None:
    assert not stream.accept(head(seq, key=key))
    assert stream.take(now=10) is None
    assert stream.accept(head(3))


def test_chunks_of_one_frame_follow_each_other(stream: Stream) -> None:
    assert stream.accept(head(3, last=False))
    assert stream.accept(head(3, chunk=1, last=False))
    assert stream.accept(head(3, chunk=2))
    assert stream.accept(head(4))


@pytest.mark.parametrize(
    "wrong",
    [
        head(3, chunk=2),
        head(3, chunk=0),
        head(4, chunk=1),
        head(4, chunk=0),
        head(3, chunk=1, key=True),
        head(3, chunk=1, width=641),
    ],
    ids=["skipped", "again", "of another frame", "next frame too early", "other kind", "other size"],
)
def test_a_chunk_that_does_not_fit_is_dropped(stream: Stream, wrong: Header) -> None:
    assert stream.accept(head(3, last=False))
    assert not stream.accept(wrong)


def test_a_lost_chunk_needs_a_key_frame(stream: Stream) -> None:
    assert stream.accept(head(3, last=False))
    assert not stream.accept(head(3, chunk=2))
    assert stream.take(now=10) == KEY
    assert not stream.accept(head(4))


def test_a_stray_chunk_of_an_old_frame_breaks_nothing(stream: Stream) -> None:
    assert not stream.accept(head(1, chunk=1, key=True))
    assert stream.accept(head(3))


def test_key_frames_are_asked_for_sparingly(stream: Stream) -> None:
    stream.want_key()
    assert stream.take(now=KEY_EVERY_S - 0.1) is None
    assert stream.deadline() == KEY_EVERY_S
    assert stream.take(now=KEY_EVERY_S) == KEY
    assert stream.take(now=KEY_EVERY_S) is None
    assert stream.deadline() is None


def test_a_key_frame_that_does_not_come_is_asked_for_again() -> None:
    stream = Stream()
    assert stream.take(now=0) == KEY
    assert stream.take(now=1) is None
    assert stream.deadline() == KEY_RETRY_S
    assert stream.take(now=KEY_RETRY_S) == KEY


def test_credit_is_the_newest_frame_shown_by_anybody_and_told_once(stream: Stream) -> None:
    stream.shown(1)
    stream.shown(2)
    stream.shown(1)
    assert stream.take(now=0.1) == SHOWN_2
    assert stream.take(now=0.1) is None


def test_a_frame_that_was_never_passed_on_cannot_have_been_shown(stream: Stream) -> None:
    stream.shown(3)
    assert stream.take(now=0.1) is None
    assert stream.accept(head(3, last=False))
    stream.shown(3)
    assert stream.take(now=0.1) is None


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.integers(0, 2), st.booleans()), max_size=40))
def test_what_passes_is_always_decodable(chunks: list[tuple[int, bool, int, bool]]) -> None:
    """Whatever arrives: what passes begins at chunk 0, is in order, and no delta lacks its predecessor."""
    stream = Stream()
    previous: Header | None = None
    for seq, key, chunk, last in chunks:
        header = head(seq, key=key, chunk=chunk, last=last)
        if not stream.accept(header):
            # A decoder is only safe to go on after a drop if the stream knows what it still has.
            continue
        if chunk:
            assert previous is not None
            assert (previous.seq, previous.chunk + 1, previous.is_last) == (seq, chunk, False)
        else:
            assert key or (previous is not None and previous.is_last and previous.seq == seq - 1)
        previous = header


def test_malformed_frames_are_refused_by_the_header_alone() -> None:
    """Thousands of broken messages: never anything but a header or InvalidMessage."""
    chance = random.Random(1)
    good = frames.pack(head(1, key=True)) + b"payload"
    refused = 0
    for _ in range(5000):
        broken = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            broken[chance.randrange(24)] = chance.randrange(256)
        message = bytes(broken[: chance.choice([0, 5, 24, len(broken)])])
        stream = Stream()
        try:
            header = frames.parse(message)
        except InvalidMessage:
            refused += 1
            continue
        assert stream.accept(header) is (header.is_key and header.chunk == 0)
    assert refused > 4000


# --- lane -------------------------------------------------------------------------------------


def offer(lane: Lane, header: Header, size: int = 10) -> bytes | None:
    return lane.offer(header, bytes([header.seq % 256]) * size)


def waiting(lane: Lane) -> list[int]:
    lane.drained()
    found = []
    while (chunk := lane.next()) is not None:
        found.append(chunk[0])
    return found


@pytest.fixture
def lane() -> Lane:
    lane = Lane()
    assert offer(lane, head(1, key=True)) is not None
    return lane


def test_a_viewer_that_keeps_up_gets_every_frame_at_once(lane: Lane) -> None:
    assert offer(lane, head(2)) is not None
    assert not lane.lost


def test_a_new_viewer_waits_for_a_key_frame() -> None:
    lane = Lane()
    assert lane.lost
    assert offer(lane, head(1)) is None
    assert offer(lane, head(2, key=True)) is not None
    assert not lane.lost


def test_behind_a_blocked_socket_a_few_frames_wait_in_order(lane: Lane) -> None:
    lane.blocked(now=0)
    for seq in range(2, 2 + MAX_QUEUED_FRAMES):
        assert offer(lane, head(seq)) is None
    assert waiting(lane) == [2, 3, 4, 5]


def test_order_is_kept_until_the_queue_is_empty(lane: Lane) -> None:
    lane.blocked(now=0)
    offer(lane, head(2))
    lane.drained()
    assert offer(lane, head(3)) is None
    assert waiting(lane) == [2, 3]


def test_a_viewer_too_far_behind_drops_to_the_next_key_frame(lane: Lane) -> None:
    lane.blocked(now=0)
    for seq in range(2, 2 + MAX_QUEUED_FRAMES + 1):
        offer(lane, head(seq))
    assert not lane.lost
    assert waiting(lane) == []
    assert lane.lost
    assert offer(lane, head(9)) is None
    assert offer(lane, head(10, key=True)) is not None


def test_a_key_frame_replaces_what_waits(lane: Lane) -> None:
    lane.blocked(now=0)
    offer(lane, head(2))
    offer(lane, head(3, key=True))
    offer(lane, head(4))
    assert waiting(lane) == [3, 4]


def test_the_queue_is_bounded_in_bytes_too(lane: Lane) -> None:
    lane.blocked(now=0)
    half = MAX_QUEUED_BYTES // 2
    offer(lane, head(2, last=False), half)
    offer(lane, head(2, chunk=1, last=False), half)
    offer(lane, head(2, chunk=2), 1)
    assert waiting(lane) == []
    assert offer(lane, head(2, chunk=3)) is None
    assert lane.lost


def test_a_socket_that_takes_nothing_for_long_counts_as_stalled(lane: Lane) -> None:
    assert lane.stalls_at is None
    lane.blocked(now=5)
    lane.blocked(now=6)
    assert lane.stalls_at == 5 + STALL_S
    lane.drained()
    assert lane.stalls_at is None


@given(st.lists(st.sampled_from(["key", "delta", "block", "drain"]), max_size=60))
def test_a_viewer_never_gets_a_delta_without_all_before_it(events: list[str]) -> None:
    lane, seq, got = Lane(), 0, [0]
    keys: set[int] = set()
    for event in events:
        if event == "block":
            lane.blocked(now=0)
        elif event == "drain":
            got += waiting(lane)
        else:
            seq += 1
            keys |= {seq} if event == "key" else set()
            ready = offer(lane, head(seq, key=event == "key"))
            got += [ready[0]] if ready else []
    assert all(now in keys or now == before + 1 for before, now in itertools.pairwise(got))
    assert got == sorted(set(got))
