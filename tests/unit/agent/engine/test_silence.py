"""Whose silence lets go what is held: each relay speaks for itself, and only once is it missed."""

import pytest

from agent.engine.silence import SILENT_S, Silence

pytestmark = pytest.mark.unit

LAST = SILENT_S - 0.01


@pytest.fixture
def silence() -> Silence:
    return Silence()


def test_nobody_is_missed_who_never_spoke(silence: Silence) -> None:
    assert silence.take(now=1000) == frozenset()


def test_a_relay_is_missed_after_its_silence_and_only_once(silence: Silence) -> None:
    silence.alive("grant", "relay", now=0)
    assert silence.take(now=LAST) == frozenset()
    assert silence.take(now=SILENT_S) == {"grant"}
    assert silence.take(now=2 * SILENT_S) == frozenset()


def test_a_relay_that_speaks_is_not_missed(silence: Silence) -> None:
    for now in range(10):
        silence.alive("grant", "relay", now=now)
        assert silence.take(now=now) == frozenset()


def test_another_relay_under_the_same_grant_speaks_for_itself_only(silence: Silence) -> None:
    """A technician whose relay was killed comes in at another one: what the first left down still goes up."""
    silence.alive("grant", "first", now=0)
    silence.alive("grant", "second", now=2)
    assert silence.take(now=SILENT_S) == {"grant"}
    silence.alive("grant", "second", now=4)
    assert silence.take(now=2 * SILENT_S) == frozenset()


def test_input_does_not_speak_for_a_relay(silence: Silence) -> None:
    silence.alive("grant", "first", now=0)
    silence.input("grant", now=2)
    assert silence.take(now=SILENT_S) == {"grant"}


def test_input_that_no_relay_answers_for_is_not_trusted_longer(silence: Silence) -> None:
    silence.input("grant", now=0)
    silence.input("grant", now=1)
    assert silence.take(now=SILENT_S) == frozenset()
    assert silence.take(now=1 + SILENT_S) == {"grant"}


def test_input_before_the_first_word_of_a_relay_was_its_own(silence: Silence) -> None:
    silence.input("grant", now=0)
    silence.alive("grant", "relay", now=1)
    assert silence.take(now=SILENT_S) == frozenset()
    assert silence.take(now=1 + SILENT_S) == {"grant"}


def test_grants_are_told_apart(silence: Silence) -> None:
    silence.alive("one", "relay", now=0)
    silence.alive("two", "relay", now=1)
    assert silence.take(now=SILENT_S) == {"one"}


def test_what_was_let_go_is_forgotten(silence: Silence) -> None:
    silence.alive("grant", "relay", now=0)
    silence.forget()
    assert silence.take(now=SILENT_S) == frozenset()
