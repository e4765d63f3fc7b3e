"""Questions and entries as the consent service makes them, for tests of the device's side."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.engine import event as e
from agent.port import Answer
from beistand.protocol import ids
from beistand.protocol.capabilities import Capability
from beistand.protocol.records import Ask, Entry

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORG = "acme"
HASH = "h" * 43


def an_id(name: str) -> str:
    """The same identifier for the same name."""
    return ids.id_from(hashlib.sha256(name.encode()).digest()[:16])


SID = an_id("session")


def an_ask(name: str = "view", **changes: Any) -> Ask:
    """A question named `name`, by default of Tina's for a view."""
    fields = {
        "org": ORG,
        "sid": SID,
        "request_id": an_id(name),
        "technician_id": an_id("Tina"),
        "technician_name": "Tina",
        "organisation_name": "Acme",
        "capability": Capability.VIEW,
        "reason": "printer",
        "nonce": an_id("nonce " + name),
        "asked_at": NOW,
        "answer_within_s": 60,
        "duration_s": 3600,
    }
    return Ask.model_validate({**fields, **changes})


def asked(name: str = "view", **changes: Any) -> e.Asked:
    return e.Asked(an_ask(name, **changes), HASH)


def answered(name: str = "view", answer: Answer = Answer.ALLOW) -> e.Answered:
    return e.Answered(an_id(name), answer, HASH, "en")


def recorded(name: str = "view", *, lasts_s: int = 3600) -> e.Recorded:
    return e.Recorded(an_id(name), an_entry(lasts_s=lasts_s))


def an_entry(*, lasts_s: int = 3600, record_hash: str = HASH) -> Entry:
    until = NOW + timedelta(seconds=lasts_s)
    return Entry(org=ORG, sid=SID, position=1, record_hash=record_hash, recorded_at=NOW, expires_at=until)
