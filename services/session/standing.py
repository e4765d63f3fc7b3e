"""What happens to enrolled devices whoever asks: let in, heard, called, put out. Decided in `devices`.

Every change is one compare-and-set; every step can be repeated by another replica.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from nats.aio.msg import Msg

from beistand.bus.callout import DeviceAdmission, DeviceRequest
from beistand.bus.rpc import Request
from beistand.bus.store import Conflict
from beistand.protocol import messages, signing, subjects
from beistand.protocol.device import enrolment_of
from beistand.protocol.errors import (
    BadSignature,
    BeistandError,
    DeviceOffline,
    Ended,
    InvalidMessage,
    NotFound,
    TicketRefused,
    Unavailable,
    WrongState,
)
from beistand.protocol.messages import (
    Ack,
    Actor,
    Beat,
    Call,
    CallAnswer,
    DeviceEntry,
    DeviceGone,
    DeviceList,
    DeviceListQuery,
    DeviceQuery,
    DeviceRecorded,
    DeviceState,
    DeviceView,
    OpenDevice,
    Party,
    SessionEntry,
    SessionView,
)
from beistand.protocol.records import Cause, Enrolment, Hello, Standby, Withdrawal
from beistand.protocol.terms import Rule
from beistand.telemetry import meter
from services.session import devices, domain, lifecycle
from services.session.adapters import key_of
from services.session.connections import Connection
from services.session.lifecycle import Parts

log = logging.getLogger(__name__)

CALL_WITHIN_S = 4.0
"""For the device to answer a call; less than the caller's own patience, so that it is told which it was."""
ANSWERED_AFTER_S = 1.0
"""A device that withdraws still hears that its record is stored before it is put out."""

_attempts = meter.create_counter("beistand.devices.attempts", description="Devices let in, refused, copied")
_calls = meter.create_counter("beistand.devices.calls", description="Calls of devices, by their outcome")
_online = meter.create_up_down_counter("beistand.devices.online", description="Enrolled devices connected")

ENDS: dict[DeviceState, tuple[Party, Cause]] = {
    DeviceState.WITHDRAWN: (Party.CUSTOMER, Cause.END_SESSION),
    DeviceState.GIVEN_UP: (Party.TECHNICIAN, Cause.ADMIN),
    DeviceState.CLONED: (Party.SYSTEM, Cause.ADMIN),
}
"""Who ends a session that goes on when its device's enrolment ends, and why."""


def name_of(entry: DeviceEntry) -> str:
    """The device's key in KV `devices`."""
    return f"{entry.org}.{entry.device_id}"


# --- being there --------------------------------------------------------------------------------------


async def admit(parts: Parts, request: DeviceRequest) -> DeviceAdmission:
    """Let a device's connection in, or raise; a number seen before ends the enrolment."""
    now, connection = parts.clock(), (request.server_id, request.client_id)
    connect = partial(devices.connect, number=request.number, connection=connection, now=now)
    try:
        before, after = await _change(parts, f"{request.org}.{request.device_id}", connect)
    except NotFound:
        raise TicketRefused from None
    except BeistandError as error:
        _attempts.add(1, {"code": error.code})
        raise
    if after.state is DeviceState.CLONED:
        _attempts.add(1, {"code": "cloned"})
        log.warning("device key seen twice", extra={"device": after.device_id})
        parts.tasks.create_task(cut(parts, after), name=f"cut {after.device_id}")
        raise Ended
    _attempts.add(1, {"code": "allowed"})
    if before.connection not in (None, connection):
        parts.tasks.create_task(_kick_quietly(parts, before.connection), name=f"replace {after.device_id}")
    return DeviceAdmission(
        org=after.org, device_id=after.device_id, expires_at=devices.admitted_until(after, now=now)
    )


async def disconnected(parts: Parts, key: str, connection: Connection) -> None:
    """A device's connection is gone."""
    await _lost(parts, key, partial(devices.disconnect, connection=connection, seen_at=parts.clock()))


