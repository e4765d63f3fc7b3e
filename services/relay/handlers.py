"""What viewers and agents say: one function per message, registered by type; anything else is refused."""

import logging
from collections.abc import Callable
from types import MappingProxyType
from typing import TypeVar

from beistand.protocol import messages, signing
from beistand.protocol.errors import BeistandError, InvalidMessage, NoGrant, RateLimited, TooLarge
from beistand.protocol.messages import (
    Input,
    InputText,
    Lease,
    Message,
    Party,
    SignedUp,
    ViewerMonitor,
    ViewerRefresh,
    ViewerShown,
)
from beistand.protocol.records import Cause, End, Pause, Record, Revocation
from beistand.protocol.subjects import Up
from services.relay import metrics
from services.relay.budget import Spend
from services.relay.domain import Reason
from services.relay.room import Room, Viewer, reason_of
from services.relay.stored import agent_key_of

log = logging.getLogger(__name__)

MAX_INVALID = 3
MAX_UNREAD = 256

R = TypeVar("R", bound=Record)

_BY = MappingProxyType(
    {
        Cause.TECHNICIAN: Party.TECHNICIAN,
        Cause.EXPIRED: Party.SYSTEM,
        Cause.INDICATOR_LOST: Party.SYSTEM,
        Cause.AGENT_LOST: Party.SYSTEM,
        Cause.LEASE_LOST: Party.SYSTEM,
        Cause.ADMIN: Party.SYSTEM,
    }
)
"""Who a cause is to be put down to; everything else a device says is the customer's doing."""

_POSTED: MappingProxyType[Up, type[Record]] = MappingProxyType(
    {Up.REVOKED: Revocation, Up.PAUSE: Pause, Up.ENDED: End}
)

UNREADABLE = Reason(NoGrant, Party.SYSTEM)


# --- viewer -------------------------------------------------------------------------------------


def viewer_said(room: Room, viewer: Viewer, raw: bytes | None) -> None:
    """One message of an admitted viewer; None: something that is no text message."""
    try:
        message = _read(raw)
    except (InvalidMessage, TooLarge) as error:
        return _misunderstood(room, viewer, error)
    return FROM_VIEWER[message.type](room, viewer, message)


def _read(raw: bytes | None) -> ViewerShown | ViewerRefresh | ViewerMonitor | Input:
    if raw is None:
        raise InvalidMessage
    message = messages.parse_from_viewer(raw)
    if isinstance(message, messages.ViewerHello):
        raise InvalidMessage
    return message


def _misunderstood(room: Room, viewer: Viewer, error: BeistandError) -> None:
    viewer.invalid += 1
    metrics.INVALID.add(1, {"from": "viewer"})
    if viewer.invalid == 1:
        log.warning("a viewer's message was not understood", extra={"sid": room.sid, "code": error.code})
    if viewer.invalid >= MAX_INVALID:
        room.shut_out(viewer, reason_of(InvalidMessage()))


def _shown(room: Room, viewer: Viewer, message: Message) -> None:
    if isinstance(message, ViewerShown):
        room.shown(viewer, message.seq)


def _refresh(room: Room, viewer: Viewer, message: Message) -> None:  # noqa: ARG001 (one shape for all)
    room.refresh(viewer)


def _monitor(room: Room, viewer: Viewer, message: Message) -> None:
    if isinstance(message, ViewerMonitor):
        room.choose(viewer, message.monitor)


def _input(room: Room, viewer: Viewer, message: Message) -> None:
    """Dropped right here unless it may pass at this moment: nothing waits for a yes."""
    kind = str(getattr(message, "type", ""))
    grant_id = room.gate.input_grant(viewer.technician_id, kind, now=room.now)
    if grant_id is None:
        return metrics.INPUT.add(1, {"outcome": "refused"})
    cost = len(message.text) if isinstance(message, InputText) else 1
    spend = viewer.budget.spend(kind, now=room.now, cost=cost)
    metrics.INPUT.add(1, {"outcome": spend.value})
    if spend is Spend.FLOOD:
        return room.shut_out(viewer, reason_of(RateLimited()))
    if spend is Spend.PASS:
        room.send_input(grant_id, messages.encode(message))
    return None


