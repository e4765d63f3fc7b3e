"""Threat 16: what guesses at join codes come to, as gateway and session service count them together."""

from datetime import UTC, datetime, timedelta

import pytest

from beistand.protocol.messages import Actor
from services.gateway.access import LIMITS
from services.gateway.domain import LimitReached, one_more
from services.session import codes, domain

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TINA = Actor(technician_id="t" * 22, name="Tina", org="acme")
ALL_CODES = 10**9
GUESSES = 100_000


def test_of_guesses_from_everywhere_few_are_tried_and_one_code_takes_five() -> None:
    """A hundred a second at one code, each from an address of its own: only the limit for all counts them."""
    session = domain.opened(
        TINA, sid="s" * 22, organisation_name="Acme", locator="1234", now=NOW, limits=domain.Limits()
    )
    code, counted, tries = codes.issued(session, "56789"), None, 0
    for number in range(GUESSES):
        now = NOW + timedelta(milliseconds=10 * number)
        try:
            counted = one_more(counted, LIMITS.join_everywhere, now=now)
        except LimitReached:
            continue
        tries += 1
        if not codes.is_dead(code, now=now):
            code = codes.tried(code, f"{number % 50_000:05}", now=now)
    windows = GUESSES // (LIMITS.join_everywhere.window_s * 100) + 1
    assert tries <= LIMITS.join_everywhere.attempts * windows
    assert code.tries_left == 0


def test_while_a_code_lives_hardly_any_of_all_codes_can_be_tried() -> None:
    life = domain.Limits().waiting
    windows = life / timedelta(seconds=LIMITS.join_everywhere.window_s) + 1
    assert LIMITS.join_everywhere.attempts * windows / ALL_CODES < 0.00001
    assert codes.TRIES / 10**codes.SECRET_DIGITS <= 0.00005, "for who knows the first four digits"
