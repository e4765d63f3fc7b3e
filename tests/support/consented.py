"""A session with real keys and real records: what the store would hold had the customer said yes."""

import base64
import binascii
import hashlib
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from beistand.protocol import ids, records, signing
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import GrantEntry, RequestState, SessionEntry, SessionState
from beistand.protocol.records import (
    GENESIS,
    Ask,
    Cause,
    DecidedBy,
    Decision,
    End,
    Entry,
    Outcome,
    Pause,
    Revocation,
)

_COUNTER = itertools.count()


def new_id(name: str = "") -> str:
    """An identifier: the same for the same name, another one each time without."""
    text = name or f"#{next(_COUNTER)}"
    return ids.id_from(hashlib.sha256(text.encode()).digest()[:16])


def nkey_of(seed: bytes) -> str:
    """The agent key (`U...`) of a raw Ed25519 seed."""
    raw = bytes([20 << 3]) + signing.public_key_of(seed)
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")


@dataclass
class Consented:
    """One session between an organisation and a customer's device; `seq` numbers the device's records."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    org: str = "acme"
    sid: str = field(default_factory=new_id)
    technician_id: str = field(default_factory=new_id)
    agent_seed: bytes = field(default_factory=lambda: hashlib.sha256(new_id().encode()).digest())
    consent_seed: bytes = hashlib.sha256(b"consent").digest()
    seq: int = 0

    @property
    def consent_key(self) -> bytes:
        return signing.public_key_of(self.consent_seed)

    def session(self, **changes: object) -> SessionEntry:
        """The session as the session service stores it: active, with the agent's key bound."""
        entry = SessionEntry(
            org=self.org,
            sid=self.sid,
            organisation_name="Acme",
            technician_id=self.technician_id,
            technician_name="Tina",
            state=SessionState.ACTIVE,
            created_at=self.now,
            waiting_until=self.now + timedelta(minutes=10),
            limit_at=self.now + timedelta(hours=12),
            agent_key=nkey_of(self.agent_seed),
            joined_at=self.now,
        )
        return entry.model_copy(update=changes)

    def ask(self, **changes: object) -> Ask:
        values: dict[str, object] = {
            "org": self.org,
            "sid": self.sid,
            "request_id": new_id(),
            "technician_id": self.technician_id,
            "technician_name": "Tina",
            "organisation_name": "Acme",
            "capability": Capability.VIEW,
            "reason": "printer",
            "nonce": new_id(),
            "asked_at": self.now,
            "answer_within_s": 60,
            "duration_s": 3600,
        }
        return Ask.model_validate(values | changes)

    def decision(self, ask: Ask, ask_jws: str, **changes: object) -> Decision:
        """The device's yes to `ask`."""
        values: dict[str, object] = {
            **self._device_record(),
            **ask.model_dump(include={"request_id", "nonce", "technician_id", "technician_name"}),
            **ask.model_dump(include={"capability", "reason", "duration_s"}),
            "ask_hash": signing.hash_of(ask_jws),
            "outcome": Outcome.GRANTED,
            "decided_by": DecidedBy.PERSON,
            "language": "de",
            "text_hash": GENESIS,
        }
        return Decision.model_validate(values | changes)

    def entry(self, decision_jws: str, duration_s: int = 3600, **changes: object) -> Entry:
        """The consent service's countersignature."""
        values: dict[str, object] = {
            "org": self.org,
            "sid": self.sid,
            "position": self.seq,
            "record_hash": signing.hash_of(decision_jws),
            "recorded_at": self.now,
            "expires_at": records.expiry(self.now, duration_s),
        }
        return Entry.model_validate(values | changes)

    def grant(
        self,
        capability: Capability = Capability.VIEW,
        *,
        decision_by: bytes | None = None,
        entry_by: bytes | None = None,
        ask: dict[str, object] | None = None,
        decision: dict[str, object] | None = None,
        entry: dict[str, object] | None = None,
        stored: dict[str, object] | None = None,
    ) -> GrantEntry:
        """A live grant as the consent service stores it; each part can be changed before it is signed."""
        question = self.ask(capability=capability, **(ask or {}))
        ask_jws = signing.sign(question, self.consent_seed)
        answer = self.decision(question, ask_jws, **(decision or {}))
        decision_jws = signing.sign(answer, decision_by or self.agent_seed)
        receipt = self.entry(decision_jws, answer.duration_s, **(entry or {}))
        values = GrantEntry(
            org=self.org,
            sid=self.sid,
            request_id=question.request_id,
            technician_id=question.technician_id,
            technician_name=question.technician_name,
            capability=question.capability,
            reason=question.reason,
            state=RequestState.LIVE,
            asked_at=self.now,
            answer_until=self.now + timedelta(seconds=60),
            ask_jws=ask_jws,
            decision_jws=decision_jws,
            entry_jws=signing.sign(receipt, entry_by or self.consent_seed),
            expires_at=receipt.expires_at,
        )
        return values.model_copy(update=stored or {})

    def revocation(self, *grant_ids: str, cause: Cause = Cause.STOP_SHARING, by: bytes | None = None) -> str:
        record = Revocation.model_validate({**self._device_record(), "grant_ids": grant_ids, "cause": cause})
        return signing.sign(record, by or self.agent_seed)

    def end(self, *, by: bytes | None = None) -> str:
        record = End.model_validate({**self._device_record(), "cause": Cause.END_SESSION})
        return signing.sign(record, by or self.agent_seed)

    def pause(self, *, paused: bool, by: bytes | None = None) -> str:
        record = Pause.model_validate({**self._device_record(), "paused": paused})
        return signing.sign(record, by or self.agent_seed)

    def _device_record(self) -> dict[str, object]:
        self.seq += 1
        return {"org": self.org, "sid": self.sid, "seq": self.seq, "prev": GENESIS, "device_time": self.now}
