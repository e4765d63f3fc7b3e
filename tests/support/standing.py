"""A device that enrolled, as files and as objects, signed as the real parts sign; for tests of its side."""

import base64
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.engine.key import DeviceKey
from agent.unattended.standing import Kept, Standing, proven
from beistand.protocol import ids, signing
from beistand.protocol.records import GENESIS, Enrolment, Entry
from beistand.protocol.terms import Technician, Terms
from tests.support.questions import HASH, ORG, an_id

TINA = Technician(id=an_id("Tina"), name="Tina")


def some_terms(**changes: Any) -> Terms:
    """Tina, at any hour, for two weeks from now."""
    fields = {"technicians": (TINA,), "until": datetime.now(UTC) + timedelta(days=14)}
    return Terms.model_validate({**fields, **changes})


@dataclass
class ADevice:
    """Its key, the consent service's, and the permission they signed."""

    terms: Terms = field(default_factory=some_terms)
    seed: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    consent_seed: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    enrolled_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    gateway: str = "http://127.0.0.1:1"
    nats_urls: tuple[str, ...] = ("nats://127.0.0.1:1",)

    @property
    def key(self) -> DeviceKey:
        return DeviceKey(self.seed)

    @property
    def device_id(self) -> str:
        return ids.device_id(self.key.agent_key)

    @property
    def consent_key(self) -> str:
        raw = signing.public_key_of(self.consent_seed)
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def enrolment(self, **changes: Any) -> Enrolment:
        fields = {
            "org": ORG,
            "sid": self.device_id,
            "seq": 0,
            "prev": GENESIS,
            "device_time": self.enrolled_at,
            "device_key": self.key.agent_key,
            "device_name": "desk",
            "platform": "Linux",
            "zone": "Europe/Berlin",
            "language": "en",
            "session_id": an_id("session"),
            "request_id": an_id("unattended"),
            "decision_hash": HASH,
            "terms": self.terms,
        }
        return Enrolment.model_validate({**fields, **changes})

    def entry(self, jws: str, **changes: Any) -> str:
        """The consent service's word that a record of this device's chain is stored."""
        fields = {
            "org": ORG,
            "sid": self.device_id,
            "position": 0,
            "record_hash": signing.hash_of(jws),
            "recorded_at": self.enrolled_at,
        }
        return signing.sign(Entry.model_validate({**fields, **changes}), self.consent_seed)

    def kept(self, **changes: Any) -> Kept:
        enrolment_jws = changes.pop("enrolment_jws", None) or self.key.sign(self.enrolment())
        fields = {
            "org": ORG,
            "organisation_name": "Acme",
            "gateway": self.gateway,
            "nats_urls": self.nats_urls,
            "consent_key": self.consent_key,
            "enrolment_jws": enrolment_jws,
            "entry_jws": self.entry(enrolment_jws),
            "number": 0,
            "latest": self.enrolled_at,
        }
        return Kept.model_validate({**fields, **changes})

    def standing(self, **changes: Any) -> Standing:
        return proven(self.kept(**changes), self.key)
