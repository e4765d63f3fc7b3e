"""The join code: five tries, ten minutes, one answer for every way of failing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beistand.protocol.errors import CodeRefused
from beistand.protocol.messages import Actor, SessionEntry, SessionState
from services.session import codes, domain

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TINA = Actor(technician_id="t" * 22, name="Tina", org="acme")
secrets = st.from_regex(r"[0-9]{5}", fullmatch=True)


def _session(sid: str = "s" * 22) -> SessionEntry:
    return domain.opened(
        TINA, sid=sid, organisation_name="Acme", locator="1234", now=NOW, limits=domain.Limits()
    )


def test_four_digits_locate_and_five_are_secret() -> None:
    assert codes.split("123456789") == ("1234", "56789")


@given(secrets, secrets)
def test_only_the_secret_matches(secret: str, other: str) -> None:
    assert codes.matches(codes.issued(_session(), secret), other) is (secret == other)


def test_what_is_stored_shows_no_secret_and_differs_by_session() -> None:
    first, second = (codes.issued(_session(sid * 22), "56789") for sid in "ab")
    assert "56789" not in first.model_dump_json()
    assert first.digest != second.digest


def test_five_wrong_tries_kill_it_for_the_right_one_too() -> None:
    code = codes.issued(_session(), "56789")
    for left in reversed(range(codes.TRIES)):
        assert not codes.is_dead(code, now=NOW)
        code = codes.tried(code, "00000", now=NOW)
        assert code.tries_left == left
    assert codes.is_dead(code, now=NOW)
    with pytest.raises(CodeRefused):
        codes.tried(code, "56789", now=NOW)


def test_a_right_try_costs_a_look_and_looks_are_few() -> None:
    code = codes.issued(_session(), "56789")
    for _ in range(codes.JOINS):
        code = codes.tried(code, "56789", now=NOW)
    assert code.tries_left == codes.TRIES
    with pytest.raises(CodeRefused):
        codes.tried(code, "56789", now=NOW)


def test_ten_minutes_end_it() -> None:
    code, end = codes.issued(_session(), "56789"), NOW + timedelta(minutes=10)
    assert codes.tried(code, "56789", now=end - timedelta(microseconds=1))
    with pytest.raises(CodeRefused):
        codes.tried(code, "56789", now=end)


@given(st.lists(st.tuples(secrets, st.integers(0, 300))))
def test_no_story_gives_more_than_five_wrong_tries(story: list[tuple[str, int]]) -> None:
    code, now, wrong = codes.issued(_session(), "56789"), NOW, 0
    for secret, seconds in story:
        now += timedelta(seconds=seconds)
        try:
            code = codes.tried(code, secret, now=now)
        except CodeRefused:
            assert codes.is_dead(code, now=now)
            continue
        wrong += secret != "56789"
        assert wrong <= codes.TRIES
        assert now < NOW + timedelta(minutes=10)


class Watched(str):
    """A digest that refuses `==`, whose duration tells how far two texts agree."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, _: object) -> bool:
        raise AssertionError("compared character by character")


def test_secrets_are_compared_in_constant_time() -> None:
    code = codes.issued(_session(), "56789")
    watched = code.model_copy(update={"digest": Watched(code.digest)})
    assert codes.matches(watched, "56789")
    assert not codes.matches(watched, "56780")


def test_only_a_waiting_session_without_a_key_is_joined() -> None:
    entry = _session()
    assert codes.joinable(entry, now=NOW) is entry
    refused: list[SessionEntry | None] = [
        None,
        entry.model_copy(update={"agent_key": "U" + "A" * 55}),
        *(entry.model_copy(update={"state": state}) for state in set(SessionState) - {SessionState.WAITING}),
    ]
    for other in refused:
        with pytest.raises(CodeRefused):
            codes.joinable(other, now=NOW)
    with pytest.raises(CodeRefused):
        codes.joinable(entry, now=entry.waiting_until)
