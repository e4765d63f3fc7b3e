"""One table from message type to capability: complete, and no by default."""

from itertools import chain, combinations
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beistand.protocol import capabilities, messages
from beistand.protocol.capabilities import NEEDED, REQUIRES, Capability, refused, require
from beistand.protocol.errors import InvalidMessage, NoGrant
from beistand.protocol.messages import Message, SignedUp

pytestmark = pytest.mark.unit

SUBSETS = list(chain.from_iterable(combinations(Capability, size) for size in range(len(Capability) + 1)))
INTERNAL = {"events.hello", "events.snapshot", "events.event"}
"""Between gateway and console: no traffic of a session, authorised by the socket's ticket."""


def _types() -> set[str]:
    found: set[str] = set()
    kinds: list[Any] = [item for item in vars(messages).values() if isinstance(item, type)]
    for kind in kinds:
        if issubclass(kind, Message) and "type" in kind.model_fields:
            found |= set(get_args(kind.model_fields["type"].annotation))
    return {name for name in found if not name.startswith("beistand.")} - INTERNAL


def test_every_message_is_in_the_table_and_nothing_else() -> None:
    assert set(NEEDED) == _types() | {"frame"}
    assert set(get_args(SignedUp.model_fields["type"].annotation)) <= set(NEEDED)


@pytest.mark.parametrize("live", SUBSETS)
@pytest.mark.parametrize("message_type", NEEDED)
def test_a_message_passes_exactly_with_what_it_needs(message_type: str, live: tuple[Capability, ...]) -> None:
    needed = NEEDED[message_type]
    expected = needed is None or (needed in live and REQUIRES.get(needed, needed) in live)
    assert (refused(message_type, live) is None) is expected


@pytest.mark.parametrize("message_type", [name for name in NEEDED if name.startswith("input.")])
def test_input_needs_control_and_view(message_type: str) -> None:
    require(message_type, {Capability.VIEW, Capability.CONTROL})
    for live in ({Capability.VIEW}, {Capability.CONTROL}, {Capability.UNATTENDED}, set()):
        with pytest.raises(NoGrant):
            require(message_type, live)


def test_a_picture_needs_view() -> None:
    require("frame", {Capability.VIEW})
    with pytest.raises(NoGrant):
        require("frame", {Capability.CONTROL})


@given(st.text().filter(lambda name: name not in NEEDED))
def test_what_is_not_in_the_table_never_passes(message_type: str) -> None:
    with pytest.raises(InvalidMessage):
        require(message_type, set(Capability))


def test_what_is_offered_can_stand() -> None:
    assert {REQUIRES.get(item, item) for item in capabilities.OFFERED} <= capabilities.OFFERED