FROM_VIEWER: MappingProxyType[str, Callable[[Room, Viewer, Message], None]] = MappingProxyType(
    {
        "viewer.shown": _shown,
        "viewer.refresh": _refresh,
        "viewer.monitor": _monitor,
        "input.move": _input,
        "input.button": _input,
        "input.wheel": _input,
        "input.key": _input,
        "input.text": _input,
        "input.release": _input,
    }
)
"""`viewer.hello` has its place before these: only a socket that is not admitted yet may say it."""


# --- agent --------------------------------------------------------------------------------------


def agent_said(room: Room, verb: Up, raw: bytes) -> None:
    """One message on the agent's own subjects; kept in order until its key is known: none is missed."""
    if agent_key_of(room.session) is not None:
        return FROM_AGENT[verb](room, raw)
    if len(room.unread) >= MAX_UNREAD:
        return room.apply(room.gate.end(Party.SYSTEM, None, now=room.now))
    return room.unread.append(lambda: FROM_AGENT[verb](room, raw))


def agent_posted(room: Room, verb: Up, raw: bytes) -> None:
    """A record that came by HTTPS. Strangers post, too: what this agent did not sign changes nothing."""
    if agent_key_of(room.session) is not None:
        return _take_posted(room, verb, raw)
    if len(room.unread) >= MAX_UNREAD:
        return metrics.INVALID.add(1, {"from": "posted"})
    return room.unread.append(lambda: _take_posted(room, verb, raw))


def _take_posted(room: Room, verb: Up, raw: bytes) -> None:
    if _record(room, raw, _POSTED[verb]) is not None:
        FROM_AGENT[verb](room, raw)


def _revoked(room: Room, raw: bytes) -> None:
    record = _record(room, raw, Revocation)
    if record is None:
        return stop_everything(room)
    reason = Reason(NoGrant, _BY.get(record.cause, Party.CUSTOMER), record.cause)
    return room.apply(room.gate.stop(record.grant_ids, reason, now=room.now))


def _ended(room: Room, raw: bytes) -> None:
    record = _record(room, raw, End)
    if record is None:
        return stop_everything(room)
    by = _BY.get(record.cause, Party.CUSTOMER)
    return room.apply(room.gate.end(by, record.cause, now=room.now))


def _pause(room: Room, raw: bytes) -> None:
    record = _record(room, raw, Pause)
    if record is None:
        return room.apply(room.gate.lease((), paused=True, now=room.now))
    turn = room.gate.pause if record.paused else room.gate.resume
    return room.apply(turn(seq=record.seq, now=room.now))


def _lease(room: Room, raw: bytes) -> None:
    try:
        lease = messages.parse(Lease, raw)
    except (InvalidMessage, TooLarge):
        return metrics.INVALID.add(1, {"from": "agent"})
    room.hold(held=lease.held)
    room.list_monitors(lease.monitors)
    return room.apply(room.gate.lease(lease.grant_ids, paused=lease.paused, now=room.now))


def _record(room: Room, raw: bytes, kind: type[R]) -> R | None:
    """The signed record in a message, None if it is not one of this agent and session."""
    key = agent_key_of(room.session)
    if key is None:
        return None
    try:
        record = signing.verify(messages.parse(SignedUp, raw).jws, key, kind)
    except BeistandError as error:
        metrics.INVALID.add(1, {"from": "agent"})
        log.warning("an agent's record was not understood", extra={"sid": room.sid, "code": error.code})
        return None
    return record if (record.org, record.sid) == (room.org, room.sid) else None


def stop_everything(room: Room) -> None:
    """Something on a stop's subject that cannot be read: stopping is always safe, guessing is not.

    Only this session's agent may publish there, so nobody else can be made to stop by it; and the worst a
    stray message does is a new question to the customer.
    """
    room.apply(room.gate.stop_all(UNREADABLE, now=room.now))


FROM_AGENT: MappingProxyType[Up, Callable[[Room, bytes], None]] = MappingProxyType(
    {Up.REVOKED: _revoked, Up.ENDED: _ended, Up.PAUSE: _pause, Up.LEASE: _lease}
)
"""What a relay listens to; all else an agent says is for other services."""
