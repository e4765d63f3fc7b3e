"""The gateway's pure decisions, exhaustively."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from services.gateway.domain import (
    PERMISSIONS,
    SEE_ALL,
    Attempts,
    Limit,
    LimitReached,
    Permission,
    Role,
    client_address,
    is_allowed,
    is_plain_path,
    limit_group,
    networks,
    one_more,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIMIT = Limit(attempts=3, window_s=60)
READING = {"read_session", "read_requests", "read_chat", "follow_events", "read_devices"}


@pytest.mark.parametrize(("role", "permission"), list(product(Role, Permission)))
def test_every_pair_is_what_the_table_says(role: Role, permission: Permission) -> None:
    assert is_allowed(role, permission) == (permission in PERMISSIONS[role])


def test_an_auditor_reads_everything_and_does_nothing() -> None:
    assert {permission.value for permission in PERMISSIONS[Role.AUDITOR]} == READING
    assert Role.AUDITOR in SEE_ALL


def test_a_technician_sees_only_their_own() -> None:
    assert Role.TECHNICIAN not in SEE_ALL


def test_every_role_has_its_row() -> None:
    assert set(PERMISSIONS) == set(Role)


def test_attempts_within_the_limit_pass_and_the_next_one_does_not() -> None:
    attempts = None
    for _ in range(LIMIT.attempts):
        attempts = one_more(attempts, LIMIT, now=NOW)
    with pytest.raises(LimitReached) as refusal:
        one_more(attempts, LIMIT, now=NOW + timedelta(seconds=20.5))
    assert refusal.value.retry_after_s == 40
    assert refusal.value.code == "rate_limited"


@pytest.mark.parametrize("later", [60, 61, 3600, -1])
def test_a_window_that_is_over_or_from_the_future_begins_anew(later: int) -> None:
    full = Attempts(since=NOW, count=LIMIT.attempts)
    assert one_more(full, LIMIT, now=NOW + timedelta(seconds=later)).count == 1


def test_the_wait_is_never_zero() -> None:
    full = Attempts(since=NOW, count=LIMIT.attempts)
    with pytest.raises(LimitReached) as refusal:
        one_more(full, LIMIT, now=NOW + timedelta(seconds=59.99))
    assert refusal.value.retry_after_s == 1


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        ("203.0.113.9", [], "", "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "", "203.0.113.9"),
        ("127.0.0.1", ["198.51.100.1"], "", "127.0.0.1"),
        ("203.0.113.9", ["198.51.100.1"], "10.0.0.0/8", "203.0.113.9"),
        ("10.0.0.7", ["198.51.100.1"], "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.7", ["6.6.6.6, 198.51.100.1, 10.0.0.8"], "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.7", ["6.6.6.6", "198.51.100.1"], "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.7", [], "10.0.0.0/8", "10.0.0.7"),
        ("10.0.0.7", ["nonsense"], "10.0.0.0/8", "unknown"),
        ("::ffff:10.0.0.7", ["2001:db8::1"], "10.0.0.0/8", "2001:db8::1"),
        (None, ["198.51.100.1"], "10.0.0.0/8", "unknown"),
    ],
)
def test_only_our_own_proxies_are_believed(
    peer: str | None, forwarded: list[str], trusted: str, expected: str
) -> None:
    assert client_address(peer, forwarded, networks(trusted)) == expected


def test_a_network_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="everyone"):
        networks("10.0.0.0/8, everyone")


def test_limits_count_an_ipv6_network_as_one() -> None:
    assert limit_group("2001:db8:1:2::5") == limit_group("2001:db8:1:2:ffff::9")
    assert limit_group("2001:db8:1:3::5") != limit_group("2001:db8:1:2::5")
    assert limit_group("203.0.113.9") != limit_group("203.0.113.10")


@pytest.mark.parametrize(
    "path", [b"/", b"/v1/sessions", b"/assets/index-C0ffee_1.js", b"/v1/sessions/abc/events", b"/.well-known"]
)
def test_plain_paths(path: bytes) -> None:
    assert is_plain_path(path)


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"v1",
        b"//",
        b"//v1/sessions",
        b"/v1//sessions",
        b"/v1/sessions/",
        b"/v1/sessions;x=1",
        b"/v1%2fsessions",
        b"/v1%2Fsessions",
        b"/v1/%73essions",
        b"/v1/../v1/sessions",
        b"/./v1",
        b"/v1/..",
        b"/v1\\sessions",
        b"/v1/sessions\x00",
        b"/v1/sessions\n",
        "/v1/sessiöns".encode(),
    ],
)
def test_paths_with_two_readings(path: bytes) -> None:
    assert not is_plain_path(path)
