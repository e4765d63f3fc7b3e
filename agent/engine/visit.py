"""One joined session on the engine's event loop: hears the services, signs and sends what the guard decided.

Knows no windows and no NATS (see `link`). What must happen on the device at once is done in `desk`.
"""

import asyncio
import base64
import logging
import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Protocol

from agent.engine import event as e
from agent.engine import proof
from agent.engine.chain import Chain
from agent.engine.chat import ChatOut
from agent.engine.desk import Desk
from agent.engine.gate import Gate
from agent.engine.guard import Guard, Standing
from agent.engine.input_pump import InputPump
from agent.engine.key import DeviceKey
from agent.engine.link import Dial, Link, Purpose
from agent.engine.outbox import Answer, Outbox, Outgoing
from agent.engine.picture_pump import PicturePump
from agent.engine.ports import Injector, Media
from agent.engine.refusals import Refusals
from agent.engine.tasks import Tasks
from agent.port import ChatEntry, Notice
from beistand.protocol import signing
from beistand.protocol.capabilities import Capability, require
from beistand.protocol.errors import BadSignature, BeistandError, Ended, InvalidMessage, Unavailable
from beistand.protocol.messages import (
    Ack,
    AskDown,
    ChatDown,
    ChatUp,
    EndedDown,
    Joined,
    Lease,
    MediaDown,
    Message,
    NoticeDown,
    Party,
    Recorded,
    RequestState,
    SignedUp,
    parse,
)
from beistand.protocol.records import Cause, Decision, DeviceRecord, End, Hello, Language, Pause, Revocation
from beistand.protocol.subjects import Down, Up

log = logging.getLogger(__name__)

LEASE_EVERY_S = 1.0
HELLO_TRIES = 3
PLATFORM = f"{platform.system()} {platform.release()}"[:60]


class Audience(Protocol):
    """Who is told what the windows should know; called on the event loop, `changed` from any thread."""

    def changed(self) -> None:
        """The guard's state may be another."""

    def told(self, notice: Notice) -> None:
        """Something to tell once."""

    def chatted(self, entry: ChatEntry) -> None:
        """A line of the technician's."""

    def delivered(self, line_id: str) -> None:
        """A line of the customer's has arrived."""

    def refused(self, error: BeistandError) -> None:
        """Something the person did was not accepted."""

    def lost(self) -> None:
        """The connection is gone; everything is stopped."""

    def back(self) -> None:
        """The connection is back."""

    def over(self, by: Party, cause: Cause | None) -> None:
        """The session is over by somebody else's doing."""


@dataclass(frozen=True)
class Parts:
    """What a visit works with."""

    gate: Gate
    media: Media
    injector: Injector
    dial: Dial
    clock: Callable[[], float]


