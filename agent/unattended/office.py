"""The device's standing permission at work: kept, answered by, paused, ended, and told of.

Belongs to the engine's event loop. Whatever takes something away is done here before anybody hears of it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from agent.engine.guard import Mandate
from agent.engine.key import DeviceKey
from agent.engine.tasks import Tasks
from agent.engine.visit import Admission, Permissions
from agent.port import Trouble, Unattended, Used, Visited
from agent.unattended import rules, zone
from agent.unattended.delivery import Delivery
from agent.unattended.enrolling import Enrolling
from agent.unattended.line import Address, Dial, Line
from agent.unattended.post import Post
from agent.unattended.rules import Clock
from agent.unattended.standby import Standby
from agent.unattended.standing import MAX_NUMBER, Standing
from agent.unattended.store import Enrolled, Gone, Store, waiting_for, withdraw
from beistand.protocol.errors import BeistandError, Forbidden, Unavailable
from beistand.protocol.messages import Call, CallAnswer, DeviceState, Joined
from beistand.protocol.records import Cause, Vouch, Why
from beistand.protocol.subjects import DeviceUp
from beistand.protocol.terms import Rule

log = logging.getLogger(__name__)

SAVE_EVERY_S = 3600.0
"""How often an idle device writes down what time it is."""
TROUBLES = {
    DeviceState.CLONED: Trouble.CLONED,
    DeviceState.GIVEN_UP: Trouble.GIVEN_UP,
    DeviceState.WITHDRAWN: None,  # by the person: there is nothing to tell
}

Answer = Callable[[], Awaitable[None]]


class House(Protocol):
    """The engine, as far as a permission concerns it."""

    @property
    def is_busy(self) -> bool:
        """Whether a session, or the way into one, is going on."""

    def come(self, call: Call, answer: Answer) -> None:
        """Let a technician in: busy from now on; say yes by `answer`, then join."""

    def leave(self, cause: Cause) -> None:
        """End an unattended session, if one is going on; no other."""

    def changed(self) -> None:
        """There is something else to show."""

    def refused(self, error: BeistandError) -> None:
        """Something the person wanted did not come about."""


@dataclass(frozen=True)
class Ways:
    """How the office reaches the world."""

    gateway: str
    dial: Dial
    post: Post
    at_sign_in: Callable[[bool], None] = lambda _: None
    """Have this program started when the person signs in, or not any more. Blocks for a moment; OSError."""
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)


class Office:
    """See the module docstring. `open` first, `close` at the end."""

    def __init__(self, state: Path, ways: Ways, *, monotonic: Callable[[], float]) -> None:
        self._store = Store(state)
        self._ways = ways
        self._monotonic = monotonic
        self._enrolled: Enrolled | None = None
        self._clock = Clock(datetime.min.replace(tzinfo=UTC), 0.0)
        self._saved_at = 0.0
        self._line: Line | None = None
        self._visits: tuple[Visited, ...] = ()
        self._troubles: tuple[Trouble, ...] = ()
        self._visiting = ""
        self._tasks = Tasks(self._failed)
        self._standby: asyncio.Task[None] | None = None
        self._settling = asyncio.Lock()
        self._delivery = Delivery(self._store, post=ways.post, line=self._line_of, ended=self._ended)
        self._house: House | None = None

    def open(self, house: House) -> None:
        """Take up what an earlier run left."""
        self._house = house
        self._enrolled = self._store.load()
        self._visits, self._troubles = self._store.visits(), self._store.troubles()
        if self._enrolled is not None:
            self._clock = Clock(self._enrolled.standing.kept.latest, self._monotonic())
            self._look_at_end()
        if self._enrolled is None:
            self._settle_sign_in()
        self._tasks.start("delivery", self._delivery.run())
        self._follow()

    async def close(self) -> None:
        """Be gone; the permission stays."""
        await self._tasks.close()
        if self._enrolled is not None:
            self._save(self._enrolled.standing)
            self._enrolled.key.destroy()

    # --- what is shown ---------------------------------------------------------------------------------

    @property
    def permission(self) -> Unattended | None:
        """The permission as the person gave it."""
        if self._enrolled is None:
            return None
        standing = self._enrolled.standing
        return Unattended(
            standing.kept.organisation_name,
            standing.terms,
            standing.since,
            paused=standing.is_paused,
            online=self._line is not None,
        )

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """Why there is none any more; until seen."""
        return self._troubles

    @property
    def visited(self) -> tuple[Visited, ...]:
        """Sessions that are over; until seen."""
        return tuple(visit for visit in self._visits if visit.id != self._visiting)

    # --- what the person does --------------------------------------------------------------------------

    def pause(self) -> None:
        """Nobody comes in until `resume`."""
        self._switch(paused=True)

    def resume(self) -> None:
        """The permission holds again."""
        self._switch(paused=False)

    def withdraw(self, why: Why = Why.WITHDRAWN) -> None:
        """The permission is over for good."""
        enrolled, self._enrolled = self._enrolled, None
        if enrolled is None:
            return
        self._leave(Cause.END_SESSION)
        withdraw(self._store, enrolled, why)
        log.info("permission withdrawn", extra={"why": why})
        self._settle_sign_in()
        self._follow()

    def seen(self, notice: str) -> None:
        """The person has seen a visit or a trouble."""
        visits = tuple(visit for visit in self._visits if visit.id != notice or visit.id == self._visiting)
        troubles = tuple(trouble for trouble in self._troubles if trouble != notice)
        if visits != self._visits:
            self._keep_visits(visits)
        if troubles != self._troubles:
            self._troubles = troubles
            self._store.keep_troubles(troubles)
        self._changed()

    def _switch(self, *, paused: bool) -> None:
        enrolled = self._enrolled
        if enrolled is None or enrolled.standing.is_paused is paused:
            return
        if paused:
            self._leave(Cause.END_SESSION)
        if not self._record(paused=paused) and paused:
            # A pause that the next start would not know of is none: rather no permission at all.
            self._lose(Trouble.UNREADABLE)
            return
        self._follow()

    def _record(self, *, paused: bool) -> bool:
        """Sign whether it is paused, to be handed over; whether that is on disk."""
        enrolled = self._enrolled
        if enrolled is None:
            return False
        standing, record = enrolled.standing.switched(
            paused=paused, key=enrolled.key, device_time=datetime.now(UTC)
        )
        self._enrolled = replace(enrolled, standing=standing)
        is_saved = self._save(standing)
        try:
            self._store.keep(waiting_for(standing, record))
        except OSError as error:
            log.error("record not kept", extra={"error": error.strerror})
        return is_saved

    # --- sessions --------------------------------------------------------------------------------------

    def refusal(self, technician_id: str, *, is_busy: bool = False) -> Rule | None:
        """The rule that says no to this technician now."""
        standing = self._enrolled.standing if self._enrolled else None
        zones = [zone.of_this_machine()]
        enrolled_in = zone.zone_of(standing.enrolment.zone) if standing else None
        return rules.refusal(
            standing,
            technician_id=technician_id,
            now=self._now(),
            zones=[*zones, enrolled_in] if enrolled_in else zones,
            is_busy=is_busy,
        )

    def permissions(self, joined: Joined) -> Permissions:
        """How an attended session stands to it: a person's yes in it may give a new one."""
        enrolling = Enrolling(joined, gateway=self._ways.gateway, enrolled=self._begin, failed=self._refused)
        return Permissions(enrolling=enrolling, heard=self._heard_from(joined))

    def admit(self, call: Call, joined: Joined, key: DeviceKey) -> Permissions:
        """What a technician comes in with; Forbidden if `joined` is not the session of the call."""
        enrolled = self._enrolled
        if enrolled is None:
            raise Forbidden
        standing = enrolled.standing
        as_called = (standing.org, call.session_id, call.technician_id, standing.kept.consent_key)
        if (joined.org, joined.session_id, joined.technician_id, joined.consent_key) != as_called:
            raise Forbidden
        vouch = Vouch(
            org=standing.org,
            sid=joined.session_id,
            device_id=standing.device_id,
            device_key=enrolled.key.agent_key,
            enrolment_hash=standing.enrolment_hash,
            agent_key=key.agent_key,
            vouched_at=datetime.now(UTC),
        )

        def holds() -> bool:
            self._look()
            return self._is_enrolled_as(standing.device_id) and self.refusal(joined.technician_id) is None

        mandate = Mandate(joined.technician_id, standing.enrolment_hash)
        admission = Admission(mandate, enrolled.key.sign(vouch), holds)
        return Permissions(admission=admission, heard=self._heard_from(joined))

    def began(self, joined: Joined, *, technician: str, reason: str) -> None:
        """A technician is in: it will be told, even if this program is killed meanwhile."""
        now = datetime.now(UTC)
        self._visiting = joined.session_id
        visit = Visited(joined.session_id, joined.organisation_name, technician, reason, now, now)
        self._keep_visits((*self._visits, visit))

    def over(self, sid: str, *, used: tuple[Used, ...]) -> None:
        """That session is over."""
        if self._visiting == sid:
            self._visiting = ""
        self._change_visit(sid, ended=datetime.now(UTC), used=used)

    def received(self, sid: str, receipt: str) -> None:
        """Its receipt is there."""
        self._change_visit(sid, receipt=receipt)

    # --- agent.unattended.standby.Host -------------------------------------------------------------------

    def next_address(self) -> Address:
        """See `Host`."""
        enrolled = self._enrolled
        if enrolled is None:
            raise Unavailable
        kept = enrolled.standing.kept
        number = min(kept.number + 1, MAX_NUMBER)
        standing = enrolled.standing.with_number(number, latest=max(kept.latest, self._now()))
        if not self._save(standing):
            raise Unavailable("The connection's number cannot be kept.")
        return Address(kept.nats_urls, standing.org, standing.device_id, number, enrolled.key.seed)

    def connected(self, line: Line) -> None:
        """See `Host`."""
        self._line = line
        self._delivery.wake()
        self._changed()

    def disconnected(self, line: Line) -> None:
        """See `Host`."""
        if self._line is line:
            self._line = None
            self._changed()

    def looked(self) -> None:
        """See `Host`."""
        self._look()
        if self._enrolled is not None and self._monotonic() - self._saved_at >= SAVE_EVERY_S:
            self._save(self._enrolled.standing)

    def refused_often(self) -> None:
        """See `Host`. A record that says what is so anyhow: its answer tells what a refusal does not."""
        if self._enrolled is not None:
            self._record(paused=self._enrolled.standing.is_paused)
            self._delivery.wake()

    def called(self, call: Call) -> None:
        """See `Host`."""
        line, house = self._line, self._house
        if line is None or house is None:
            return
        refused = self.refusal(call.technician_id, is_busy=house.is_busy)
        log.info("called", extra={"session": call.session_id, "refused": refused})
        answer = CallAnswer(session_id=call.session_id, refused=refused)

        async def answered() -> None:
            await line.say(DeviceUp.ANSWER, answer)

        if refused is None:
            house.come(call, answered)
            return
        self._tasks.start("answer", _unless_lost(answered))

    def gone(self, state: DeviceState) -> None:
        """See `Host`."""
        if state in TROUBLES:
            self._lose(TROUBLES[state])

    # --- inside ----------------------------------------------------------------------------------------

    def _begin(self, standing: Standing, key: DeviceKey) -> None:
        """A new permission, proven; the one before it is over."""
        if self._enrolled is not None:
            self.withdraw()
        try:
            self._store.begin(standing, key)
        except OSError as error:
            # Without its file it would be gone with this process: then it is better gone at once.
            log.error("permission not kept", extra={"error": error.strerror})
            withdraw(self._store, Enrolled(standing, key), Why.WITHDRAWN)
            self._delivery.wake()
            self._refused(BeistandError())
            return
        log.info("enrolled", extra={"device": standing.device_id})
        self._enrolled = Enrolled(standing, key)
        self._clock = self._clock.heard(standing.since, wall=self._ways.wall(), monotonic=self._monotonic())
        self._settle_sign_in()
        self._follow()

    def _ended(self, device_id: str) -> None:
        if self._is_enrolled_as(device_id):
            self._lose(Trouble.GIVEN_UP)

    def _look(self) -> None:
        """Whether it is over by itself, or was taken back beside this process."""
        self._look_at_end()
        if self._enrolled is not None and not self._store.has_key():
            self._lose(None)

    def _look_at_end(self) -> None:
        if self._enrolled is not None and rules.is_expired(self._enrolled.standing, now=self._now()):
            self._lose(Trouble.EXPIRED)

    def _lose(self, trouble: Trouble | None) -> None:
        """No permission any more, by nobody's click here."""
        enrolled, self._enrolled = self._enrolled, None
        if enrolled is None:
            return
        log.warning("permission over", extra={"why": trouble})
        self._leave(Cause.EXPIRED if trouble is Trouble.EXPIRED else Cause.ADMIN)
        enrolled.key.destroy()
        self._store.destroy()
        if trouble is not None:
            self._store.tell(trouble)
            self._troubles = self._store.troubles()
        self._settle_sign_in()
        self._follow()

    def _settle_sign_in(self) -> None:
        """Whoever can be called is there from sign-in on; nobody else is."""
        self._tasks.start("sign-in", self._settle())

    async def _settle(self) -> None:
        # One after the other: the last one sees what holds.
        async with self._settling:
            await asyncio.to_thread(self._ways.at_sign_in, self._enrolled is not None)

    def _follow(self) -> None:
        """Be connected if there is something to be called for, and only then; hand over what waits."""
        if self._standby is not None:
            self._standby.cancel()
            self._standby = self._line = None
        if self._enrolled is not None and not self._enrolled.standing.is_paused:
            self._standby = self._tasks.start("standby", Standby(self, self._ways.dial).run())
        self._delivery.wake()
        self._changed()

    def _save(self, standing: Standing) -> bool:
        """Whether it is on disk now."""
        if self._enrolled is None:
            return False
        self._enrolled = replace(self._enrolled, standing=standing.seen(self._now()))
        try:
            self._store.save(self._enrolled.standing, self._enrolled.key)
        except Gone:
            # Somebody has taken it back beside this process, as uninstalling does.
            self._lose(None)
            return False
        except OSError as error:
            log.error("permission not saved", extra={"error": error.strerror})
            return False
        self._saved_at = self._monotonic()
        return True

    def _now(self) -> datetime:
        """The time by which the rules are asked; it never goes back from here."""
        wall = self._ways.wall()
        self._clock = self._clock.heard(wall, wall=wall, monotonic=self._monotonic())
        return self._clock.latest

    def _heard_from(self, joined: Joined) -> Callable[[datetime], None]:
        """Times count that were signed by the consent service that holds the enrolment."""

        def heard(time: datetime) -> None:
            enrolled = self._enrolled
            if enrolled is not None and enrolled.standing.kept.consent_key == joined.consent_key:
                self._clock = self._clock.heard(time, wall=self._ways.wall(), monotonic=self._monotonic())

        return heard

    def _change_visit(self, sid: str, **changes: object) -> None:
        visits = (replace(visit, **changes) if visit.id == sid else visit for visit in self._visits)  # type: ignore[arg-type]
        self._keep_visits(tuple(visits))

    def _keep_visits(self, visits: tuple[Visited, ...]) -> None:
        self._visits = visits
        self._store.keep_visits(visits)
        self._changed()

    def _is_enrolled_as(self, device_id: str) -> bool:
        return self._enrolled is not None and self._enrolled.standing.device_id == device_id

    def _line_of(self, device_id: str) -> Line | None:
        return self._line if self._is_enrolled_as(device_id) else None

    def _leave(self, cause: Cause) -> None:
        if self._house is not None:
            self._house.leave(cause)

    def _changed(self) -> None:
        if self._house is not None:
            self._house.changed()

    def _refused(self, error: BeistandError) -> None:
        if self._house is not None:
            self._house.refused(error)

    def _failed(self, name: str, error: BaseException) -> None:
        """Whatever broke: nobody comes in by it."""
        log.error("task failed", extra={"task": name}, exc_info=error)


async def _unless_lost(answer: Answer) -> None:
    with suppress(Unavailable):
        await answer()