async def beat(parts: Parts, message: Msg) -> None:
    """A device is there. Every replica hears it; nothing is stored unless it was thought to be gone."""
    try:
        place = subjects.parse(message.subject)
        messages.parse(Beat, message.data)
    except BeistandError:
        return
    key = f"{place.org}.{place.sid}"
    if not parts.presence.heard(key, now=parts.clock()):
        await _lost(parts, key, partial(devices.heard_again, now=parts.clock()))


async def answered(parts: Parts, message: Msg) -> None:
    """A device answers a call; only the replica that called waits for it."""
    try:
        place = subjects.parse(message.subject)
        answer = messages.parse(CallAnswer, message.data)
    except BeistandError:
        return
    waiting = parts.calls.get((place.org, place.sid, answer.session_id))
    if waiting is not None and not waiting.done():
        waiting.set_result(answer)


def noticed(parts: Parts, entry: DeviceEntry) -> None:
    """A device as the bucket has it now."""
    before = parts.presence.online
    parts.presence.note(entry, now=parts.clock())
    _online.add(parts.presence.online - before)


async def sweep(parts: Parts) -> None:
    """Do what time asks for: who was silent is offline, who is over and still connected is put out."""
    client = parts.wire.client
    listening = int(client.stats["reconnects"]) if client.is_connected else None
    for key, connection, at in parts.presence.silent(listening=listening, now=parts.clock()):
        await _lost(parts, key, partial(devices.disconnect, connection=connection, seen_at=at))
    for key in parts.presence.uncut(now=parts.clock()):
        await cut(parts, await _entry(parts, key))


async def cut(parts: Parts, entry: DeviceEntry, *, after_s: float = 0.0) -> None:
    """Put a device out whose enrolment is over: its session ended, told, connection kicked. Repeatable."""
    try:
        await _end_session(parts, entry, *ENDS[entry.state])
        if entry.connection is None:
            return
        await parts.wire.tell_device(
            entry.org, entry.device_id, subjects.DeviceDown.GONE, DeviceGone(state=entry.state)
        )
        await parts.wire.flush()
        await asyncio.sleep(after_s)
        await _kick(parts, entry)
        seen_at = parts.clock()
        gone = partial(devices.disconnect, connection=entry.connection, seen_at=seen_at)
        await _change(parts, name_of(entry), gone)
    except BeistandError as error:
        # It is over already and nobody gets in; the sweep comes back for the rest.
        log.warning("device not cut yet", extra={"device": entry.device_id, "code": error.code})


# --- what the consent service stored ------------------------------------------------------------------


async def recorded(parts: Parts, request: Request[DeviceRecorded]) -> Ack:
    """A record of a device's chain is in the ledger. Said again, also late, it changes nothing."""
    said, now = request.message, parts.clock()
    kind = signing.type_of(said.jws)
    if kind == Enrolment.typ:
        await _enrol(parts, said)
        return Ack()
    entry = await _entry(parts, f"{said.org}.{said.device_id}")
    event: devices.Event
    key = signing.public_key_of_agent(entry.device_key)
    if kind == Standby.typ:
        standby = signing.verify(said.jws, key, Standby)
        record: Standby | Withdrawal = standby
        event = devices.Paused(standby.paused, standby.seq)
    elif kind == Withdrawal.typ:
        record = signing.verify(said.jws, key, Withdrawal)
        event = devices.Withdrawn(record.seq)
    else:
        raise InvalidMessage
    if (record.org, record.sid) != (entry.org, entry.device_id):
        raise BadSignature("The record is about another device.")
    _, entry = await _change(parts, name_of(entry), lambda current: devices.apply(current, event, now=now))
    if entry.state in devices.FINAL:
        await _end_session(parts, entry, *ENDS[entry.state])
        parts.tasks.create_task(cut(parts, entry, after_s=ANSWERED_AFTER_S), name=f"cut {entry.device_id}")
    return Ack()


