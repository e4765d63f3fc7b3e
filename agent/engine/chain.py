"""The device's own chain of signed records: which number comes next, and the hash of the one before.

Pure: `device_time` and the signing key are arguments. What of it was received elsewhere it does not know.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from agent.engine.key import DeviceKey
from beistand.protocol import signing
from beistand.protocol.records import GENESIS, DeviceRecord

D = TypeVar("D", bound=DeviceRecord)


@dataclass(frozen=True)
class Chain:
    """Where the chain stands; the hello is record 0."""

    org: str
    sid: str
    seq: int = 0
    prev: str = GENESIS

    def sign(
        self, kind: type[D], content: dict[str, Any], *, key: DeviceKey, device_time: datetime
    ) -> tuple["Chain", str]:
        """The chain with one more record, and that record's JWS text."""
        place = {"org": self.org, "sid": self.sid, "seq": self.seq, "prev": self.prev}
        record = kind.model_validate({**content, **place, "device_time": device_time})
        jws = key.sign(record)
        return replace(self, seq=self.seq + 1, prev=signing.hash_of(jws)), jws
