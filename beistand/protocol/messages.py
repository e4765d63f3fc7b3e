"""Every message that crosses a process border, as a frozen pydantic model; unknown fields are refused.

Four conversations: agent and services (NATS), viewer and relay (WebSocket), service and service (NATS
services API), gateway and console (event WebSocket). `parse_*` turns bytes into a message or raises
InvalidMessage/TooLarge; nothing else in the tree decodes a message.
"""

from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import InvalidMessage, TooLarge
from beistand.protocol.ids import AgentKey, Id, JoinCode, OrgId
from beistand.protocol.records import Cause, Hash, InputCounts, Name, Reason
from beistand.protocol.terms import Rule, Technician, Terms, Weekday, Zone

MAX_CONTROL = 64 * 1024
"""Largest control message in bytes (agent, services, viewer)."""
MAX_INPUT = 8 * 1024
MAX_CHAT = 4000
"""Largest chat text in characters."""


class Message(BaseModel):
    """Root of all messages: immutable, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
Jws = Annotated[str, Field(min_length=10, max_length=16 * 1024)]
ChatText = Annotated[str, Field(min_length=1, max_length=MAX_CHAT)]
Ticket = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""32 random bytes, base64url; stored only as its SHA-256."""


# --- states -----------------------------------------------------------------------------------------


class SessionState(StrEnum):
    """A session's life (table: services/session/domain.py)."""

    WAITING = "waiting"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"
    EXPIRED = "expired"


class RequestState(StrEnum):
    """A request's and its grant's life (table: services/consent/domain.py)."""

    ASKED = "asked"
    LIVE = "live"
    DENIED = "denied"
    TIMED_OUT = "timed_out"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    EXPIRED = "expired"


class DeviceState(StrEnum):
    """An enrolled device's life (table: services/session/devices.py)."""

    ENROLLED = "enrolled"
    PAUSED = "paused"
    """By the person."""
    WITHDRAWN = "withdrawn"
    """By the person, for good; also by uninstalling."""
    GIVEN_UP = "given_up"
    """By the organisation, for good."""
    CLONED = "cloned"
    """Its key was seen on two machines: both are refused, for good."""


class Party(StrEnum):
    """Who did something."""

    CUSTOMER = "customer"
    TECHNICIAN = "technician"
    SYSTEM = "system"


# --- agent -> services (bst.up.<org>.<sid>.<verb>) ----------------------------------------------------


class SignedUp(Message):
    """A signed record, named by its type. Answered with `Recorded`."""

    type: Literal["hello", "decision", "revocation", "pause", "end", "activity", "enrolment"]
    jws: Jws


class PostedRecord(Message):
    """Body of POST /v1/agent/records: a signed record that the control connection could not deliver.

    Answered with `Recorded`. The signature is all that lets it in, so it needs no sign-in.
    """

    org: OrgId
    sid: Id
    type: Literal["revocation", "pause", "end", "activity"]
    jws: Jws


MAX_MONITORS = 16
MonitorNumber = Annotated[int, Field(ge=0, lt=MAX_MONITORS)]
"""A monitor's place in the device's list; 0 is the primary one."""


class MonitorSize(Message):
    """A monitor of the customer's desktop, in its pixels."""

    width: int = Field(gt=0, le=16384)
    height: int = Field(gt=0, le=16384)


class Lease(Message):
    """Published every second while joined: these grants are alive on the device. Not answered."""

    type: Literal["lease"] = "lease"
    grant_ids: tuple[Id, ...] = Field(default=(), max_length=64)
    paused: bool = False
    held: bool = False
    """The person's own hand is at mouse or keyboard: input is dropped on the device for the moment."""
    monitors: tuple[MonitorSize, ...] = Field(default=(), max_length=MAX_MONITORS)
    """While the screen is shown: what there is to choose from."""


class ChatUp(Message):
    """A chat line from the customer. Answered with `Ack`."""

    type: Literal["chat"] = "chat"
    id: Id
    text: ChatText


# --- enrolled device -> services (bst.devup.<org>.<device>.<verb>) and back (bst.devdown) ----------------