async def _enrol(parts: Parts, said: DeviceRecorded) -> None:
    record = enrolment_of(said.jws, device_id=said.device_id)
    if record.org != said.org:
        raise BadSignature("The record is about another device.")
    if said.enrolled_by is None:
        raise InvalidMessage("Who asked is missing.")
    entry = devices.enrolled(
        record,
        said.jws,
        organisation_name=said.organisation_name,
        enrolled_by=said.enrolled_by,
        now=parts.clock(),
    )
    try:
        await parts.shelf.devices.create(name_of(entry), entry)
    except Conflict:
        present = await _entry(parts, name_of(entry))
        if present.enrolment_hash != entry.enrolment_hash:
            raise WrongState("This device is enrolled already, or was.") from None
        return
    noticed(parts, entry)
    await _tell_world(parts, entry)


# --- technicians (through the gateway) ----------------------------------------------------------------


async def list_devices(parts: Parts, request: Request[DeviceListQuery]) -> DeviceList:
    """A page of the organisation's devices."""
    query = request.message
    stored = await parts.shelf.devices.list(query.actor.org)
    return devices.page([_view(parts, item.value, query.actor) for item in stored], query)


async def get(parts: Parts, request: Request[DeviceQuery]) -> DeviceView:
    """One device."""
    asked = request.message
    return _view(parts, await _entry(parts, f"{asked.actor.org}.{asked.device_id}"), asked.actor)


async def give_up(parts: Parts, request: Request[DeviceQuery]) -> DeviceView:
    """The organisation wants it no more; when this returns the device is out."""
    asked, now = request.message, parts.clock()
    key = f"{asked.actor.org}.{asked.device_id}"
    _, entry = await _change(parts, key, lambda current: devices.apply(current, devices.GivenUp(), now=now))
    await cut(parts, entry)
    return _view(parts, await _entry(parts, key), asked.actor)


async def open_device(parts: Parts, request: Request[OpenDevice]) -> SessionView:
    """Start an unattended session: by the terms, one technician at a time, once the device says it comes."""
    try:
        view = await _opened(parts, request.message)
    except BeistandError as error:
        _calls.add(1, {"code": error.code})
        raise
    _calls.add(1, {"code": "comes"})
    return view


async def _opened(parts: Parts, asked: OpenDevice) -> SessionView:
    now = parts.clock()
    key = f"{asked.actor.org}.{asked.device_id}"
    entry = devices.callable_by(await _entry(parts, key), asked.actor, now=now)
    if await _goes_on(parts, entry):
        raise devices.outside(Rule.BUSY)
    session, code = await lifecycle.open_session(
        parts,
        asked.actor,
        entry.organisation_name,
        until=entry.terms.until,
        device_id=entry.device_id,
        reason=asked.reason,
    )
    claim = partial(devices.claimed, actor=asked.actor, sid=session.sid, seen=entry.session_id, now=now)
    try:
        await _change(parts, key, claim)
        await lifecycle.tell_world(parts, session)
        call = Call(
            code=code,
            session_id=session.sid,
            organisation_name=session.organisation_name,
            technician_id=session.technician_id,
            technician_name=session.technician_name,
            reason=asked.reason,
            called_at=now,
        )
        answer = await _called(parts, entry, call)
    except BeistandError:
        await _end(parts, key_of(session), Party.SYSTEM, Cause.AGENT_LOST)
        raise
    if answer.refused is not None:
        await _end(parts, key_of(session), Party.CUSTOMER, Cause.END_SESSION)
        raise devices.outside(answer.refused)
    return domain.view(await lifecycle.settled(parts, key_of(session)))


