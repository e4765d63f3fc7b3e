"""An enrolled device as it signs: its own chain, told apart from the chain of any session."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from beistand.conformance.device import agent_key_of
from beistand.protocol import ids, signing
from beistand.protocol.errors import BadSignature
from beistand.protocol.messages import StandingUp
from beistand.protocol.records import GENESIS, Decision, Enrolment, Standby, StandingRecord, Why, Withdrawal


@dataclass
class Enrolled:
    """The device of `decision`; `seq` and `prev` are where its chain stands."""

    seed: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    org: str = "acme"
    seq: int = 0
    prev: str = GENESIS
    enrolment_jws: str = ""

    @property
    def key(self) -> str:
        return agent_key_of(self.seed)

    @property
    def device_id(self) -> str:
        return ids.device_id(self.key)

    @property
    def enrolment_hash(self) -> str:
        return signing.hash_of(self.enrolment_jws)

    def forge(self, kind: type[StandingRecord], *, by: bytes | None = None, **content: Any) -> str:
        """A record as it could be the next; takes no place in the chain."""
        place = {"org": self.org, "sid": self.device_id, "seq": self.seq, "prev": self.prev}
        record = kind.model_validate({**place, "device_time": datetime.now(UTC), **content})
        return signing.sign(record, by or self.seed)

    def sign(self, kind: type[StandingRecord], **content: Any) -> str:
        """The next record of the chain."""
        jws = self.forge(kind, **content)
        self.seq, self.prev = self.seq + 1, signing.hash_of(jws)
        return jws

    def enrol(self, decision: Decision, decision_jws: str, **changes: Any) -> str:
        """What the yes says, signed as the beginning of the chain."""
        content = {
            "seq": 0,
            "prev": GENESIS,
            "device_key": self.key,
            "device_name": "desk",
            "platform": "Linux",
            "zone": "Europe/Berlin",
            "language": "de",
            "session_id": decision.sid,
            "request_id": decision.request_id,
            "decision_hash": signing.hash_of(decision_jws),
            "terms": decision.terms,
        }
        self.enrolment_jws = self.forge(Enrolment, **{**content, **changes})
        self.seq, self.prev = 1, self.enrolment_hash
        return self.enrolment_jws

    def standby(self, *, paused: bool) -> str:
        return self.sign(Standby, paused=paused)

    def withdraw(self, why: Why = Why.WITHDRAWN) -> str:
        return self.sign(Withdrawal, why=why)

    def brings(self, jws: str, **changes: Any) -> StandingUp:
        """A record as it is handed in."""
        kind: Literal["standby", "withdrawal"] = "standby"
        with suppress(BadSignature):
            kind = "withdrawal" if signing.type_of(jws) == Withdrawal.typ else "standby"
        fields = {"org": self.org, "device_id": self.device_id, "type": kind, "jws": jws}
        return StandingUp.model_validate({**fields, **changes})
