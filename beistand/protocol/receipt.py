"""The receipt of a session: one JSON text with every signed record, and whether all of it is genuine.

Pure, offline: needs nothing but the text. `verify` names the first bad record. A receipt brings its own keys;
only keys known from elsewhere (`agent_key`, `consent_key`) prove whose receipt it is. See docs/receipts.md.
"""

import base64
import json
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, ValidationError

from beistand.protocol import signing
from beistand.protocol.capabilities import BY_POLICY, Capability
from beistand.protocol.device import vouch_of
from beistand.protocol.errors import BadSignature, InvalidMessage
from beistand.protocol.ids import AgentKey, Id, OrgId
from beistand.protocol.records import (
    GENESIS,
    Activity,
    Ask,
    Closing,
    DecidedBy,
    Decision,
    DeviceRecord,
    End,
    Entry,
    Hello,
    Name,
    Outcome,
    Pause,
    Record,
    Revocation,
    expiry,
    repeats,
)

K = TypeVar("K", bound=Record)

MAX_BYTES = 64 * 1024 * 1024
Jws = Annotated[str, StringConstraints(max_length=signing.MAX_JWS)]
PublicKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""A raw Ed25519 public key, base64url without padding."""

Recorded = Hello | Ask | Decision | Revocation | Pause | End | Activity
"""What the ledger of a session holds."""
KINDS: MappingProxyType[str, type[Recorded]] = MappingProxyType(
    {kind.typ: kind for kind in (Hello, Ask, Decision, Revocation, Pause, End, Activity)}
)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SignedRecord(_Model):
    """One record as it was signed, and the countersignature of the consent service.

    A device's own copy may lack countersignatures and closing: null there, and not genuine.
    """

    jws: Jws
    entry_jws: Jws | None


class Bundle(_Model):
    """The file. The two names and `created_at` are for finding it again; nothing signed vouches for them."""

    format: Literal["beistand-receipt/1"] = "beistand-receipt/1"
    org: OrgId
    sid: Id
    organisation_name: Name
    technician_name: Name
    agent_key: AgentKey
    consent_key: PublicKey
    created_at: AwareDatetime
    records: tuple[SignedRecord, ...]
    closing_jws: Jws | None


class Problem(StrEnum):
    """What is wrong with a receipt. Stable codes: the console and the test vectors use the same."""

    UNREADABLE = "unreadable"
    AGENT_KEY = "agent_key"
    CONSENT_KEY = "consent_key"
    KIND = "kind"
    ENTRY = "entry"
    FOREIGN = "foreign"
    SIGNATURE = "signature"
    POSITION = "position"
    HELLO = "hello"
    CHAIN = "chain"
    NO_ASK = "no_ask"
    ANSWER = "answer"
    REPEATED = "repeated"
    UNKNOWN_GRANT = "unknown_grant"
    ACTIVITY = "activity"
    AFTER_END = "after_end"
    TRUNCATED = "truncated"
    CLOSING = "closing"


WRONG = MappingProxyType(
    {
        Problem.UNREADABLE: "this is not a receipt that can be read.",
        Problem.AGENT_KEY: "it is from another device than the one expected.",
        Problem.CONSENT_KEY: "it is from another consent service than the one expected.",
        Problem.KIND: "it is a record of no known kind.",
        Problem.ENTRY: "its countersignature is missing, not for it, or not from the consent service.",
        Problem.FOREIGN: "it belongs to another session.",
        Problem.SIGNATURE: "it was changed, or signed with another key.",
        Problem.POSITION: "it does not stand in its place: records are missing, doubled or swapped.",
        Problem.HELLO: "the device's records do not begin with its signed hello.",
        Problem.CHAIN: "it does not follow the device's record before it.",
        Problem.NO_ASK: "it answers a question that was never asked.",
        Problem.ANSWER: "the answer does not match the question.",
        Problem.REPEATED: "this was asked, answered or summed up before.",
        Problem.UNKNOWN_GRANT: "it is about an access that was never allowed.",
        Problem.ACTIVITY: "what it says about the use of an access cannot be.",
        Problem.AFTER_END: "it comes after the end of the session.",
        Problem.TRUNCATED: "it is missing: the records break off before it.",
        Problem.CLOSING: "the closing signature is missing, or does not match the records.",
    }
)
"""One sentence for each, in English."""


@dataclass(frozen=True)
class Event:
    """One record that passed every check."""

    index: int
    record: Recorded
    entry: Entry


@dataclass(frozen=True)
class Verdict:
    """Genuine if `problem` is None. `events`: what was checked, up to the first bad record."""

    problem: Problem | None
    index: int | None = None
    """The first bad record, counted from 0; None if it is not about one record."""
    events: tuple[Event, ...] = ()
    bundle: Bundle | None = None
    """None if unreadable; its keys and ids are signed for only as far as `events` goes."""
    closing: Closing | None = None
    expected_agent: bool = False
    """The agent's key was given by the caller and matched."""
    expected_consent: bool = False

    @property
    def ok(self) -> bool:
        """Whether every record is genuine and none is missing."""
        return self.problem is None

    @property
    def detail(self) -> str:
        """What is wrong, in one English sentence; empty if nothing is."""
        return "" if self.problem is None else WRONG[self.problem]