class Beat(Message):
    """Published by a connected device every 60 s: it is there. Not answered."""

    type: Literal["beat"] = "beat"


class StandingUp(Message):
    """A record of the device's own chain. Answered with `Recorded`.

    Also the body of POST /v1/agent/device-records: its signature is all that lets it in.
    """

    org: OrgId
    device_id: Id
    type: Literal["standby", "withdrawal"]
    jws: Jws


class Call(Message):
    """A technician wants to come in. Answered with `CallAnswer`; on a yes the device joins with the code.

    What counts as consent are the device's own signed answers to the questions that follow.
    """

    type: Literal["call"] = "call"
    code: JoinCode
    session_id: Id
    organisation_name: Name
    technician_id: Id
    technician_name: Name
    reason: Reason
    called_at: AwareDatetime


class CallAnswer(Message):
    """Whether the device comes; if not, the rule that says no."""

    type: Literal["call.answer"] = "call.answer"
    session_id: Id
    refused: Rule | None = None


class DeviceGone(Message):
    """The enrolment is over on the server's side: erase it and tell the person."""

    type: Literal["device.gone"] = "device.gone"
    state: DeviceState


# --- services -> agent (bst.down.<org>.<sid>.<verb>) --------------------------------------------------


class AskDown(Message):
    """A question for the customer, signed by the consent service."""

    type: Literal["ask"] = "ask"
    jws: Jws


class NoticeDown(Message):
    """A request or grant is over: withdrawn, handed back by the technician, expired."""

    type: Literal["notice"] = "notice"
    request_id: Id
    state: RequestState
    by: Party


class ChatDown(Message):
    """A chat line from a technician."""

    type: Literal["chat"] = "chat"
    id: Id
    author: Name
    text: ChatText
    sent_at: AwareDatetime


class EndedDown(Message):
    """The session is over; the agent stops everything at once."""

    type: Literal["ended"] = "ended"
    by: Party
    cause: Cause


CodecName = Annotated[str, Field(pattern=r"^[A-Za-z0-9.]{1,32}$")]


class MediaDown(Message):
    """Credit from the relay: what the viewers of a grant have shown.

    `shown` None starts or restarts the stream (a new relay or viewer): everything sent counts as shown.
    `key_frame` asks for a key frame next. Without credit the agent sends nothing.
    `codecs` are the names of what every viewer of this grant decodes (`ViewerHello`); None says nothing new,
    an empty list that nobody knows: then it is H.264, 4:2:0.
    """

    type: Literal["media"] = "media"
    grant_id: Id
    shown: int | None = Field(default=None, ge=0, lt=2**32)
    key_frame: bool = False
    codecs: tuple[CodecName, ...] | None = Field(default=None, max_length=16)
    monitor: MonitorNumber | None = None
    """Show this monitor from now on; one that is not there is the primary one."""


# --- input: viewer -> relay (WebSocket text) -> agent (bst.input.<org>.<sid>.<grant>) -----------------

Coordinate = Annotated[int, Field(ge=0, lt=16384)]


class InputMove(Message):
    """Pointer to a pixel of the picture (frame pixels, origin top left)."""

    type: Literal["input.move"] = "input.move"
    x: Coordinate
    y: Coordinate


class InputButton(Message):
    """A mouse button goes down or up at a pixel."""

    type: Literal["input.button"] = "input.button"
    x: Coordinate
    y: Coordinate
    button: Literal["left", "middle", "right", "back", "forward"]
    action: Literal["down", "up"]


class InputWheel(Message):
    """Wheel steps: dx > 0 right, dy > 0 down (browser's sense), in notches."""

    type: Literal["input.wheel"] = "input.wheel"
    x: Coordinate
    y: Coordinate
    dx: int = Field(ge=-20, le=20)
    dy: int = Field(ge=-20, le=20)


class InputKey(Message):
    """A key goes down or up: `KeyboardEvent.key` (the character or named key) and `.code` (the place)."""

    type: Literal["input.key"] = "input.key"
    key: str = Field(min_length=1, max_length=32)
    code: str = Field(max_length=32)
    action: Literal["down", "up"]


