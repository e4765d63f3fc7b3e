"""One joined session on the engine's event loop: comes in, keeps lease, streams and timer in step, leaves.

Knows no windows and no NATS (see `link`). What must happen on the device at once is done in `desk`.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from agent.engine import event as e
from agent.engine.chat import ChatOut
from agent.engine.clerk import Clerk
from agent.engine.desk import Desk
from agent.engine.gate import Gate
from agent.engine.guard import Guard, Mandate, Standing
from agent.engine.hand import Hand
from agent.engine.hearing import hear
from agent.engine.input_pump import InputPump
from agent.engine.kept import Kept
from agent.engine.key import DeviceKey
from agent.engine.link import Dial, Link, Purpose
from agent.engine.notebook import Notebook
from agent.engine.outbox import Answer, Outbox, Outgoing
from agent.engine.picture_pump import PicturePump
from agent.engine.ports import Injector, Media
from agent.engine.records_post import Post
from agent.engine.refusals import Refusals
from agent.engine.tasks import Tasks
from agent.port import ChatEntry, Notice, Used
from agent.unattended.enrolling import Enrolling
from beistand.protocol.capabilities import OFFERED, Capability, require
from beistand.protocol.errors import BeistandError, Unavailable
from beistand.protocol.messages import (
    Ack,
    ChatUp,
    Joined,
    Lease,
    MediaDown,
    Party,
    PostedRecord,
    ReceiptWanted,
    Recorded,
    SignedUp,
)
from beistand.protocol.records import Cause, Language
from beistand.protocol.subjects import Up

log = logging.getLogger(__name__)

SUM_UP_AFTER_S = 0.02
"""By then the stop that a summary follows has left this machine, and the relay has acted on it."""
LEASE_EVERY_S = 1.0
HELLO_TRIES = 3
MAX_LEASED = 64


class Audience(Protocol):
    """Who is told what the windows should know; called on the event loop, `changed` from any thread."""

    def changed(self) -> None:
        """The guard's state may be another."""

    def told(self, notice: Notice) -> None:
        """Something to tell once."""

    def summed_up(self, used: Used) -> None:
        """What a grant that is over was used for."""

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
    post: Post | None = None
    """The gateway's door for what the control connection cannot deliver; None: there is none."""
    kept: Kept | None = None
    """What no service has acknowledged yet, on disk; None: it ends with this process."""
    hand: Hand | None = None
    """The person's own mouse and keyboard; None: they are not listened to."""


@dataclass(frozen=True)
class Admission:
    """What lets a technician into an unattended session."""

    mandate: Mandate
    vouch_jws: str
    """The enrolled device's word for this session's key."""
    holds: Callable[[], bool]
    """Whether the permission still covers this session: asked every second, and at every question."""


@dataclass(frozen=True)
class Permissions:
    """How a session stands to the device's standing permission: it may rest on it, or give it."""

    admission: Admission | None = None
    enrolling: Enrolling | None = None
    """None: nobody can be given unattended access in this session."""
    heard: Callable[[datetime], None] = lambda _: None
    """Told every time that the consent service has signed."""

    def guard(self, joined: Joined, language: Language) -> Guard:
        """The session's guard, before anything has happened."""
        return Guard(
            joined.org,
            joined.session_id,
            language,
            offered=OFFERED if self.enrolling else OFFERED - {Capability.UNATTENDED},
            mandate=self.admission.mandate if self.admission else None,
        )


