"""Enrolled devices: the table, which attempt comes from a copy, who is there, pages that fit."""

from datetime import UTC, datetime, timedelta

import pytest

from beistand.protocol.errors import DeviceOffline, Ended, OutsideTerms, TicketRefused
from beistand.protocol.messages import Actor, DeviceEntry, DeviceListQuery, DeviceState, DeviceView
from beistand.protocol.terms import Rule, Technician, Terms
from services.session import devices
from services.session.devices import FINAL, GivenUp, KeySeenTwice, Paused, Presence, Withdrawn

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
TINA = Actor(technician_id="t" * 22, name="Tina", org="acme")
KEY = f"acme.{'d' * 22}"
BUSY_PAGE_BYTES = 1024 * 1024


def _device(**changes: object) -> DeviceEntry:
    entry = DeviceEntry(
        org="acme",
        device_id="d" * 22,
        device_key="U" + "A" * 55,
        name="Till",
        platform="linux",
        zone="Europe/Berlin",
        terms=Terms(until=NOW + timedelta(days=14)),
        organisation_name="Acme",
        enrolled_at=NOW,
        enrolled_by=Technician(id="t" * 22, name="Tina"),
        enrolment_hash="h" * 43,
        state=DeviceState.ENROLLED,
        changed_at=NOW,
    )
    return entry.model_copy(update=changes)


def _shown(number: int, connection: tuple[str, int] = ("A", 5)) -> DeviceEntry:
    return devices.connect(_device(), number, connection, now=NOW)


@pytest.mark.parametrize("state", sorted(FINAL))
@pytest.mark.parametrize(
    "event", [Paused(paused=False, seq=9), Withdrawn(seq=9), GivenUp(), KeySeenTwice()], ids=str
)
def test_what_is_over_stays_over(state: DeviceState, event: devices.Event) -> None:
    entry = _device(state=state)
    assert devices.apply(entry, event, now=NOW) == entry


def test_the_table_knows_every_state_and_event() -> None:
    assert set(devices.TABLE) == set(DeviceState)
    living = {Paused, Withdrawn, GivenUp, KeySeenTwice}
    assert all(set(row) == (set() if state in FINAL else living) for state, row in devices.TABLE.items())


def test_an_old_record_changes_nothing() -> None:
    paused = devices.apply(_device(), Paused(paused=True, seq=1), now=NOW)
    going = devices.apply(paused, Paused(paused=False, seq=2), now=NOW)
    assert (paused.state, going.state) == (DeviceState.PAUSED, DeviceState.ENROLLED)
    assert devices.apply(going, Paused(paused=True, seq=1), now=NOW) == going


def test_a_number_shown_again_comes_from_a_copy() -> None:
    for number in (6, 7):
        copied = devices.connect(_shown(7), number, ("A", 6), now=NOW)
        assert copied.state is DeviceState.CLONED


def test_the_very_same_connect_asked_again_is_no_copy() -> None:
    entry = _shown(7)
    assert devices.connect(entry, 7, ("A", 5), now=NOW) == entry


def test_an_older_attempt_handled_late_is_refused_and_no_copy() -> None:
    late = NOW + timedelta(hours=1)
    with pytest.raises(TicketRefused):
        devices.connect(_shown(7), 6, ("A", 4), now=late)


def test_through_another_server_only_time_tells() -> None:
    entry = _shown(7)
    with pytest.raises(TicketRefused):
        devices.connect(entry, 6, ("B", 900), now=NOW + timedelta(seconds=4))
    late = NOW + devices.LATE_WITHIN
    assert devices.connect(entry, 6, ("B", 900), now=late).state is DeviceState.CLONED


def test_a_lost_connection_does_not_forget_its_number() -> None:
    entry = devices.disconnect(_shown(7), ("A", 5), seen_at=NOW)
    assert (entry.connection, entry.counter) == (None, 7)
    assert devices.connect(entry, 7, ("A", 6), now=NOW).state is DeviceState.CLONED
    assert devices.connect(entry, 8, ("A", 6), now=NOW).connection == ("A", 6)


def test_an_old_connection_that_goes_takes_nothing_along() -> None:
    entry = devices.connect(_shown(7), 8, ("A", 6), now=NOW)
    assert devices.disconnect(entry, ("A", 5), seen_at=NOW) == entry