class InputText(Message):
    """Text to type as it is (IME, dead keys), in any script."""

    type: Literal["input.text"] = "input.text"
    text: str = Field(min_length=1, max_length=1000)


class InputRelease(Message):
    """Everything held goes up (the console lost focus)."""

    type: Literal["input.release"] = "input.release"


Input = Annotated[
    InputMove | InputButton | InputWheel | InputKey | InputText | InputRelease, Field(discriminator="type")
]


class InputAlive(Message):
    """Of the relay's own, every second while a technician with control is there: it could let keys go.

    An agent that heard it of a relay, and then hears it no longer, lets go what the grant holds down.
    """

    type: Literal["input.alive"] = "input.alive"
    relay: Id
    """A relay process, by an identifier of its own making."""


ToDesktop = Annotated[
    InputMove | InputButton | InputWheel | InputKey | InputText | InputRelease | InputAlive,
    Field(discriminator="type"),
]


# --- viewer -> relay (WebSocket text) -----------------------------------------------------------------


class ViewerHello(Message):
    """First message on a viewer socket: the single-use ticket, within 5 s.

    `codecs`: what this viewer decodes, as WebCodecs names it (`VideoDecoder.isConfigSupported` said yes), and
    "jpeg" if it paints patches.
    """

    type: Literal["viewer.hello"] = "viewer.hello"
    ticket: Ticket
    codecs: tuple[CodecName, ...] = Field(default=(), max_length=16)


class ViewerShown(Message):
    """The frame with this sequence number is on the canvas."""

    type: Literal["viewer.shown"] = "viewer.shown"
    seq: int = Field(ge=1, lt=2**32)


class ViewerRefresh(Message):
    """The decoder needs a key frame."""

    type: Literal["viewer.refresh"] = "viewer.refresh"


class ViewerMonitor(Message):
    """Show this monitor (of those in `relay.monitors`); all who watch the desktop see the same one."""

    type: Literal["viewer.monitor"] = "viewer.monitor"
    monitor: MonitorNumber


FromViewer = Annotated[
    ViewerHello
    | ViewerShown
    | ViewerRefresh
    | ViewerMonitor
    | InputMove
    | InputButton
    | InputWheel
    | InputKey
    | InputText
    | InputRelease,
    Field(discriminator="type"),
]


# --- relay -> viewer (WebSocket text; frames are binary, see frames) ----------------------------------


class RelayReady(Message):
    """The grant was verified; frames follow."""

    type: Literal["relay.ready"] = "relay.ready"
    grant_id: Id
    expires_at: AwareDatetime


class RelayControl(Message):
    """Whether input passes now.

    `held`: the customer's own hand is at mouse or keyboard, the device drops input until it rests.
    """

    type: Literal["relay.control"] = "relay.control"
    live: bool
    held: bool = False


class RelayPaused(Message):
    """The customer is being asked whether to end: no picture, no input until it goes on."""

    type: Literal["relay.paused"] = "relay.paused"
    paused: bool


class RelayMonitors(Message):
    """The monitors to choose from, the primary one first; which one a frame shows stands in its header."""

    type: Literal["relay.monitors"] = "relay.monitors"
    monitors: tuple[MonitorSize, ...] = Field(max_length=MAX_MONITORS)


class RelayStopped(Message):
    """Last message before the socket closes with 4403 (grant over) or 4410 (session over)."""

    type: Literal["relay.stopped"] = "relay.stopped"
    code: str
    by: Party
    cause: Cause | None = None


FromRelay = Annotated[
    RelayReady | RelayControl | RelayPaused | RelayMonitors | RelayStopped, Field(discriminator="type")
]


# --- what services store and tell each other ----------------------------------------------------------


class Actor(Message):
    """The signed-in technician on whose behalf the gateway speaks."""

    technician_id: Id
    name: Name
    org: OrgId
    sees_all: bool = False
    """Lead, auditor, admin: every session of the organisation; otherwise only their own."""


class ChainLink(Message):
    """One record's place in the device's chain: its number, what it follows, its own hash."""

    seq: int = Field(ge=0)
    prev: Hash
    record_hash: Hash
    jws: Jws | None = None
    """The record itself, as long as the ledger may not have it."""


