"""The chain: every record in its one place, hellos told by the session service among them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beistand.protocol.errors import BadSignature
from beistand.protocol.messages import ChainLink
from beistand.protocol.records import GENESIS
from services.consent import chain
from services.consent.chain import Chain

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def _links(count: int) -> list[ChainLink]:
    links, prev = [], GENESIS
    for seq in range(count):
        links.append(ChainLink(seq=seq, prev=prev, record_hash=f"{seq:043d}".replace("0", "a")))
        prev = links[-1].record_hash
    return links


def _chain(links: list[ChainLink]) -> Chain:
    state = Chain()
    for link in links:
        state = chain.extended(state, link, now=NOW)
    return state


def test_places_are_numbered_and_remembered() -> None:
    links = _links(5)
    state = _chain(links)
    assert [place.position for place in state.places] == [0, 1, 2, 3, 4]
    for link in links:
        place = chain.place_of(state, link)
        assert place is not None
        assert (place.position, place.recorded_at) == (link.seq, NOW)
    assert chain.place_of(state, _links(6)[5]) is None


@given(st.integers(0, 6), st.integers(0, 8))
def test_only_the_next_record_continues(length: int, seq: int) -> None:
    links, state = _links(10), _chain(_links(length))
    if seq == length:
        assert chain.extended(state, links[seq], now=NOW).places[-1].position == seq
    else:
        with pytest.raises(BadSignature):
            chain.extended(state, links[seq], now=NOW)
    assert chain.is_early(state, links[seq]) is (seq > length)


def test_a_fork_is_refused_for_good() -> None:
    state = _chain(_links(3))
    fork = ChainLink(seq=3, prev=_links(2)[1].record_hash, record_hash="f" * 43)
    with pytest.raises(BadSignature):
        chain.extended(state, fork, now=NOW)
    assert not chain.is_early(state, fork)


def test_hellos_between_are_followed_in_whatever_order_they_are_told() -> None:
    links = _links(5)
    caught_up = chain.caught_up(_chain(links[:2]), [links[3], links[2], links[0]], now=NOW)
    assert caught_up == _chain(links[:4])
    chain.extended(caught_up, links[4], now=NOW)


def test_a_hello_that_does_not_fit_is_left_out() -> None:
    links = _links(4)
    state = _chain(links[:1])
    stranger = ChainLink(seq=1, prev="x" * 43, record_hash="f" * 43)
    assert chain.caught_up(state, [stranger, links[3]], now=NOW) == state


def test_memory_is_bounded_and_the_numbers_go_on() -> None:
    links = _links(chain.KEPT + 10)
    state = _chain(links)
    assert len(state.places) == chain.KEPT
    assert state.places[-1].position == chain.KEPT + 9
    assert chain.place_of(state, links[0]) is None
    with pytest.raises(BadSignature):
        chain.extended(state, links[0], now=NOW)