async def _called(parts: Parts, entry: DeviceEntry, call: Call) -> CallAnswer:
    place = (entry.org, entry.device_id, call.session_id)
    parts.calls[place] = asyncio.get_running_loop().create_future()
    try:
        await parts.wire.tell_device(entry.org, entry.device_id, subjects.DeviceDown.CALL, call)
        async with asyncio.timeout(CALL_WITHIN_S):
            return await parts.calls[place]
    except TimeoutError:
        raise DeviceOffline from None
    finally:
        del parts.calls[place]


async def vouched(parts: Parts, session: SessionEntry, hello: Hello) -> None:
    """A session made for a device takes no other hello."""
    if session.device_id is None:
        return
    stored = await parts.shelf.devices.get(f"{session.org}.{session.device_id}")
    devices.check_vouch(stored.value if stored else None, session, hello)


# --- steps shared by the above ------------------------------------------------------------------------


async def _entry(parts: Parts, key: str) -> DeviceEntry:
    stored = await parts.shelf.devices.get(key)
    if stored is None:
        raise NotFound
    return stored.value


async def _change(
    parts: Parts, key: str, edit: Callable[[DeviceEntry], DeviceEntry]
) -> tuple[DeviceEntry, DeviceEntry]:
    """The device before and after a compare-and-set edit; the world is told what is new to see."""
    before: list[DeviceEntry] = []

    def noted(entry: DeviceEntry) -> DeviceEntry:
        before[:] = [entry]
        return edit(entry)

    after = await parts.shelf.devices.change(key, noted)
    noticed(parts, after)
    if _seen(before[0]) != _seen(after):
        parts.tasks.create_task(_tell_world(parts, after), name=f"tell of {after.device_id}")
    return before[0], after


def _seen(entry: DeviceEntry) -> tuple[object, ...]:
    return entry.state, entry.connection is None, entry.session_id


async def _lost(parts: Parts, key: str, edit: Callable[[DeviceEntry], DeviceEntry]) -> None:
    try:
        await _change(parts, key, edit)
    except BeistandError as error:
        log.warning("presence of a device not stored", extra={"device": key, "code": error.code})


async def _goes_on(parts: Parts, entry: DeviceEntry) -> bool:
    if entry.session_id is None:
        return False
    try:
        session = await lifecycle.settled(parts, f"{entry.org}.{entry.session_id}")
    except NotFound:
        return False
    return session.state not in domain.FINAL


async def _end_session(parts: Parts, entry: DeviceEntry, by: Party, cause: Cause) -> None:
    if entry.session_id is not None:
        await _end(parts, f"{entry.org}.{entry.session_id}", by, cause)


async def _end(parts: Parts, key: str, by: Party, cause: Cause) -> None:
    """End a session and cut it; one that is over already, or was never there, is fine."""
    event, now = domain.EndAsked(by, cause), parts.clock()
    with suppress(Ended, NotFound):
        session = await lifecycle.advance(parts, key, lambda current: domain.apply(current, event, now=now))
        await lifecycle.cut(parts, session)


async def _kick(parts: Parts, entry: DeviceEntry) -> None:
    if entry.connection is None:
        return
    try:
        await parts.wire.system.kick(*entry.connection)
    except Unavailable:
        # A NATS server that never answers is gone, and the connection with it.
        if parts.clock() - entry.changed_at < devices.CUT_UNTIL:
            raise


async def _kick_quietly(parts: Parts, connection: Connection | None) -> None:
    if connection is not None:
        with suppress(BeistandError):
            await parts.wire.system.kick(*connection)


def _view(parts: Parts, entry: DeviceEntry, actor: Actor) -> DeviceView:
    heard_at = parts.presence.heard_at(name_of(entry))
    return devices.view(entry, technician_id=actor.technician_id, heard_at=heard_at, now=parts.clock())


async def _tell_world(parts: Parts, entry: DeviceEntry) -> None:
    """What everybody may see; who would be refused is each technician's own matter."""
    view = devices.view(entry, technician_id="", heard_at=None, now=parts.clock())
    await parts.wire.announce_device(entry.org, view.model_copy(update={"refused": None}))