class SessionEntry(Message):
    """KV `sessions`, key `<org>.<sid>`: written by the session service only."""

    org: OrgId
    sid: Id
    organisation_name: Name
    technician_id: Id
    technician_name: Name
    state: SessionState
    created_at: AwareDatetime
    waiting_until: AwareDatetime
    limit_at: AwareDatetime
    """Hard end of the session, also the agent credential's expiry."""
    code_locator: str = ""
    agent_key: AgentKey | None = None
    joined_at: AwareDatetime | None = None
    language: Literal["de", "en"] | None = None
    suspended_until: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    ended_by: Party | None = None
    cause: Cause | None = None
    connections: tuple[tuple[str, int], ...] = ()
    """(NATS server id, client id) of every connection let in; what gets kicked at the end."""
    control: tuple[str, int] | None = None
    """The one of them that carries the conversation: when it is lost, so is the agent."""
    agent_tickets: tuple[str, ...] = ()
    """Keys in KV `tickets` of what agents may get in with; voided at the end."""
    device_id: Id | None = None
    """Unattended: the enrolled device that alone may join."""
    reason: Reason | None = None
    """Why the technician came in unattended."""
    chain: tuple[ChainLink, ...] = ()
    """Hellos the session service took in, oldest first: the consent service follows the chain past them."""


class SessionView(Message):
    """A session as technicians and integrations see it."""

    id: Id
    state: SessionState
    technician_id: Id
    technician_name: Name
    organisation_name: Name
    created_at: AwareDatetime
    waiting_until: AwareDatetime
    joined_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    ended_by: Party | None = None
    cause: Cause | None = None
    device_id: Id | None = None
    """Unattended: the device."""
    reason: Reason | None = None


class DeviceEntry(Message):
    """KV `devices`, key `<org>.<device_id>`: written by the session service only. Stays when it is over."""

    org: OrgId
    device_id: Id
    device_key: AgentKey
    name: Name
    platform: str = Field(max_length=60)
    zone: Zone
    terms: Terms
    organisation_name: Name
    enrolled_at: AwareDatetime
    enrolled_by: Technician
    enrolment_hash: Hash
    state: DeviceState
    counter: int = Field(default=0, ge=0)
    """The highest connection number shown: one that is not higher comes from a copy of the key."""
    connection: tuple[str, int] | None = None
    """(NATS server id, client id) while it is connected."""
    last_seen_at: AwareDatetime | None = None
    session_id: Id | None = None
    """The unattended session going on, or the last one."""
    changed_at: AwareDatetime


class DeviceView(Message):
    """An enrolled device as technicians of its organisation see it."""

    id: Id
    name: Name
    platform: str
    state: DeviceState
    online: bool
    last_seen_at: AwareDatetime | None = None
    enrolled_at: AwareDatetime
    enrolled_by: Name
    until: AwareDatetime
    technicians: tuple[Technician, ...] = ()
    """Nobody named: every technician of the organisation."""
    days: tuple[Weekday, ...]
    from_minute: int
    to_minute: int
    zone: Zone
    refused: Rule | None = None
    """What would say no to the asking technician right now."""
    session_id: Id | None = None


class Usage(Message):
    """What a grant was used for, as the customer's device counted and signed it (records.Activity)."""

    since: AwareDatetime
    until: AwareDatetime
    used_s: int = Field(ge=0)
    input: InputCounts | None = None


class GrantEntry(Message):
    """KV `grants`, key `<org>.<sid>.<request_id>`: written by the consent service only."""

    org: OrgId
    sid: Id
    request_id: Id
    technician_id: Id
    technician_name: Name
    capability: Capability
    reason: Reason
    state: RequestState
    asked_at: AwareDatetime
    answer_until: AwareDatetime
    ask_jws: Jws
    decision_jws: Jws | None = None
    entry_jws: Jws | None = None
    expires_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None
    closed_by: Party | None = None
    cause: Cause | None = None
    blocked: bool = False
    """The answer was a no for the rest of the session."""
    usage: Usage | None = None
    """Once the device has signed it."""


