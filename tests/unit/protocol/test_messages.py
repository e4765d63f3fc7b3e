"""Messages: frozen, nothing unknown, bounded; any bytes become a message or a refusal."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beistand.protocol import messages
from beistand.protocol.errors import InvalidMessage, TooLarge
from beistand.protocol.messages import (
    MAX_CHAT,
    MAX_CONTROL,
    MAX_INPUT,
    ChatUp,
    InputButton,
    InputMove,
    Lease,
    Message,
    SignedUp,
    ViewerHello,
    encode,
    parse,
    parse_from_viewer,
    parse_input,
)

pytestmark = pytest.mark.unit

ID = "i" * 22
KINDS = [kind for kind in vars(messages).values() if isinstance(kind, type) and issubclass(kind, Message)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_message_is_frozen_and_refuses_the_unknown(kind: type[Message]) -> None:
    assert kind.model_config["frozen"] is True
    assert kind.model_config["extra"] == "forbid"
    assert kind.model_config["allow_inf_nan"] is False


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(InvalidMessage):
        parse(ChatUp, json.dumps({"type": "chat", "id": ID, "text": "x", "more": 1}))


@pytest.mark.parametrize("text", ["", "x" * (MAX_CHAT + 1)])
def test_chat_has_bounds(text: str) -> None:
    with pytest.raises(ValidationError):
        ChatUp(id=ID, text=text)


def test_a_message_comes_back_from_its_bytes() -> None:
    for message in (ChatUp(id=ID, text="Grüß Gott 👋"), Lease(grant_ids=(ID,), paused=True)):
        assert parse(type(message), encode(message)) == message


def test_size_is_checked_before_anything_is_read() -> None:
    with pytest.raises(TooLarge):
        parse(SignedUp, b"x" * (MAX_CONTROL + 1))
    with pytest.raises(TooLarge):
        parse_input(b"[" * (MAX_INPUT + 1))
    with pytest.raises(TooLarge):
        parse_from_viewer("9" * (MAX_INPUT + 1))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_refusal(raw: bytes) -> None:
    for kind in (ChatUp, SignedUp, Lease):
        with pytest.raises(InvalidMessage):
            parse(kind, raw)
    with pytest.raises(InvalidMessage):
        parse_input(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["input.move", "input.button", "viewer.hello", "nonsense"]), json_values, json_values)
def test_any_json_is_a_message_or_a_refusal(kind: str, first: Any, second: Any) -> None:
    raw = json.dumps({"type": kind, "x": first, "y": second})
    try:
        message = parse_from_viewer(raw)
    except InvalidMessage:
        return
    assert isinstance(message, InputMove)


@pytest.mark.parametrize("value", ["-1", "16384", "1.5", "NaN", "Infinity", "1e400", '"x"', "null", "[]"])
def test_a_coordinate_is_a_pixel(value: str) -> None:
    with pytest.raises(InvalidMessage):
        parse_input(f'{{"type": "input.move", "x": {value}, "y": 0}}')


def test_the_kind_decides_what_is_read() -> None:
    raw = b'{"type":"input.button","x":1,"y":2,"button":"left","action":"down"}'
    assert parse_input(raw) == InputButton(x=1, y=2, button="left", action="down")
    ticket = "t" * 43
    hello = parse_from_viewer(json.dumps({"type": "viewer.hello", "ticket": ticket}))
    assert hello == ViewerHello(ticket=ticket)
    with pytest.raises(InvalidMessage):
        parse_input(json.dumps({"type": "viewer.hello", "ticket": ticket}))


def test_a_deeply_nested_message_is_refused_quietly() -> None:
    with pytest.raises(InvalidMessage):
        parse(ChatUp, b"[" * 50_000)
