"""What a standing permission consists of, and whether what was kept of it still proves it. Pure.

The permission is the signed enrolment and the consent service's entry for it. What changes beside them
(the connection number, the latest time seen, where to connect) is sealed with the device's key, so that an
edit is noticed.
"""

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from agent.engine import proof
from agent.engine.chain import Chain
from agent.engine.key import DeviceKey
from beistand.protocol import ids, signing
from beistand.protocol.errors import BadSignature, BeistandError
from beistand.protocol.ids import OrgId
from beistand.protocol.messages import Jws, StandingUp
from beistand.protocol.records import Enrolment, Name, Standby, Why, Withdrawal
from beistand.protocol.terms import Terms, is_too_long

MAX_NUMBER = 2**53 - 1
"""Highest connection number."""
MAX_BYTES = 256 * 1024
MAX_RECORDS = 64
"""Pauses kept, the newest."""


class Unreadable(Exception):
    """What was kept proves no permission: damaged, changed, or not of this key."""


class Kept(BaseModel):
    """The file's content, before anything of it is believed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    org: OrgId
    organisation_name: Name
    gateway: Annotated[str, Field(min_length=8, max_length=300)]
    nats_urls: tuple[Annotated[str, Field(max_length=300)], ...] = Field(min_length=1, max_length=16)
    consent_key: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")
    enrolment_jws: Jws
    entry_jws: Jws
    records: tuple[Jws, ...] = Field(default=(), max_length=MAX_RECORDS)
    """What the device signed after its enrolment: pauses, oldest first."""
    number: int = Field(ge=0, le=MAX_NUMBER)
    """Of the latest attempt to connect."""
    latest: AwareDatetime
    """The latest time known when this was written."""


class _Sealed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kept: str
    seal: str


@dataclass(frozen=True)
class Standing:
    """A standing permission that holds up: everything in it was verified."""

    kept: Kept
    enrolment: Enrolment
    since: datetime
    """When the consent service stored the enrolment."""
    is_paused: bool
    chain: Chain

    @property
    def org(self) -> str:
        """The organisation that may come in."""
        return self.kept.org

    @property
    def device_id(self) -> str:
        """The device's id, made of its key."""
        return self.enrolment.sid

    @property
    def terms(self) -> Terms:
        """What the person allowed."""
        return self.enrolment.terms

    @cached_property
    def enrolment_hash(self) -> str:
        """What a yes by policy cites."""
        return signing.hash_of(self.kept.enrolment_jws)

    @cached_property
    def consent_key(self) -> bytes:
        """Raw."""
        return signing.raw_key(self.kept.consent_key)

    def with_number(self, number: int, *, latest: datetime) -> "Standing":
        """At another connection."""
        return replace(self, kept=self.kept.model_copy(update={"number": number, "latest": latest}))

    def seen(self, latest: datetime) -> "Standing":
        """With the latest time known now."""
        return self.with_number(self.kept.number, latest=max(latest, self.kept.latest))

    def switched(
        self, *, paused: bool, key: DeviceKey, device_time: datetime
    ) -> tuple["Standing", StandingUp]:
        """Paused or going on, and the record that says so."""
        content = {"paused": paused}
        chain, jws = self.chain.sign(Standby, content, key=key, device_time=device_time)
        records = (*self.kept.records, jws)[-MAX_RECORDS:]
        kept = self.kept.model_copy(update={"records": records})
        message = StandingUp(org=self.org, device_id=self.device_id, type="standby", jws=jws)
        return replace(self, kept=kept, is_paused=paused, chain=chain), message

    def withdrawn(self, why: Why, *, key: DeviceKey, device_time: datetime) -> StandingUp:
        """The record that ends it."""
        _, jws = self.chain.sign(Withdrawal, {"why": why}, key=key, device_time=device_time)
        return StandingUp(org=self.org, device_id=self.device_id, type="withdrawal", jws=jws)


def seal(standing: Standing, seed: bytes) -> bytes:
    """The file."""
    text = standing.kept.model_dump_json()
    return _Sealed(kept=text, seal=_mac(text, seed)).model_dump_json().encode()


def unseal(body: bytes, seed: bytes) -> Standing:
    """The permission in a file; Unreadable unless every byte of it is as this device wrote it."""
    if len(body) > MAX_BYTES:
        raise Unreadable
    try:
        sealed = _Sealed.model_validate_json(body)
        if not hmac.compare_digest(_mac(sealed.kept, seed).encode(), sealed.seal.encode()):
            raise Unreadable
        return proven(Kept.model_validate_json(sealed.kept), DeviceKey(seed))
    except (ValidationError, BeistandError, ValueError) as error:
        raise Unreadable from error


def proven(kept: Kept, key: DeviceKey) -> Standing:
    """The permission in `kept`, or BadSignature: its signatures, its key, its chain and its terms hold."""
    public = signing.public_key_of_agent(key.agent_key)
    enrolment = signing.verify(kept.enrolment_jws, public, Enrolment)
    _check(enrolment, kept.org, key.agent_key)
    entry = proof.entry_of(
        kept.entry_jws,
        signing.raw_key(kept.consent_key),
        org=kept.org,
        sid=enrolment.sid,
        record_jws=kept.enrolment_jws,
    )
    if is_too_long(enrolment.terms, asked_at=entry.recorded_at):
        raise BadSignature("Nobody may allow so much.")
    is_paused, chain = False, Chain(kept.org, enrolment.sid, 1, signing.hash_of(kept.enrolment_jws))
    for jws in kept.records:
        record = signing.verify(jws, public, Standby)
        chain = _after(chain, record, jws, is_oldest=jws is kept.records[0])
        is_paused = record.paused
    return Standing(kept, enrolment, entry.recorded_at, is_paused, chain)


def _check(enrolment: Enrolment, org: str, agent_key: str) -> None:
    is_ours = enrolment.device_key == agent_key and enrolment.sid == ids.device_id(agent_key)
    if not is_ours or enrolment.org != org or enrolment.seq != 0:
        raise BadSignature("The enrolment is not of this device.")


def _after(chain: Chain, record: Standby, jws: str, *, is_oldest: bool) -> Chain:
    """The chain with this record; BadSignature if it does not follow. Older ones than the oldest are gone."""
    is_cut = is_oldest and record.seq > 1
    follows = is_cut or (record.seq, record.prev) == (chain.seq, chain.prev)
    if (record.org, record.sid) != (chain.org, chain.sid) or not follows:
        raise BadSignature("The record is not of this chain.")
    return replace(chain, seq=record.seq + 1, prev=signing.hash_of(jws))


def _mac(text: str, seed: bytes) -> str:
    secret = hmac.digest(seed, b"beistand standing permission", hashlib.sha256)
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