class RequestView(Message):
    """A request/grant as technicians see it."""

    id: Id
    session_id: Id
    technician_id: Id
    technician_name: Name
    capability: Capability
    reason: Reason
    state: RequestState
    asked_at: AwareDatetime
    answer_until: AwareDatetime
    expires_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None
    closed_by: Party | None = None
    cause: Cause | None = None
    usage: Usage | None = None
    """What it was used for, once that is recorded."""


class ChatLine(Message):
    """One line of the transcript (stream CHAT)."""

    id: Id
    session_id: Id
    author: Name
    party: Party
    text: ChatText
    sent_at: AwareDatetime


class TicketEntry(Message):
    """KV `tickets`, key SHA-256 hex of the ticket."""

    audience: Literal["agent", "relay", "events"]
    org: OrgId
    sid: Id
    technician_id: Id | None = None
    agent_key: AgentKey | None = None
    expires_at: AwareDatetime


# --- service to service (bst.srv.*) -------------------------------------------------------------------


class Ack(Message):
    """Done; nothing to tell."""

    ok: Literal[True] = True


class Recorded(Message):
    """Answer to a signed record: the consent service's countersignature, once durably stored."""

    entry_jws: Jws | None = None


class CreateSession(Message):
    """session.create -> SessionCreated."""

    actor: Actor
    organisation_name: Name


class SessionCreated(Message):
    """A new session and its nine-digit code, shown once."""

    session: SessionView
    code: JoinCode


class Join(Message):
    """session.join -> Joined; also the body of POST /v1/join."""

    code: JoinCode
    agent_key: AgentKey


class Joined(Message):
    """What an agent needs to get in. Nothing happens before it connects."""

    org: OrgId
    session_id: Id
    organisation_name: Name
    technician_id: Id
    technician_name: Name
    nats_urls: tuple[str, ...] = Field(min_length=1)
    ticket: Ticket
    consent_key: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")
    """The consent service's raw Ed25519 public key, base64url: signs asks and entries."""


class LedgerLine(Message):
    """One record of the ledger, exactly as signed, and the entry that says where and when it was stored."""

    jws: Jws
    entry_jws: Jws


class Receipt(Message):
    """The proof of a session, checkable offline: every record in the ledger's order, and the closing."""

    format: Literal["beistand-receipt/1"] = "beistand-receipt/1"
    org: OrgId
    sid: Id
    organisation_name: Name
    technician_name: Name
    agent_key: AgentKey
    consent_key: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")
    """Raw Ed25519 public key, base64url."""
    created_at: AwareDatetime
    records: tuple[LedgerLine, ...]
    closing_jws: Jws


class ReceiptWanted(Message):
    """consent.hand_over -> Receipt; also the body of POST /v1/receipts: a device asks for its receipt."""

    org: OrgId
    session_id: Id
    jws: Jws
    """A signed `ReceiptRequest`."""
    records: tuple[Jws, ...] = Field(default=(), max_length=16)
    """Signed records the device holds no entry for, oldest first; 48 KiB at most together."""


class SessionQuery(Message):
    """session.get -> SessionView, consent.list -> RequestList, consent.receipt -> Receipt,
    session.chat_list -> ChatList."""

    actor: Actor
    session_id: Id


class SessionListQuery(Message):
    """session.list -> SessionList; newest first."""

    actor: Actor
    limit: int = Field(default=50, ge=1, le=200)
    after: Id | None = None


class SessionList(Message):
    """A page of sessions; `next` is the cursor of the next page."""

    items: tuple[SessionView, ...]
    next: Id | None = None


class RequestList(Message):
    """Every request of a session, oldest first."""

    items: tuple[RequestView, ...]


class ChatList(Message):
    """The transcript, oldest first."""

    items: tuple[ChatLine, ...]


class DeviceRecorded(Message):
    """session.device_recorded -> Ack: the consent service stored and proved a record of a device's chain."""

    org: OrgId
    device_id: Id
    jws: Jws
    organisation_name: Name = "-"
    enrolled_by: Technician | None = None
    """For an enrolment: who asked."""