class Visit:
    """See the module docstring. Everything but `tell` and `guard` belongs to the event loop."""

    def __init__(
        self, joined: Joined, key: DeviceKey, *, language: Language, parts: Parts, audience: Audience
    ) -> None:
        self._joined = joined
        self._key = key
        self._parts = parts
        self._audience = audience
        self._chain = Chain(joined.org, joined.session_id)
        self._consent_key = base64.urlsafe_b64decode(joined.consent_key + "=")
        guard = Guard(joined.org, joined.session_id, language)
        self._desk = Desk(guard, parts.gate, clock=parts.clock, changed=audience.changed)
        self._tasks = Tasks(self._failed)
        self._link: Link | None = None
        self._outbox = Outbox(self._send_record, self._tasks, delayed=self._delayed)
        self._chat = ChatOut(self._send_chat, delivered=audience.delivered, failed=audience.refused)
        self._refusals = Refusals()
        self._pictures = PicturePump(gate=parts.gate, media=parts.media, send=self._send_media)
        self._inputs = InputPump(
            gate=parts.gate, injector=parts.injector, spendable=self._spendable, refusals=self._refusals
        )
        self._lease = Lease()
        self._timer: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()

    @property
    def guard(self) -> Guard:
        """The session as the device sees it. From any thread."""
        return self._desk.guard

    def tell(self, event: e.Event) -> None:
        """Let something happen; done on the device when this returns. From any thread."""
        self._desk.tell(event)

    # --- coming and going ------------------------------------------------------------------------------

    async def enter(self) -> None:
        """Connect and say hello; raises the BeistandError that keeps us out, and leaves nothing behind."""
        self._parts.gate.resume()
        try:
            self._link = await self._parts.dial(self._joined, self._key, self)
            await self._greet(self._link)
        except BaseException:
            await self._let_go()
            raise
        self._tasks.start("lease", self._lease_for_ever())
        self._tasks.start("chat", self._chat.run())
        self._tasks.start("pictures", self._pictures.run())
        self._tasks.start("input", self._inputs.run())
        log.info("session joined", extra={"session": self._joined.session_id})

    async def _greet(self, link: Link) -> None:
        """Say hello; a second and third time, should the answer get lost."""
        hello = self._hello()
        for _ in range(HELLO_TRIES - 1):
            with suppress(Unavailable):
                await link.send(Up.HELLO, hello, Recorded)
                return
        await link.send(Up.HELLO, hello, Recorded)

    async def leave(self, *, patience: float) -> None:
        """After the end: deliver it if it is ours, for `patience` seconds at most, then be gone for good."""
        waits = [
            asyncio.ensure_future(self._outbox.end_delivered()),
            asyncio.ensure_future(self._gone.wait()),
        ]
        try:
            await asyncio.wait(waits, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await self._let_go()
        log.info("session left", extra={"session": self._joined.session_id})

    async def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        link, self._link = self._link, None
        if link is not None:
            await link.close()  # first of all, so that nothing is left for the services to cut
        await self._tasks.close()
        self._key.destroy()

    # --- what the guard decided ------------------------------------------------------------------------

    def follow(self) -> None:
        """After a change: sign and send what others must know, keep streams, lease and timer in step."""
        if self._link is None:
            return
        for effect in self._desk.take():
            _CARRY_OUT[type(effect)](self, effect)
        guard = self.guard
        views = (
            request.id for request in guard.requests.values() if request.ask.capability is Capability.VIEW
        )
        self._pictures.keep(frozenset(views) & frozenset(guard.live))
        self._keep_lease(guard)
        self._keep_timer(guard)

    def _decide(self, effect: e.SignDecision) -> None:
        request, ask = effect.request, effect.request.ask
        asked = ask.model_dump(
            include={
                "request_id",
                "nonce",
                "technician_id",
                "technician_name",
                "capability",
                "reason",
                "duration_s",
            }
        )
        answer = {"outcome": effect.outcome, "decided_by": effect.decided_by, "block": effect.blocks}
        shown = {"ask_hash": request.ask_hash, "language": request.language, "text_hash": request.text_hash}
        jws = self._sign(Decision, {**asked, **answer, **shown})

        def answered(answer: Answer) -> None:
            self._tell_answer(ask.request_id, jws, answer)

        self._post(Up.DECISION, "decision", jws, answered)

    def _revoke(self, effect: e.SignRevocation) -> None:
        jws = self._sign(Revocation, {"grant_ids": effect.grant_ids, "cause": effect.cause})
        self._post(Up.REVOKED, "revocation", jws, self._settle)

    def _pause(self, effect: e.SignPause) -> None:
        self._post(Up.PAUSE, "pause", self._sign(Pause, {"paused": effect.paused}), self._settle)
        if not effect.paused:
            self._pictures.restart()

    def _end(self, effect: e.SignEnd) -> None:
        self._post(Up.ENDED, "end", self._sign(End, {"cause": effect.cause}), self._settle)

    def _announce(self, effect: e.Tell) -> None:
        self._audience.told(effect.notice)

    def _tell_answer(self, request_id: str, jws: str, answer: Answer) -> None:
        """The consent service's word on a decision; it matters only for a yes, the guard ignores the rest."""
        if isinstance(answer, BeistandError):
            self.tell(e.Refused(request_id))
            self._settle(answer)
            return
        org, sid = self._joined.org, self._joined.session_id
        try:
            entry = proof.entry_of(answer.entry_jws, self._consent_key, org=org, sid=sid, record_jws=jws)
        except BadSignature as error:
            self._refusals.add("entry", error)
            self.tell(e.Unproven(request_id))
        else:
            self.tell(e.Recorded(request_id, entry))

    def _settle(self, answer: Answer) -> None:
        """A refusal settles a record, too; that the session is over is news all the same."""
        if isinstance(answer, Ended):
            self._end_elsewhere(Party.SYSTEM, None)
        elif isinstance(answer, BeistandError):
            log.warning("record refused", extra={"code": answer.code})

    def _hello(self) -> SignedUp:
        greeting = {
            "agent_key": self._key.agent_key,
            "language": self.guard.language,
            "platform": PLATFORM,
            "agent_version": version("beistand"),
        }
        return SignedUp(type="hello", jws=self._sign(Hello, greeting))

    def _sign(self, kind: type[DeviceRecord], content: dict[str, Any]) -> str:
        now = datetime.now(UTC)
        self._chain, jws = self._chain.sign(kind, content, key=self._key, device_time=now)
        return jws

    def _post(self, verb: Up, kind: Any, jws: str, answered: Callable[[Answer], None]) -> None:
        self._outbox.post(Outgoing(verb, SignedUp(type=kind, jws=jws), answered))

    def _delayed(self, verb: Up) -> None:
        if verb in (Up.REVOKED, Up.ENDED):
            self._audience.told(Notice.DELIVERY_PENDING)

    # --- lease and deadlines ---------------------------------------------------------------------------

    def _keep_lease(self, guard: Guard) -> None:
        lease = Lease(grant_ids=guard.live[:64], paused=guard.standing is Standing.CONFIRMING)
        if lease != self._lease:
            self._lease = lease
            self._tasks.start("lease-now", self._publish_lease())

    async def _lease_for_ever(self) -> None:
        while True:
            await self._publish_lease()
            await asyncio.sleep(LEASE_EVERY_S)
            self.tell(e.Tick())

    async def _publish_lease(self) -> None:
        if self._link is None or self.guard.standing is Standing.OVER:
            return
        try:
            await self._link.publish_lease(self._lease)
        except Unavailable:
            return  # nobody can hear it; the relays stop by themselves

    def _keep_timer(self, guard: Guard) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if guard.next_deadline is not None:
            delay = max(0.0, guard.next_deadline - self._parts.clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self.tell, e.Tick())

    # --- sending ---------------------------------------------------------------------------------------

    def say(self, line: ChatUp) -> None:
        """A chat line of the customer's; RateLimited if too many wait."""
        self._chat.say(line)

    async def _send_record(self, verb: Up, message: SignedUp) -> Recorded:
        return await self._open_link().send(verb, message, Recorded)

    async def _send_chat(self, line: ChatUp) -> None:
        await self._open_link().send(Up.CHAT, line, Ack)

    async def _send_media(self, grant_id: str, chunk: bytes) -> None:
        await self._open_link().publish_media(grant_id, chunk)

    def _open_link(self) -> Link:
        if self._link is None:
            raise Unavailable
        return self._link

    def _failed(self, name: str, error: BaseException) -> None:
        """A task broke: input that cannot be injected ends control, anything else the session."""
        log.error("task failed", extra={"task": name}, exc_info=error)
        if name == "input":
            self.tell(e.StoppedControl())
            self._tasks.start("input", self._inputs.run())
            return
        self.tell(e.ConfirmedEnd(Cause.AGENT_LOST))
        self._audience.over(Party.SYSTEM, Cause.AGENT_LOST)

    # --- hearing (agent.engine.link.Ears) --------------------------------------------------------------

    def down(self, verb: str, data: bytes) -> None:
        """A message of the services; after the end nothing is heard any more."""
        if self.guard.standing is Standing.OVER:
            return
        try:
            if verb not in _HEAR:
                raise InvalidMessage("Unknown kind of message.")
            kind, hear = _HEAR[verb]
            hear(self, parse(kind, data))
        except BeistandError as error:
            self._refusals.add(verb if verb in _HEAR else "unknown", error)

    def input(self, grant_id: str, data: bytes) -> None:
        """Input of a technician."""
        self._inputs.take(grant_id, data)

    def lost(self, purpose: Purpose) -> None:
        """Without the control connection nobody hears the lease, and without a lease there is no picture."""
        if purpose == "control" and self.guard.standing is not Standing.OVER:
            self._outbox.hold()
            self.tell(e.Disconnected())
            self._audience.lost()

    def back(self, purpose: Purpose) -> None:
        """Go on: what is signed is delivered, a new hello tells that we are here."""
        if purpose == "media":
            self._pictures.restart()
            return
        if self.guard.standing is not Standing.OVER:
            self._outbox.post(Outgoing(Up.HELLO, self._hello(), self._welcomed))

    def gone(self, purpose: Purpose) -> None:
        """Refused for good: the session is over."""
        self._gone.set()
        self._end_elsewhere(Party.SYSTEM, None)
        log.info("connection over", extra={"connection": purpose})

    def _welcomed(self, answer: Answer) -> None:
        if isinstance(answer, BeistandError):
            self._end_elsewhere(Party.SYSTEM, None)
            return
        self._outbox.welcome()
        if self.guard.standing is not Standing.OVER:
            self._audience.back()

    def _end_elsewhere(self, by: Party, cause: Cause | None) -> None:
        if self.guard.standing is Standing.OVER:
            return
        self.tell(e.EndedElsewhere())
        self._audience.over(by, cause)

    def _spendable(self, grant_id: str) -> frozenset[Capability]:
        return self.guard.spendable(grant_id)

    def _hear_ask(self, message: AskDown) -> None:
        org, sid = self._joined.org, self._joined.session_id
        ask = proof.ask_of(message.jws, self._consent_key, org=org, sid=sid)
        self.tell(e.Asked(ask, signing.hash_of(message.jws)))

    def _hear_notice(self, message: NoticeDown) -> None:
        if message.state in (RequestState.ASKED, RequestState.LIVE):
            return
        handed_back = message.state is RequestState.REVOKED and message.by is Party.TECHNICIAN
        if message.state is RequestState.WITHDRAWN or handed_back:
            self.tell(e.Withdrawn(message.request_id))
        else:
            self.tell(e.OverElsewhere(message.request_id))

    def _hear_chat(self, message: ChatDown) -> None:
        party = Party.TECHNICIAN
        self._audience.chatted(ChatEntry(message.id, party, message.author, message.text, message.sent_at))

    def _hear_credit(self, message: MediaDown) -> None:
        require(message.type, self._spendable(message.grant_id))
        self._pictures.credit(message)

    def _hear_ended(self, message: EndedDown) -> None:
        self._end_elsewhere(message.by, message.cause)


_CARRY_OUT: dict[type[Any], Callable[[Visit, Any], None]] = {
    e.SignDecision: Visit._decide,
    e.SignRevocation: Visit._revoke,
    e.SignPause: Visit._pause,
    e.SignEnd: Visit._end,
    e.Tell: Visit._announce,
}

_HEAR: dict[str, tuple[type[Message], Callable[[Visit, Any], None]]] = {
    Down.ASK: (AskDown, Visit._hear_ask),
    Down.NOTICE: (NoticeDown, Visit._hear_notice),
    Down.CHAT: (ChatDown, Visit._hear_chat),
    Down.MEDIA: (MediaDown, Visit._hear_credit),
    Down.ENDED: (EndedDown, Visit._hear_ended),
}