def verify(text: str | bytes, *, agent_key: str | None = None, consent_key: str | None = None) -> Verdict:
    """Check a whole receipt; never raises.

    `agent_key` (`U...`) and `consent_key` (base64url, 43 characters) are the keys the caller expects.
    """
    try:
        bundle = _bundle(text)
        reading = _Reading(bundle)
        _expect(bundle, agent_key, consent_key)
    except _Bad as bad:
        return Verdict(bad.problem)
    problem, index, closing = _first_problem(reading)
    return Verdict(
        problem,
        index,
        tuple(reading.events[:index]),
        bundle,
        closing,
        expected_agent=agent_key is not None,
        expected_consent=consent_key is not None,
    )


def _first_problem(reading: "_Reading") -> tuple[Problem | None, int | None, Closing | None]:
    for index, signed in enumerate(reading.bundle.records):
        try:
            reading.take(index, signed)
        except _Bad as bad:
            return bad.problem, index, None
    try:
        return None, None, reading.close()
    except _Bad as bad:
        return bad.problem, bad.index, None


class _Bad(Exception):
    """Stops the reading."""

    def __init__(self, problem: Problem, index: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.index = index


class _Reading:
    """Goes through a receipt record by record; holds what later records are checked against."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.events: list[Event] = []
        self._agent_key, self._consent_key = _keys(bundle)
        self._seq = 0
        self._head = GENESIS
        self._asks: dict[str, tuple[Ask, str]] = {}
        self._answered: set[str] = set()
        self._granted: dict[str, Decision] = {}
        self._summed_up: set[str] = set()
        self._vouched: set[str] = set()
        """Hashes of the enrolments that this session's device was vouched for by."""
        self._ended = False

    def take(self, index: int, signed: SignedRecord) -> None:
        """Check the next record; raises _Bad."""
        entry = _signed(signed.entry_jws, self._consent_key, Entry, Problem.ENTRY)
        self._require_session(entry)
        record = self._record(signed.jws)
        self._require_session(record)
        _require(entry.record_hash == signing.hash_of(signed.jws), Problem.ENTRY)
        _require(entry.position == index, Problem.POSITION)
        _require(entry.recorded_at.year in _CREDIBLE, Problem.ENTRY)
        _require(not self._ended or isinstance(record, Activity), Problem.AFTER_END)
        if isinstance(record, DeviceRecord):
            self._follow(record, signed.jws)
        self._understand(record, entry, signed.jws)
        self.events.append(Event(index, record, entry))

    def close(self) -> Closing:
        """Check that nothing is missing at the end; raises _Bad."""
        closing = _signed(self.bundle.closing_jws, self._consent_key, Closing, Problem.CLOSING)
        there = len(self.bundle.records)
        _require((closing.org, closing.sid) == (self.bundle.org, self.bundle.sid), Problem.CLOSING)
        if closing.count > there:
            raise _Bad(Problem.TRUNCATED, there)
        if closing.count < there:
            raise _Bad(Problem.CLOSING, closing.count)
        _require(self._seq > 0, Problem.HELLO)
        last = signing.hash_of(self.bundle.records[-1].entry_jws or "")
        _require((closing.last_entry_hash, closing.chain_head) == (last, self._head), Problem.CLOSING)
        return closing

    def _record(self, jws: str) -> Recorded:
        kind = KINDS.get(_typ_of(jws))
        if kind is None:
            raise _Bad(Problem.KIND)
        key = self._consent_key if kind is Ask else self._agent_key
        return _signed(jws, key, kind, Problem.SIGNATURE)

    def _require_session(self, record: Record) -> None:
        _require((record.org, record.sid) == (self.bundle.org, self.bundle.sid), Problem.FOREIGN)

    def _follow(self, record: DeviceRecord, jws: str) -> None:
        """The device's own chain: a hello first, then each after the one before."""
        if self._seq == 0:
            _require(isinstance(record, Hello), Problem.HELLO)
        if isinstance(record, Hello):
            _require(record.agent_key == self.bundle.agent_key, Problem.HELLO)
            self._heed(record)
        _require((record.seq, record.prev) == (self._seq, self._head), Problem.CHAIN)
        self._seq, self._head = self._seq + 1, signing.hash_of(jws)

    def _heed(self, hello: Hello) -> None:
        """In a session nobody sat in: which standing yes the device has come by."""
        try:
            vouch = vouch_of(hello)
        except BadSignature:
            raise _Bad(Problem.HELLO) from None
        if vouch is not None:
            self._vouched.add(vouch.enrolment_hash)

    def _understand(self, record: Recorded, entry: Entry, jws: str) -> None:
        match record:
            case Ask():
                _require(record.request_id not in self._asks, Problem.REPEATED)
                self._asks[record.request_id] = (record, signing.hash_of(jws))
            case Decision():
                self._decide(record, entry)
            case Revocation():
                _require(self._granted.keys() >= set(record.grant_ids), Problem.UNKNOWN_GRANT)
                _require(self._summed_up.isdisjoint(record.grant_ids), Problem.ACTIVITY)
            case Activity():
                self._sum_up(record)
            case End():
                self._ended = True

    def _decide(self, decision: Decision, entry: Entry) -> None:
        if decision.request_id not in self._asks:
            raise _Bad(Problem.NO_ASK)
        ask, ask_hash = self._asks[decision.request_id]
        _require(decision.ask_hash == ask_hash and repeats(decision, ask), Problem.ANSWER)
        _require(decision.decided_by in _BY[decision.outcome], Problem.ANSWER)
        if (decision.outcome, decision.decided_by) == (Outcome.GRANTED, DecidedBy.POLICY):
            _require(decision.capability in BY_POLICY, Problem.ANSWER)
            _require(decision.enrolment_hash in self._vouched, Problem.ANSWER)
        _require(decision.request_id not in self._answered, Problem.REPEATED)
        self._answered.add(decision.request_id)
        if decision.outcome is Outcome.GRANTED:
            latest = expiry(entry.recorded_at, decision.duration_s)
            _require(entry.expires_at is None or entry.expires_at <= latest, Problem.ENTRY)
            self._granted[decision.request_id] = decision

    def _sum_up(self, activity: Activity) -> None:
        decision = self._granted.get(activity.request_id)
        if decision is None:
            raise _Bad(Problem.UNKNOWN_GRANT)
        is_control = decision.capability is Capability.CONTROL
        _require(_whose(activity) == _whose(decision), Problem.ACTIVITY)
        _require((activity.input is not None) is is_control, Problem.ACTIVITY)
        _require(activity.used_s <= min(_lasted_s(activity), decision.duration_s), Problem.ACTIVITY)
        _require(activity.request_id not in self._summed_up, Problem.REPEATED)
        self._summed_up.add(activity.request_id)


_BY = MappingProxyType(
    {
        Outcome.GRANTED: frozenset({DecidedBy.PERSON, DecidedBy.POLICY}),
        Outcome.DENIED: frozenset({DecidedBy.PERSON, DecidedBy.POLICY}),
        Outcome.TIMED_OUT: frozenset({DecidedBy.TIMEOUT}),
    }
)
"""Who can have given which answer: a policy's yes rests on one that a person gave in advance."""


_CREDIBLE = range(2000, 9999)
"""Years in which something can have been recorded; calculating with others overflows."""


def _whose(record: Decision | Activity) -> tuple[str, Capability]:
    return record.technician_id, record.capability


def _lasted_s(activity: Activity) -> int:
    """Whole seconds from beginning to end, rounded so that no honest count is longer."""
    start, end = (at.replace(microsecond=0) for at in (activity.since, activity.until))
    return int((end - start).total_seconds()) + 1


def _bundle(text: str | bytes) -> Bundle:
    if len(text) > MAX_BYTES:
        raise _Bad(Problem.UNREADABLE)
    try:
        return Bundle.model_validate_json(text)
    except ValidationError:
        raise _Bad(Problem.UNREADABLE) from None


def _keys(bundle: Bundle) -> tuple[bytes, bytes]:
    try:
        agent_key = signing.public_key_of_agent(bundle.agent_key)
    except InvalidMessage:
        raise _Bad(Problem.UNREADABLE) from None
    return agent_key, signing.raw_key(bundle.consent_key)


def _expect(bundle: Bundle, agent_key: str | None, consent_key: str | None) -> None:
    _require(agent_key in {None, bundle.agent_key}, Problem.AGENT_KEY)
    _require(consent_key in {None, bundle.consent_key}, Problem.CONSENT_KEY)


def _signed(jws: str | None, key: bytes, kind: type[K], problem: Problem) -> K:
    if jws is None:
        raise _Bad(problem)
    try:
        return signing.verify(jws, key, kind)
    except BadSignature:
        raise _Bad(problem) from None


def _typ_of(jws: str) -> str:
    """The kind a record claims, before anything of it is believed; empty if unreadable."""
    head = jws.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        return str(header["typ"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""


def _require(holds: bool, problem: Problem) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise _Bad(problem)