class DeviceListQuery(Message):
    """session.device_list -> DeviceList."""

    actor: Actor


class DeviceQuery(Message):
    """session.device_get, session.device_give_up -> DeviceView."""

    actor: Actor
    device_id: Id


class DeviceList(Message):
    """Every enrolled device of the organisation that this technician may know of, by name.

    The gateway hands them out in pages; `next` is the cursor of the next one.
    """

    items: tuple[DeviceView, ...]
    next: Id | None = None


class OpenDevice(Message):
    """session.device_open -> SessionView: start an unattended session; the device has said it comes."""

    actor: Actor
    device_id: Id
    reason: Reason


class SendChat(Message):
    """session.chat -> ChatLine."""

    actor: Actor
    session_id: Id
    text: ChatText


class EndSession(Message):
    """session.end -> SessionView."""

    actor: Actor
    session_id: Id


class AskConsent(Message):
    """consent.ask -> RequestView."""

    actor: Actor
    session_id: Id
    capability: Capability
    reason: Reason
    terms: Terms | None = None
    """For unattended access, and only for it."""


class WithdrawRequest(Message):
    """consent.withdraw -> RequestView: take back a question, or hand back what was granted."""

    actor: Actor
    session_id: Id
    request_id: Id


# --- domain events (bst.evt.<org>.<sid>.<type>, CloudEvents 1.0 structured JSON) ----------------------


class PauseView(Message):
    """Whether the customer holds picture and input right now."""

    session_id: Id
    paused: bool


class CloudEvent(Message):
    """CloudEvents 1.0; `type` is `beistand.<event>.v1`, `subject` the id of the session or device."""

    specversion: Literal["1.0"] = "1.0"
    id: Id
    source: str
    type: Literal[
        "beistand.session.v1",
        "beistand.request.v1",
        "beistand.chat.v1",
        "beistand.pause.v1",
        "beistand.device.v1",
    ]
    subject: Id
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    data: SessionView | RequestView | ChatLine | PauseView | DeviceView


# --- gateway -> console (event WebSocket) -------------------------------------------------------------


class EventsHello(Message):
    """First message of the console on the event socket: a single-use ticket for `events`, within 5 s."""

    type: Literal["events.hello"] = "events.hello"
    ticket: Ticket


class EventsSnapshot(Message):
    """First message of the gateway on the event socket; `EventsEvent` follow."""

    type: Literal["events.snapshot"] = "events.snapshot"
    session: SessionView
    requests: tuple[RequestView, ...]
    chat: tuple[ChatLine, ...]


class EventsEvent(Message):
    """A domain event as it happened."""

    type: Literal["events.event"] = "events.event"
    event: CloudEvent


# --- parsing ------------------------------------------------------------------------------------------

_TO_DESKTOP: TypeAdapter[ToDesktop] = TypeAdapter(ToDesktop)
_FROM_VIEWER: TypeAdapter[FromViewer] = TypeAdapter(FromViewer)


def parse(kind: type[M], raw: bytes | str, *, limit: int = MAX_CONTROL) -> M:
    """The message of this kind in `raw`, or TooLarge / InvalidMessage."""
    _check_size(raw, limit)
    try:
        return kind.model_validate_json(raw)
    except ValidationError:
        raise InvalidMessage from None


def parse_input(raw: bytes | str) -> ToDesktop:
    """What a relay sends under a control grant in `raw`, or TooLarge / InvalidMessage."""
    return _parse(_TO_DESKTOP, raw)


def parse_from_viewer(raw: bytes | str) -> FromViewer:
    """What a viewer said, or TooLarge / InvalidMessage."""
    return _parse(_FROM_VIEWER, raw)


def encode(message: Message) -> bytes:
    """The bytes of a message."""
    return message.model_dump_json(exclude_none=True).encode()


def _parse(adapter: TypeAdapter[T], raw: bytes | str) -> T:
    _check_size(raw, MAX_INPUT)
    try:
        return adapter.validate_json(raw)
    except ValidationError:
        raise InvalidMessage from None


def _check_size(raw: bytes | str, limit: int) -> None:
    if len(raw) > limit:
        raise TooLarge