class Visit:
    """See the module docstring. Everything but `tell` and `guard` belongs to the event loop."""

    def __init__(
        self,
        joined: Joined,
        key: DeviceKey,
        *,
        language: Language,
        parts: Parts,
        audience: Audience,
        permissions: Permissions | None = None,
    ) -> None:
        self._permissions = permissions or Permissions()
        self.admission = self._permissions.admission
        self._joined = joined
        self._key = key
        self._parts = parts
        self._audience = audience
        guard = self._permissions.guard(joined, language)
        self._desk = Desk(guard, parts.gate, clock=parts.clock, changed=audience.changed)
        self._tasks = Tasks(self._failed)
        self._link: Link | None = None
        second_way = self._post_record if parts.post else None
        self._outbox = Outbox(
            self._send_record,
            self._tasks,
            delayed=self._delayed,
            second_way=second_way,
            copies=self if parts.kept else None,
        )
        self.notebook = Notebook(joined, key.agent_key)
        self._clerk = Clerk(
            joined,
            key,
            outbox=self._outbox,
            tell=self.tell,
            over=self._refused_for_good,
            notebook=self.notebook,
            heard=self._permissions.heard,
            enrolling=self._permissions.enrolling,
            vouch_jws=self.admission.vouch_jws if self.admission else None,
        )
        self._chat = ChatOut(self._send_chat, delivered=audience.delivered, failed=audience.refused)
        self._refusals = Refusals()
        parts.media.prepare()
        self._pictures = PicturePump(gate=parts.gate, media=parts.media, send=self._send_media)
        self._inputs = InputPump(
            gate=parts.gate,
            injector=parts.injector,
            spendable=self._spendable,
            refusals=self._refusals,
            clock=parts.clock,
        )
        self._lease = Lease()
        self._to_sum_up: list[e.SignActivity] = []
        self._timer: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self._joined.session_id

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
        self._tasks.start("relays", self._inputs.watch())
        log.info("session joined", extra={"session": self._joined.session_id})

    def receipt_request(self) -> ReceiptWanted:
        """What the receipt is asked for with; to be made before `leave`, which destroys the key."""
        self._sum_up()
        return self._clerk.receipt_request()

    async def leave(self, *, patience: float) -> None:
        """After the end: deliver it if it is ours, for `patience` seconds at most, then be gone for good."""
        delivered = asyncio.ensure_future(self._outbox.end_delivered())
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait([delivered, gone], timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            delivered.cancel()
            gone.cancel()
            await self._let_go()
        log.info("session left", extra={"session": self._joined.session_id})

    async def _greet(self, link: Link) -> None:
        """Say hello; a second and third time, should the answer get lost."""
        hello = self._clerk.hello(self.guard.language)
        for _ in range(HELLO_TRIES - 1):
            with suppress(Unavailable):
                self._greeted(hello, await link.send(Up.HELLO, hello, Recorded))
                return
        self._greeted(hello, await link.send(Up.HELLO, hello, Recorded))

    def _greeted(self, hello: SignedUp, answer: Recorded) -> None:
        self.notebook.taken(hello.jws, answer.entry_jws)

    async def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._pictures.keep(frozenset())
        if self._parts.hand is not None:
            self._parts.hand.rest()
        link, self._link = self._link, None
        try:
            if link is not None:
                await link.close()  # before anything else that waits: nothing is left for the services to cut
        finally:
            await self._tasks.close()
            self._key.destroy()
            if self._permissions.enrolling is not None:
                self._permissions.enrolling.close()

    def _failed(self, name: str, error: BaseException) -> None:
        """A task broke: input that cannot be injected ends control, anything else the session."""
        log.error("task failed", extra={"task": name}, exc_info=error)
        if name == "input":
            self.tell(e.StoppedControl())
            self._tasks.start("input", self._inputs.run())
            return
        self.tell(e.ConfirmedEnd(Cause.AGENT_LOST))
        self._audience.over(Party.SYSTEM, Cause.AGENT_LOST)

    # --- after every change ----------------------------------------------------------------------------

    def follow(self) -> None:
        """Sign and send what others must know; keep streams, lease and timer in step with the guard."""
        if self._link is None:
            return
        for effect in self._desk.take():
            if isinstance(effect, e.Tell):
                self._audience.told(effect.notice)
                continue
            if isinstance(effect, e.SignActivity):
                self._sum_up_soon(effect)
                continue
            self._clerk.carry_out(effect)
            if effect == e.SignPause(paused=False):
                self._pictures.restart()
        guard = self.guard
        self._listen(guard)
        live = (guard.requests[grant_id] for grant_id in guard.live)
        self._pictures.keep(frozenset(each.id for each in live if each.ask.capability is Capability.VIEW))
        self._keep_lease(guard)
        self._keep_timer(guard)

    def _sum_up_soon(self, effect: e.SignActivity) -> None:
        """After the stop, which its signature would hold up here, and its storing at the services."""
        self._to_sum_up.append(effect)
        asyncio.get_running_loop().call_later(SUM_UP_AFTER_S, self._sum_up)

    def _sum_up(self) -> None:
        effects, self._to_sum_up = self._to_sum_up, []
        for effect in effects:
            self._clerk.carry_out(effect)
            self._audience.summed_up(_used(effect))

    def _listen(self, guard: Guard) -> None:
        hand = self._parts.hand
        if hand is not None and guard.is_indicator_wanted and guard.standing is not Standing.OVER:
            hand.watch()
        elif hand is not None:
            hand.rest()

    def _lease_of(self, guard: Guard) -> Lease:
        hand = self._parts.hand
        return Lease(
            grant_ids=guard.live[:MAX_LEASED],
            paused=guard.standing is Standing.CONFIRMING,
            held=hand is not None and hand.is_first,
            monitors=self._parts.media.monitors(),
        )

    def _keep_lease(self, guard: Guard) -> None:
        lease = self._lease_of(guard)
        if lease != self._lease:
            self._lease = lease
            self._tasks.start("lease-now", self._publish_lease())

    async def _lease_for_ever(self) -> None:
        while True:
            await self._publish_lease()
            await asyncio.sleep(LEASE_EVERY_S)
            self.tell(e.Tick())
            self._look_at_terms()

    def _look_at_terms(self) -> None:
        """An unattended session lasts no longer than what it rests on."""
        if self.admission is None or self.guard.standing is Standing.OVER or self.admission.holds():
            return
        log.info("terms over", extra={"session": self._joined.session_id})
        self.tell(e.ConfirmedEnd(Cause.EXPIRED))
        self._audience.over(Party.SYSTEM, Cause.EXPIRED)

    async def _publish_lease(self) -> None:
        if self._link is None or self.guard.standing is Standing.OVER:
            return
        self._lease = self._lease_of(self.guard)
        with suppress(Unavailable):  # nobody can hear it: the relays stop by themselves
            await self._link.publish_lease(self._lease)

    def _keep_timer(self, guard: Guard) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if guard.next_deadline is not None and guard.standing is not Standing.OVER:
            delay = max(0.0, guard.next_deadline - self._parts.clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self.tell, e.Tick())

    # --- sending ---------------------------------------------------------------------------------------

    def say(self, line: ChatUp) -> None:
        """A chat line of the customer's; RateLimited if too many wait."""
        self._chat.say(line)

    async def _send_record(self, verb: Up, message: SignedUp) -> Recorded:
        return await self._open_link().send(verb, message, Recorded)

    async def _post_record(self, _: Up, message: SignedUp) -> Recorded:
        if self._parts.post is None:
            raise Unavailable
        return self._clerk.proven(message, await self._parts.post(self._posted(message)))

    def _posted(self, message: SignedUp) -> PostedRecord:
        place = {"org": self._joined.org, "sid": self._joined.session_id}
        return PostedRecord.model_validate({**place, **message.model_dump()})

    def keep(self, message: SignedUp) -> None:
        """See `outbox.Copies`."""
        if self._parts.kept is not None:
            self._parts.kept.keep(self._posted(message), consent_key=self._joined.consent_key)

    def drop(self, message: SignedUp) -> None:
        """See `outbox.Copies`."""
        if self._parts.kept is not None:
            self._parts.kept.drop(message.jws)

    async def _send_chat(self, line: ChatUp) -> None:
        await self._open_link().send(Up.CHAT, line, Ack)

    async def _send_media(self, grant_id: str, chunk: bytes) -> None:
        await self._open_link().publish_media(grant_id, chunk)

    def _open_link(self) -> Link:
        if self._link is None:
            raise Unavailable
        return self._link

    def _delayed(self, verb: Up) -> None:
        if verb in (Up.REVOKED, Up.ENDED):
            self._audience.told(Notice.DELIVERY_PENDING)

    # --- hearing (agent.engine.link.Ears, agent.engine.hearing.Hearer) ----------------------------------

    def down(self, verb: str, data: bytes) -> None:
        """A message of the services; after the end nothing is heard any more."""
        if self.guard.standing is not Standing.OVER:
            hear(self, verb, data, self._refusals)

    def input(self, grant_id: str, data: bytes) -> None:
        """Input of a technician."""
        self._inputs.take(grant_id, data)

    def lost(self, purpose: Purpose) -> None:
        """Without the control connection nobody hears the lease, and without a lease there is no picture.

        Input comes over the media connection: a key that is down would never hear of its going up.
        """
        if purpose == "media":
            self._inputs.let_go()
        if purpose == "control" and self.guard.standing is not Standing.OVER:
            self._outbox.hold()
            self.tell(e.Disconnected())
            self._audience.lost()

    def back(self, purpose: Purpose) -> None:
        """Go on: a new hello tells that we are here, and what is signed is delivered."""
        if purpose == "media":
            self._pictures.restart()
        elif self.guard.standing is not Standing.OVER:
            hello = self._clerk.hello(self.guard.language)
            self._outbox.post(Outgoing(Up.HELLO, hello, partial(self._welcomed, hello)))

    def gone(self, purpose: Purpose) -> None:
        """Refused for good, or unreachable for too long: the session is over."""
        log.info("connection over", extra={"connection": purpose})
        self._gone.set()
        self._refused_for_good()

    def question(self, jws: str) -> e.Asked:
        """See `Hearer`."""
        asked = self._clerk.question(jws)
        self._look_at_terms()
        return asked

    def chatted(self, entry: ChatEntry) -> None:
        """See `Hearer`."""
        self._audience.chatted(entry)

    def credit(self, message: MediaDown) -> None:
        """See `Hearer`."""
        require(message.type, self._spendable(message.grant_id))
        self._pictures.credit(message)

    def end_elsewhere(self, by: Party, cause: Cause | None) -> None:
        """The session is over by somebody else's doing."""
        if self.guard.standing is Standing.OVER:
            return
        self.tell(e.EndedElsewhere())
        self._audience.over(by, cause)

    def _welcomed(self, hello: SignedUp, answer: Answer) -> None:
        if isinstance(answer, BeistandError):
            self._refused_for_good()
            return
        self._greeted(hello, answer)
        self._outbox.welcome()
        if self.guard.standing is not Standing.OVER:
            self._audience.back()

    def _refused_for_good(self) -> None:
        self.end_elsewhere(Party.SYSTEM, None)

    def _spendable(self, grant_id: str) -> frozenset[Capability]:
        return self.guard.spendable(grant_id)


def _used(effect: e.SignActivity) -> Used:
    ask, usage = effect.request.ask, effect.usage
    return Used(ask.capability, ask.technician_name, usage.used_s, usage.input)
