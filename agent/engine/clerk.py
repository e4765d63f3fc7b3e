"""Signs what the guard decided, sends it, and takes the services' word on it back to the guard.

The one place that has the key, the chain and the outbox together. To be used on the event loop only.
"""

import logging
import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, Literal

from agent.engine import event as e
from agent.engine import proof
from agent.engine.chain import Chain
from agent.engine.key import DeviceKey
from agent.engine.notebook import Notebook
from agent.engine.outbox import Answer, Outbox, Outgoing
from agent.unattended.enrolling import Enrolling
from beistand.protocol import signing
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BadSignature, BeistandError, Ended, Unavailable
from beistand.protocol.messages import Joined, ReceiptWanted, Recorded, SignedUp
from beistand.protocol.records import (
    AS_ASKED,
    Activity,
    Ask,
    Decision,
    DeviceRecord,
    End,
    Hello,
    Language,
    Outcome,
    Pause,
    ReceiptRequest,
    Revocation,
)
from beistand.protocol.subjects import Up

log = logging.getLogger(__name__)

PLATFORM = f"{platform.system()} {platform.release()}"[:60]
_Kind = Literal["hello", "decision", "revocation", "pause", "end", "activity"]


class Clerk:
    """`tell` is the guard's desk; `over` is called when the services hold the session for over.

    `heard` is told every time that the consent service has signed; `vouch_jws` goes with the hello of an
    unattended session; without `enrolling` no yes to unattended access can be signed.
    """

    def __init__(
        self,
        joined: Joined,
        key: DeviceKey,
        *,
        outbox: Outbox,
        tell: Callable[[e.Event], None],
        over: Callable[[], None],
        notebook: Notebook,
        heard: Callable[[datetime], None] = lambda _: None,
        enrolling: Enrolling | None = None,
        vouch_jws: str | None = None,
    ) -> None:
        self._org, self._sid = joined.org, joined.session_id
        self._consent_key = signing.raw_key(joined.consent_key)
        self._key = key
        self._chain = Chain(self._org, self._sid)
        self._outbox = outbox
        self._tell = tell
        self._over = over
        self._notebook = notebook
        self._heard = heard
        self._enrolling = enrolling
        self._vouch_jws = vouch_jws

    def question(self, jws: str) -> e.Asked:
        """A question as the guard is told of it, or BadSignature."""
        ask, ask_hash = proof.ask_of(jws, self._consent_key, org=self._org, sid=self._sid)
        self._notebook.note(jws)
        self._heard(ask.asked_at)
        return e.Asked(ask, ask_hash)

    def receipt_request(self) -> ReceiptWanted:
        """The device's request for the session's receipt."""
        request = ReceiptRequest(org=self._org, sid=self._sid, asked_at=datetime.now(UTC))
        return ReceiptWanted(org=self._org, session_id=self._sid, jws=self._key.sign(request))

    def hello(self, language: Language) -> SignedUp:
        """A hello, the next record of the chain."""
        greeting = {
            "agent_key": self._key.agent_key,
            "language": language,
            "platform": PLATFORM,
            "agent_version": version("beistand"),
            "vouch_jws": self._vouch_jws,
        }
        return SignedUp(type="hello", jws=self._sign(Hello, greeting))

    def carry_out(self, effect: e.Signing) -> None:
        """Sign and send it."""
        _CARRY_OUT[type(effect)](self, effect)

    def decide(self, effect: e.SignDecision) -> None:
        """The answer to a question."""
        request = effect.request
        asked = request.ask.model_dump(include=set(AS_ASKED))
        answer = {"outcome": effect.outcome, "decided_by": effect.decided_by, "block": effect.blocks}
        shown = {
            "ask_hash": request.ask_hash,
            "language": request.language,
            "text_hash": request.text_hash,
        }
        standing = {"enrolment_hash": effect.enrolment_hash, "device_key": self._new_device(effect)}
        jws = self._sign(Decision, {**asked, **answer, **shown, **standing})
        if self._enrolling is not None:
            self._enrolling.decided(request.id, jws)
        self._post(Up.DECISION, "decision", jws, partial(self._answered, request.ask, jws))

    def enrol(self, effect: e.SignEnrolment) -> None:
        """This device stands ready from now on, once that is recorded, too."""
        if self._enrolling is None:
            return
        message = self._enrolling.enrolment(effect.request)
        taken = partial(self._enrolling.answered, message)
        self._outbox.post(Outgoing(Up.ENROLMENT, message, taken))

    def revoke(self, effect: e.SignRevocation) -> None:
        """Grants are over."""
        jws = self._sign(Revocation, {"grant_ids": effect.grant_ids, "cause": effect.cause})
        self._post(Up.REVOKED, "revocation", jws, self._settled)

    def pause(self, effect: e.SignPause) -> None:
        """Everything is held, or goes on."""
        self._post(Up.PAUSE, "pause", self._sign(Pause, {"paused": effect.paused}), self._settled)

    def end(self, effect: e.SignEnd) -> None:
        """The session is over."""
        self._post(Up.ENDED, "end", self._sign(End, {"cause": effect.cause}), self._settled)

    def sum_up(self, effect: e.SignActivity) -> None:
        """What a grant was used for."""
        ask, usage, now = effect.request.ask, effect.usage, datetime.now(UTC)
        about = ask.model_dump(include={"request_id", "technician_id", "capability"})
        used = {
            "since": now - timedelta(seconds=usage.opened_ago),
            "until": now - timedelta(seconds=usage.closed_ago),
            "used_s": min(usage.used_s, ask.duration_s),
            "input": usage.input if ask.capability is Capability.CONTROL else None,
        }
        self._post(Up.ACTIVITY, "activity", self._sign(Activity, {**about, **used}), self._settled)

    def proven(self, message: SignedUp, answer: Recorded) -> Recorded:
        """An answer that came past the gateway, if the consent service made it; or Unavailable: ask again.

        An end is answered by the session service, without an entry.
        """
        if message.type == "end" and answer.entry_jws is None:
            return answer
        place = {"org": self._org, "sid": self._sid}
        try:
            proof.entry_of(answer.entry_jws, self._consent_key, **place, record_jws=message.jws)
        except BadSignature:
            log.warning("entry not proven")
            raise Unavailable from None
        return answer

    def _answered(self, ask: Ask, jws: str, answer: Answer) -> None:
        """The consent service's word on a decision; it matters only for a yes, the guard ignores the rest."""
        if isinstance(answer, BeistandError):
            self._tell(e.Refused(ask.request_id))
            self._settled(answer)
            return
        try:
            entry = proof.entry_of(
                answer.entry_jws, self._consent_key, org=self._org, sid=self._sid, record_jws=jws
            )
        except BadSignature:
            log.warning("entry not proven", extra={"request": ask.request_id})
            self._tell(e.Unproven(ask.request_id))
        else:
            self._heard(entry.recorded_at)
            self._tell(e.Recorded(ask.request_id, entry))

    def _new_device(self, effect: e.SignDecision) -> str | None:
        is_yes = effect.outcome is Outcome.GRANTED
        if (
            self._enrolling is None
            or not is_yes
            or effect.request.ask.capability is not Capability.UNATTENDED
        ):
            return None
        return self._enrolling.new_key(effect.request.id)

    def _settled(self, answer: Answer) -> None:
        """A refusal settles a record, too; that the session is over is news all the same."""
        if isinstance(answer, Ended):
            self._over()
        elif isinstance(answer, BeistandError):
            log.warning("record refused", extra={"code": answer.code})

    def _sign(self, kind: type[DeviceRecord], content: dict[str, Any]) -> str:
        now = datetime.now(UTC)
        self._chain, jws = self._chain.sign(kind, content, key=self._key, device_time=now)
        self._notebook.note(jws)
        return jws

    def _post(self, verb: Up, kind: _Kind, jws: str, answered: Callable[[Answer], None]) -> None:
        def noted(answer: Answer) -> None:
            if isinstance(answer, Recorded):
                self._notebook.taken(jws, answer.entry_jws)
            answered(answer)

        self._outbox.post(Outgoing(verb, SignedUp(type=kind, jws=jws), noted))


_CARRY_OUT: Mapping[type[e.Signing], Callable[[Clerk, Any], None]] = MappingProxyType(
    {
        e.SignDecision: Clerk.decide,
        e.SignEnrolment: Clerk.enrol,
        e.SignRevocation: Clerk.revoke,
        e.SignPause: Clerk.pause,
        e.SignEnd: Clerk.end,
        e.SignActivity: Clerk.sum_up,
    }
)
