"""The life of an enrolled device, as one table and pure functions; and who of them is there.

`now` is an argument. What is over stays over: a tombstone takes no event. See ADR 0012.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from beistand.protocol import signing
from beistand.protocol.errors import BadSignature, DeviceOffline, Ended, OutsideTerms, TicketRefused
from beistand.protocol.messages import (
    Actor,
    DeviceEntry,
    DeviceList,
    DeviceListQuery,
    DeviceState,
    DeviceView,
    SessionEntry,
)
from beistand.protocol.records import Enrolment, Hello, Vouch
from beistand.protocol.terms import Rule, Technician, refusal
from services.session.connections import Connection

OFFLINE_AFTER = timedelta(seconds=150)
"""A device says every 60 s that it is there."""
LATE_WITHIN = timedelta(seconds=5)
"""Within this an older attempt may still be on its way through another NATS server."""
CREDENTIAL = timedelta(hours=23)
"""How long a device stays connected before it has to prove its key again."""
CUT_AGAIN_AFTER = timedelta(seconds=5)
CUT_UNTIL = timedelta(seconds=60)
MAX_PAGE = 768 * 1024
"""Largest page of devices in bytes; an answer has to fit into one message of the bus."""
FINAL = frozenset({DeviceState.WITHDRAWN, DeviceState.GIVEN_UP, DeviceState.CLONED})


# --- the table ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paused:
    """The person holds unattended access, or lets it go on."""

    paused: bool
    seq: int


@dataclass(frozen=True)
class Withdrawn:
    """The person took it back for good."""

    seq: int


@dataclass(frozen=True)
class GivenUp:
    """The organisation wants it no more."""


@dataclass(frozen=True)
class KeySeenTwice:
    """The key was shown by a copy."""


Event = Paused | Withdrawn | GivenUp | KeySeenTwice

_LIVING: dict[type[Any], DeviceState] = {
    Withdrawn: DeviceState.WITHDRAWN,
    GivenUp: DeviceState.GIVEN_UP,
    KeySeenTwice: DeviceState.CLONED,
}
TABLE: dict[DeviceState, dict[type[Any], DeviceState]] = {
    DeviceState.ENROLLED: {Paused: DeviceState.PAUSED, **_LIVING},
    DeviceState.PAUSED: {Paused: DeviceState.PAUSED, **_LIVING},
    DeviceState.WITHDRAWN: {},
    DeviceState.GIVEN_UP: {},
    DeviceState.CLONED: {},
}
"""State -> event -> next state; `Paused(paused=False)` leads to ENROLLED. What is over takes no event."""


def apply(entry: DeviceEntry, event: Event, *, now: datetime) -> DeviceEntry:
    """The device after `event`. What is over stays as it is, and so does what an old record says again."""
    target = TABLE[entry.state].get(type(event))
    if target is None:
        return entry
    changes: dict[str, Any] = {}
    if isinstance(event, Paused | Withdrawn):
        if event.seq <= entry.seq:
            return entry
        changes["seq"] = event.seq
    if isinstance(event, Paused) and not event.paused:
        target = DeviceState.ENROLLED
    if target is not entry.state:
        changes["changed_at"] = now
    return entry.model_copy(update={**changes, "state": target})


def enrolled(
    record: Enrolment, jws: str, *, organisation_name: str, enrolled_by: Technician, now: datetime
) -> DeviceEntry:
    """The entry of a new device."""
    return DeviceEntry(
        org=record.org,
        device_id=record.sid,
        device_key=record.device_key,
        name=record.device_name,
        platform=record.platform,
        zone=record.zone,
        terms=record.terms,
        organisation_name=organisation_name,
        enrolled_at=now,
        enrolled_by=enrolled_by,
        enrolment_hash=signing.hash_of(jws),
        state=DeviceState.ENROLLED,
        seq=record.seq,
        changed_at=now,
    )


# --- the door -----------------------------------------------------------------------------------------


def is_copy(entry: DeviceEntry, number: int, connection: Connection, *, now: datetime) -> bool:
    """Whether this number can only come from a copy of the key; TicketRefused if it is merely late.

    A device raises its number before every attempt. One NATS server numbers its connections in the order they
    came, so an attempt older than the newest one is told apart there. Between two servers only time tells.
    """
    if number > entry.counter or entry.shown_by == connection:
        return False
    shown_by, shown_at = entry.shown_by, entry.shown_at
    if shown_by is not None and shown_by[0] == connection[0]:
        if connection[1] < shown_by[1]:
            raise TicketRefused
    elif shown_at is not None and now - shown_at < LATE_WITHIN:
        raise TicketRefused
    return True


def connect(entry: DeviceEntry, number: int, connection: Connection, *, now: datetime) -> DeviceEntry:
    """The device with its new connection, or as `cloned`; Ended if it is over, TicketRefused if late."""
    if entry.state in FINAL or now >= entry.terms.until:
        raise Ended
    if is_copy(entry, number, connection, now=now):
        return apply(entry, KeySeenTwice(), now=now)
    if entry.shown_by == connection and number <= entry.counter:
        return entry
    return entry.model_copy(
        update={
            "counter": number,
            "connection": connection,
            "shown_by": connection,
            "shown_at": now,
            "last_seen_at": now,
        }
    )


def disconnect(entry: DeviceEntry, connection: Connection, *, seen_at: datetime) -> DeviceEntry:
    """The device without that connection; unchanged if it has another one by now."""
    if entry.connection != connection:
        return entry
    return entry.model_copy(update={"connection": None, "last_seen_at": seen_at})


def heard_again(entry: DeviceEntry, *, now: datetime) -> DeviceEntry:
    """The device that was thought to be gone and still says that it is there."""
    is_fresh = entry.last_seen_at is not None and now - entry.last_seen_at < LATE_WITHIN
    if entry.connection is not None or entry.state in FINAL or is_fresh:
        return entry
    return entry.model_copy(update={"connection": entry.shown_by, "last_seen_at": now})


def admitted_until(entry: DeviceEntry, *, now: datetime) -> datetime:
    """When the device has to prove its key again; never beyond what the person allowed."""
    return min(now + CREDENTIAL, entry.terms.until)


# --- coming in ----------------------------------------------------------------------------------------

_SENTENCES = {
    Rule.NOT_ENROLLED: "The device is not enrolled.",
    Rule.EXPIRED: "The time the person allowed is over.",
    Rule.WRONG_TECHNICIAN: "The person allowed this to other technicians only.",
    Rule.WRONG_DAY: "The person did not allow this on this day of the week.",
    Rule.WRONG_HOUR: "The person did not allow this at this hour.",
    Rule.PAUSED: "The person has paused unattended access.",
    Rule.WITHDRAWN: "The person has withdrawn unattended access.",
    Rule.GIVEN_UP: "The organisation has given up unattended access.",
    Rule.CLONED: "The device's key was seen on two machines.",
    Rule.BUSY: "Another session with this device goes on.",
    Rule.OFFLINE: "The device is not connected.",
}
_BY_STATE = {
    DeviceState.PAUSED: Rule.PAUSED,
    DeviceState.WITHDRAWN: Rule.WITHDRAWN,
    DeviceState.GIVEN_UP: Rule.GIVEN_UP,
    DeviceState.CLONED: Rule.CLONED,
}


def refused_to(entry: DeviceEntry, technician_id: str, *, now: datetime) -> Rule | None:
    """The rule that says no to this technician now, or None."""
    rule = _BY_STATE.get(entry.state)
    if rule is not None:
        return rule
    try:
        zone = ZoneInfo(entry.zone)
    except (KeyError, ValueError, OSError):
        # A clock nobody here knows is in no hours.
        return Rule.WRONG_HOUR
    return refusal(entry.terms, technician_id=technician_id, now=now, zone=zone)


def outside(rule: Rule) -> OutsideTerms:
    """The refusal by this rule."""
    return OutsideTerms(f"{rule}: {_SENTENCES[rule]}")


def callable_by(entry: DeviceEntry, actor: Actor, *, now: datetime) -> DeviceEntry:
    """The device if it may be called, or OutsideTerms / DeviceOffline."""
    rule = refused_to(entry, actor.technician_id, now=now)
    if rule is not None:
        raise outside(rule)
    if entry.connection is None:
        raise DeviceOffline
    return entry


def claimed(entry: DeviceEntry, actor: Actor, sid: str, *, seen: str | None, now: datetime) -> DeviceEntry:
    """The device with this session as its own; OutsideTerms if another technician was faster."""
    if entry.session_id != seen:
        raise outside(Rule.BUSY)
    return callable_by(entry, actor, now=now).model_copy(update={"session_id": sid})


def check_vouch(entry: DeviceEntry | None, session: SessionEntry, hello: Hello) -> None:
    """That the device this session was made for stands by the key of this hello, or BadSignature."""
    if entry is None or entry.state is not DeviceState.ENROLLED or hello.vouch_jws is None:
        raise BadSignature("The device does not stand by this session's key.")
    vouch = signing.verify(hello.vouch_jws, signing.public_key_of_agent(entry.device_key), Vouch)
    said = (vouch.org, vouch.sid, vouch.device_key, vouch.enrolment_hash, vouch.agent_key)
    is_ours = vouch.device_id == entry.device_id
    if not is_ours or said != (
        session.org,
        session.sid,
        entry.device_key,
        entry.enrolment_hash,
        hello.agent_key,
    ):
        raise BadSignature("The device stands by another key or session.")


# --- showing ------------------------------------------------------------------------------------------


def view(entry: DeviceEntry, *, technician_id: str, heard_at: datetime | None, now: datetime) -> DeviceView:
    """The device as a technician sees it. `heard_at`: when it last said that it is there."""
    last_seen = max((at for at in (entry.last_seen_at, heard_at) if at is not None), default=None)
    shown = entry.model_dump(include={"name", "platform", "state", "enrolled_at", "zone", "session_id"})
    return DeviceView(
        id=entry.device_id,
        online=entry.connection is not None and entry.state not in FINAL,
        last_seen_at=last_seen,
        enrolled_by=entry.enrolled_by.name,
        until=entry.terms.until,
        technicians=entry.terms.technicians,
        days=entry.terms.days,
        from_minute=entry.terms.from_minute,
        to_minute=entry.terms.to_minute,
        refused=refused_to(entry, technician_id, now=now),
        **shown,
    )


def page(views: Iterable[DeviceView], query: DeviceListQuery) -> DeviceList:
    """A page by name, from the cursor on: as many as asked for, and as fit into one message."""
    ordered = sorted(views, key=lambda item: (item.name.casefold(), item.id))
    ids = [item.id for item in ordered]
    start = ids.index(query.after) + 1 if query.after in ids else 0
    shown: list[DeviceView] = []
    size = 0
    for item in ordered[start : start + query.limit]:
        size += len(item.model_dump_json().encode()) + 1
        if shown and size > MAX_PAGE:
            break
        shown.append(item)
    more = len(ordered) > start + len(shown)
    return DeviceList(items=tuple(shown), next=shown[-1].id if more and shown else None)


# --- who is there -------------------------------------------------------------------------------------


@dataclass
class Presence:
    """When each connected device was last heard, whose connections are whose, what is still to be cut.

    Kept in memory alone, fed from the bucket and by beats: what was not heard while nobody listened proves
    nothing, so listening anew starts anew.
    """

    _heard: dict[str, datetime] = field(default_factory=dict)
    _connections: dict[str, Connection] = field(default_factory=dict)
    _owners: dict[Connection, str] = field(default_factory=dict)
    _uncut: dict[str, datetime] = field(default_factory=dict)
    _listening: int | None = None

    def note(self, entry: DeviceEntry, *, now: datetime) -> None:
        """A device as it is now; a connection counts as heard when it is first seen."""
        key = f"{entry.org}.{entry.device_id}"
        known = self._connections.get(key)
        if known != entry.connection:
            if known is not None:
                self._owners.pop(known, None)
            self._connections.pop(key, None)
            self._heard.pop(key, None)
            if entry.connection is not None:
                self._connections[key], self._heard[key] = entry.connection, now
                self._owners[entry.connection] = key
        if entry.state in FINAL and entry.connection is not None:
            self._uncut.setdefault(key, now + CUT_AGAIN_AFTER)
        else:
            self._uncut.pop(key, None)

    def heard(self, key: str, *, now: datetime) -> bool:
        """A beat; False if this device was not thought to be connected."""
        if key not in self._connections:
            return False
        self._heard[key] = now
        return True

    def heard_at(self, key: str) -> datetime | None:
        """When a connected device was last heard."""
        return self._heard.get(key)

    def owner_of(self, connection: Connection) -> str | None:
        """Key of the device a connection belongs to."""
        return self._owners.get(connection)

    @property
    def online(self) -> int:
        """How many devices are connected."""
        return len(self._connections)

    def silent(self, *, listening: int | None, now: datetime) -> list[tuple[str, Connection, datetime]]:
        """Who was silent for too long, and since when. `listening` numbers the connection we hear by."""
        if listening is None or listening != self._listening:
            self._listening = listening
            self._heard = dict.fromkeys(self._connections, now)
        return [
            (key, self._connections[key], at) for key, at in self._heard.items() if now - at >= OFFLINE_AFTER
        ]

    def uncut(self, *, now: datetime) -> list[str]:
        """Keys of devices that are over and still connected: somebody died while putting them out."""
        due = [key for key, at in self._uncut.items() if at <= now]
        for key in due:
            self._uncut[key] = now + CUT_AGAIN_AFTER
        return due
