"""The statements that get signed: what was asked, answered, stopped, used, ended.

Each is the payload of one JWS (see `signing`). Those the agent signs form a chain: `seq` counts from 0
(the hello) and `prev` is the SHA-256 of the previous record's exact JWS text, `GENESIS` for the first.
The consent service signs asks and entries. Field meanings: docs/architecture.md, "Records".
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from beistand.protocol.capabilities import Capability
from beistand.protocol.ids import AgentKey, Id, OrgId
from beistand.protocol.terms import Terms, Zone

GENESIS = "0" * 43
Hash = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""SHA-256, base64url without padding."""
Name = Annotated[str, Field(min_length=1, max_length=120)]
Reason = Annotated[str, Field(min_length=1, max_length=300)]
Language = Literal["de", "en"]
VouchText = Annotated[str, Field(min_length=10, max_length=1024)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
"""A number every reader can hold, JavaScript among them."""


class Outcome(StrEnum):
    """How a question was answered."""

    GRANTED = "granted"
    DENIED = "denied"
    TIMED_OUT = "timed_out"


class DecidedBy(StrEnum):
    """Who or what gave the answer. Only a person can grant an attended request."""

    PERSON = "person"
    POLICY = "policy"
    TIMEOUT = "timeout"


class Cause(StrEnum):
    """Why access or a session ended."""

    STOP_SHARING = "stop_sharing"
    STOP_CONTROL = "stop_control"
    END_SESSION = "end_session"
    TECHNICIAN = "technician"
    INDICATOR_LOST = "indicator_lost"
    EXPIRED = "expired"
    LEASE_LOST = "lease_lost"
    AGENT_CLOSED = "agent_closed"
    AGENT_LOST = "agent_lost"
    VIEW_ENDED = "view_ended"
    ADMIN = "admin"


class Why(StrEnum):
    """Why unattended access was withdrawn."""

    WITHDRAWN = "withdrawn"
    UNINSTALLED = "uninstalled"
    CLONED = "cloned"
    """The device's key was seen on two machines."""
    GIVEN_UP = "given_up"
    """By the organisation."""


class Record(BaseModel):
    """What every signed statement carries: which session it is about. `typ` is its JOSE type."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    typ: ClassVar[str]

    org: OrgId
    sid: Id


class Ask(Record):
    """The consent service's question; signed with its key."""

    typ = "beistand-ask+jws"

    request_id: Id
    technician_id: Id
    technician_name: Name
    organisation_name: Name
    capability: Capability
    reason: Reason
    nonce: Id
    asked_at: AwareDatetime
    answer_within_s: int = Field(ge=5, le=600)
    duration_s: int = Field(ge=60, le=12 * 3600)
    terms: Terms | None = None
    """For unattended access, and only for it."""


class Entry(Record):
    """The consent service's countersignature: this record was durably stored, at this place, at this time."""

    typ = "beistand-entry+jws"

    position: int = Field(ge=0)
    record_hash: Hash
    recorded_at: AwareDatetime
    expires_at: AwareDatetime | None = None


class Closing(Record):
    """The consent service's last word on a session: how many records there are and where both chains stop."""

    typ = "beistand-closing+jws"

    count: int = Field(ge=0)
    last_entry_hash: Hash
    chain_head: Hash
    closed_at: AwareDatetime


class DeviceRecord(Record):
    """A record signed by the customer's device, chained to the one before."""

    seq: int = Field(ge=0)
    prev: Hash
    device_time: AwareDatetime


class Hello(DeviceRecord):
    """The customer joined; the first record of the chain (and repeated after a reconnect, chained on)."""

    typ = "beistand-hello+jws"

    agent_key: AgentKey
    language: Language
    platform: str = Field(max_length=60)
    agent_version: str = Field(max_length=30)
    vouch_jws: VouchText | None = None
    """In an unattended session: the enrolled device's word for this session's key (`Vouch`)."""


class Decision(DeviceRecord):
    """The answer to one question; the only thing that makes a grant."""

    typ = "beistand-decision+jws"

    request_id: Id
    ask_hash: Hash
    nonce: Id
    technician_id: Id
    technician_name: Name
    capability: Capability
    reason: Reason
    duration_s: int = Field(ge=60, le=12 * 3600)
    outcome: Outcome
    decided_by: DecidedBy
    block: bool = False
    """The person wants no more questions for this capability in this session."""
    language: Language
    text_hash: Hash
    """SHA-256 of the exact text that stood in the dialog."""
    terms: Terms | None = None
    """As asked, for unattended access."""
    device_key: AgentKey | None = None
    """In a yes to unattended access: the new key that will stand for this device."""
    enrolment_hash: Hash | None = None
    """In a yes by policy: the person's standing grant that it rests on (hash of the `Enrolment`)."""


AS_ASKED = (
    "org",
    "sid",
    "request_id",
    "nonce",
    "technician_id",
    "technician_name",
    "capability",
    "reason",
    "duration_s",
    "terms",
)
"""What a decision repeats of its question; everything else of it is bound by `ask_hash`."""


def repeats(decision: Decision, ask: Ask) -> bool:
    """Whether the decision names exactly what was asked, of whom and for how long."""
    return all(getattr(decision, name) == getattr(ask, name) for name in AS_ASKED)


class Revocation(DeviceRecord):
    """Named grants are over."""

    typ = "beistand-revocation+jws"

    grant_ids: tuple[Id, ...] = Field(min_length=1, max_length=64)
    cause: Cause


class Pause(DeviceRecord):
    """Picture and input are held (the customer is being asked whether to end), or go on."""

    typ = "beistand-pause+jws"

    paused: bool


class End(DeviceRecord):
    """The customer ended the session."""

    typ = "beistand-end+jws"

    cause: Cause


class InputCounts(BaseModel):
    """How much input was let through, by kind; never what it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    moves: Count = 0
    """Movements of the pointer."""
    clicks: Count = 0
    """Mouse buttons that went down."""
    wheel_steps: Count = 0
    keys: Count = 0
    """Keys that went down, repetitions among them."""
    characters: Count = 0
    """Characters of text that came as text (paste, input methods)."""


class Activity(DeviceRecord):
    """What one grant was used for, signed when it is over: how long and how much, never what.

    The only kind that may follow the end of the session: a stop waits for no summary.
    """

    typ = "beistand-activity+jws"

    request_id: Id
    technician_id: Id
    capability: Capability
    since: AwareDatetime
    until: AwareDatetime
    """Both by the device's clock: when the grant went live there, and when it was over."""
    used_s: int = Field(ge=0, le=12 * 3600)
    """Seconds, rounded up, in which something could pass: not paused, no input behind an open question."""
    input: InputCounts | None = None
    """For control, and only for it."""


class Enrolment(DeviceRecord):
    """A device stands ready for unattended access: first record of the device's own chain, signed by its key.

    `sid` is the device's id (`ids.device_id`). It rests on the person's yes in an attended session.
    """

    typ = "beistand-enrolment+jws"

    device_key: AgentKey
    device_name: Name
    platform: str = Field(max_length=60)
    zone: Zone
    language: Language
    session_id: Id
    request_id: Id
    decision_hash: Hash
    terms: Terms


class Standby(DeviceRecord):
    """The person pauses unattended access, or lets it go on; in the device's own chain."""

    typ = "beistand-standby+jws"

    paused: bool


class Withdrawal(DeviceRecord):
    """Unattended access is over for good: last record of the device's own chain."""

    typ = "beistand-withdrawal+jws"

    why: Why


class Vouch(Record):
    """An enrolled device's word, by its own key, for its key in one session; no part of a chain."""

    typ = "beistand-vouch+jws"

    device_id: Id
    device_key: AgentKey
    """The key this is signed with; `device_id` is its hash, so whoever reads it needs no other word."""
    enrolment_hash: Hash
    agent_key: AgentKey
    vouched_at: AwareDatetime


class ReceiptRequest(Record):
    """The customer's device asks for the session's receipt; no part of the chain."""

    typ = "beistand-receipt-request+jws"

    asked_at: AwareDatetime


AnyDeviceRecord = Hello | Decision | Revocation | Pause | End | Activity
StandingRecord = Enrolment | Standby | Withdrawal
"""What the chain of an enrolled device holds."""


def expiry(entry_time: datetime, duration_s: int) -> datetime:
    """When a grant recorded at `entry_time` (server clock) ends by itself."""
    return entry_time + timedelta(seconds=duration_s)
