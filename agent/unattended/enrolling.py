"""A new standing permission, from the person's yes to the entry that proves it stored. Knows no disk.

A key is made for every yes and belongs to nobody but this object until the permission is proven.
"""

import logging
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from agent.engine.chain import Chain
from agent.engine.grant import Request
from agent.engine.key import DeviceKey
from agent.unattended.standing import Kept, Standing, proven
from agent.unattended.zone import name_of_this_machine
from beistand.protocol import ids, signing
from beistand.protocol.errors import BadSignature, BeistandError
from beistand.protocol.messages import Joined, Recorded, SignedUp
from beistand.protocol.records import Enrolment

log = logging.getLogger(__name__)

PLATFORM = f"{platform.system()} {platform.release()}"[:60]


@dataclass
class _Yes:
    key: DeviceKey
    decision_hash: str = ""
    enrolment_jws: str = ""


class Enrolling:
    """One session's. `enrolled` gets the permission and its key; `failed` why there is none."""

    def __init__(
        self,
        joined: Joined,
        *,
        gateway: str,
        enrolled: Callable[[Standing, DeviceKey], None],
        failed: Callable[[BeistandError], None],
    ) -> None:
        self._joined = joined
        self._gateway = gateway
        self._enrolled = enrolled
        self._failed = failed
        self._open: dict[str, _Yes] = {}

    def new_key(self, request_id: str) -> str:
        """The public half of the key that will stand for this device, if this yes gets so far."""
        yes = self._open[request_id] = _Yes(DeviceKey.generate())
        return yes.key.agent_key

    def decided(self, request_id: str, jws: str) -> None:
        """The signed decision that names the key."""
        if request_id in self._open:
            self._open[request_id].decision_hash = signing.hash_of(jws)

    def enrolment(self, request: Request) -> SignedUp:
        """The first record of this device's chain."""
        yes, ask = self._open[request.id], request.ask
        content = {
            "device_key": yes.key.agent_key,
            "device_name": (platform.node() or "computer")[:120],
            "platform": PLATFORM,
            "zone": name_of_this_machine(),
            "language": request.language,
            "session_id": ask.sid,
            "request_id": request.id,
            "decision_hash": yes.decision_hash,
            "terms": ask.terms,
        }
        chain = Chain(ask.org, ids.device_id(yes.key.agent_key))
        _, yes.enrolment_jws = chain.sign(Enrolment, content, key=yes.key, device_time=datetime.now(UTC))
        return SignedUp(type="enrolment", jws=yes.enrolment_jws)

    def answered(self, message: SignedUp, answer: Recorded | BeistandError) -> None:
        """The consent service's word on it."""
        name = next((name for name, yes in self._open.items() if yes.enrolment_jws == message.jws), None)
        if name is None:
            return
        yes = self._open.pop(name)
        if isinstance(answer, BeistandError):
            log.warning("enrolment refused", extra={"code": answer.code})
            yes.key.destroy()
            self._failed(answer)
            return
        try:
            standing = proven(self._kept(yes, answer), yes.key)
        except (BadSignature, ValueError):
            log.warning("enrolment not proven")
            yes.key.destroy()
            self._failed(BadSignature())
            return
        self._enrolled(standing, yes.key)

    def close(self) -> None:
        """The session is over: what is not proven by now never will be."""
        for yes in self._open.values():
            yes.key.destroy()
        self._open.clear()

    def _kept(self, yes: _Yes, answer: Recorded) -> Kept:
        joined = self._joined
        return Kept(
            org=joined.org,
            organisation_name=joined.organisation_name,
            gateway=self._gateway,
            nats_urls=joined.nats_urls,
            consent_key=joined.consent_key,
            enrolment_jws=yes.enrolment_jws,
            entry_jws=answer.entry_jws or "",
            number=0,
            latest=datetime.now(UTC),
        )