def test_nobody_is_let_in_after_the_end() -> None:
    for entry in (_device(state=DeviceState.GIVEN_UP), _device(terms=Terms(until=NOW))):
        with pytest.raises(Ended):
            devices.connect(entry, 1, ("A", 1), now=NOW)


def test_a_credential_does_not_outlive_what_was_allowed() -> None:
    soon = NOW + timedelta(hours=1)
    assert devices.admitted_until(_device(terms=Terms(until=soon)), now=NOW) == soon
    assert devices.admitted_until(_device(), now=NOW) == NOW + devices.CREDENTIAL


def test_the_rule_is_told() -> None:
    entry = _shown(1).model_copy(update={"state": DeviceState.PAUSED})
    with pytest.raises(OutsideTerms, match="paused: "):
        devices.callable_by(entry, TINA, now=NOW)
    with pytest.raises(DeviceOffline):
        devices.callable_by(_device(), TINA, now=NOW)


def test_hours_are_those_of_the_devices_clock() -> None:
    # 12:00 UTC is 13:00 in Berlin.
    until = NOW + timedelta(days=1)
    berlin = _device(terms=Terms(until=until, from_minute=13 * 60))
    assert devices.refused_to(berlin, "t" * 22, now=NOW) is None
    at_noon = _device(terms=Terms(until=until, to_minute=13 * 60))
    assert devices.refused_to(at_noon, "t" * 22, now=NOW) is Rule.WRONG_HOUR
    nowhere = _device(zone="Nowhere/Land")
    assert devices.refused_to(nowhere, "t" * 22, now=NOW) is Rule.WRONG_HOUR
    climbing = _device(zone="/etc/passwd")
    assert devices.refused_to(climbing, "t" * 22, now=NOW) is Rule.WRONG_HOUR


def test_a_second_claim_of_the_same_moment_is_refused() -> None:
    entry = devices.claimed(_shown(1), TINA, "s" * 22, seen=None, now=NOW)
    with pytest.raises(OutsideTerms, match="busy: "):
        devices.claimed(entry, TINA, "r" * 22, seen=None, now=NOW)


def test_silence_is_absence() -> None:
    presence, entry = Presence(), _shown(1)
    presence.note(entry, now=NOW)
    presence.silent(listening=0, now=NOW)
    almost, late = NOW + timedelta(seconds=149), NOW + timedelta(seconds=150)
    assert presence.silent(listening=0, now=almost) == []
    assert presence.silent(listening=0, now=late) == [(KEY, ("A", 5), NOW)]
    presence.heard(KEY, now=almost)
    assert presence.silent(listening=0, now=late) == []


def test_listening_anew_starts_anew() -> None:
    presence = Presence()
    presence.note(_shown(1), now=NOW)
    much_later = NOW + timedelta(hours=1)
    assert presence.silent(listening=1, now=much_later) == []
    assert presence.silent(listening=None, now=much_later + timedelta(hours=1)) == []


def test_only_known_devices_are_heard() -> None:
    presence = Presence()
    assert not presence.heard(KEY, now=NOW)
    presence.note(_shown(1), now=NOW)
    assert presence.heard(KEY, now=NOW)
    assert (presence.owner_of(("A", 5)), presence.online) == (KEY, 1)
    presence.note(_device(), now=NOW)
    assert (presence.owner_of(("A", 5)), presence.online) == (None, 0)


def test_who_is_over_and_still_connected_is_cut_again() -> None:
    presence = Presence()
    presence.note(_shown(1).model_copy(update={"state": DeviceState.CLONED}), now=NOW)
    assert presence.uncut(now=NOW) == []
    assert presence.uncut(now=NOW + devices.CUT_AGAIN_AFTER) == [KEY]


def test_a_page_fits_into_a_message() -> None:
    named = tuple(Technician(id="t" * 22, name="ü" * 120) for _ in range(20))
    terms = Terms(until=NOW + timedelta(days=1), technicians=named)
    views = [_view(number, terms) for number in range(300)]
    seen: list[str] = []
    after: str | None = None
    while True:
        page = devices.page(views, DeviceListQuery(actor=TINA, after=after))
        assert len(page.model_dump_json().encode()) < BUSY_PAGE_BYTES
        seen += [item.id for item in page.items]
        after = page.next
        if after is None:
            break
    assert seen == [view.id for view in views]


def _view(number: int, terms: Terms) -> DeviceView:
    entry = _device(device_id=f"{number:022d}", terms=terms)
    return devices.view(entry, technician_id="t" * 22, heard_at=None, now=NOW)
