"""The customer's side without windows: `agent.port.Engine` on an event loop and a thread of its own.

Owns the phases from code to end and who is told of them. Every action of a person comes in here, from any
thread; those that stop something have stopped it when they return. Consent itself is the guard's.
"""

import asyncio
import logging
import secrets
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from agent.engine import event as e
from agent.engine.front import Front, view_of
from agent.engine.guard import Standing
from agent.engine.kept import hand_over
from agent.engine.key import DeviceKey
from agent.engine.receipts import Receipts, collect
from agent.engine.tasks import Tasks
from agent.engine.visit import Parts, Permissions, Visit
from agent.port import Answer, ChatEntry, Notice, Phase, Subscriber, Used, View
from agent.unattended import office as unattended
from beistand.protocol import ids, signing
from beistand.protocol.errors import BeistandError, TooLarge, WrongState
from beistand.protocol.messages import MAX_CHAT, Call, ChatUp, Joined, Party, ReceiptWanted
from beistand.protocol.records import Cause, Language

log = logging.getLogger(__name__)

DELIVER_END_S = 30.0
"""How long a signed end is tried to be delivered, while the person sees that it is over."""
DELIVER_AT_CLOSE_S = 3.0
"""The same when the whole agent is closed."""

LEFTOVERS = "leftovers"
"""The task that hands over what an earlier run could not deliver."""

LookUp = Callable[[str, str], Awaitable[Joined]]
"""Code and agent key -> who asks; raises BeistandError."""


class Engine:
    """See `agent.port.Engine`. `start` first; after `close`, `wait_closed`."""

    def __init__(
        self,
        *,
        look_up: LookUp,
        parts: Parts,
        language: Language = "en",
        on_language: Callable[[Language], None] = lambda _: None,
        receipts: Receipts | None = None,
        office: unattended.Office | None = None,
    ) -> None:
        self._look_up = look_up
        self._parts = parts
        if parts.hand is not None:
            parts.hand.serve(stop=self.stop_sharing, changed=self.changed)
        self._language: Language = language
        self._on_language = on_language
        self._receipts = receipts
        self._office = office
        self._subscribers: list[Subscriber] = []
        self._front = Front()
        self._view = View()
        self._visit: Visit | None = None
        self._found: tuple[Joined, DeviceKey] | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._tasks = Tasks(self._failed)
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beistand-engine", daemon=True)

    def start(self) -> None:
        """Start the engine's thread."""
        self._thread.start()

    def wait_closed(self, timeout: float) -> bool:
        """Wait until the engine has stopped, at most `timeout` seconds; whether it has."""
        return self._closed.wait(timeout)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber` with the view as it is, and with every new one, from the engine's thread."""
        self._call(self._add_subscriber, subscriber)

    # --- actions of the person, from any thread ------------------------------------------------------------

    def look_up(self, code: str) -> None:
        """Find out who is asking; joins nothing."""
        self._call(self._start_look_up, code)

    def join(self) -> None:
        """Join the session that was looked up."""
        self._call(self._start_join)

    def decline(self) -> None:
        """Back to the code; nothing has happened."""
        self._call(self._forget)

    def answer(self, request_id: str, answer: Answer, *, text: str, language: Language) -> None:
        """The person's answer to a question."""
        self._tell(e.Answered(request_id, answer, signing.hash_of(text), language))

    def hold_input(self, holder: str) -> None:
        """Hold injected input back while a window of ours is open."""
        self._parts.gate.hold(holder)

    def release_input(self, holder: str) -> None:
        """That window is gone."""
        self._parts.gate.release(holder)

    def indicator_shown(self, *, visible: bool) -> None:
        """Whether the bar is verifiably on screen."""
        self._tell(e.IndicatorShown() if visible else e.IndicatorLost())

    def stop_sharing(self) -> None:
        """End picture and control for every technician."""
        self._tell(e.StoppedSharing())

    def stop_control(self) -> None:
        """End control for every technician."""
        self._tell(e.StoppedControl())

    def ask_end(self) -> None:
        """Open "End session?": picture and input pause."""
        self._tell(e.AskedEnd())

    def cancel_end(self) -> None:
        """What was paused goes on."""
        self._tell(e.CancelledEnd())

    def confirm_end(self) -> None:
        """The session is over for good."""
        self._tell(e.ConfirmedEnd())
        self._call(self._end, Party.CUSTOMER, Cause.END_SESSION)

    def pause_unattended(self) -> None:
        """No technician gets in unattended until `resume_unattended`."""
        self._end_unattended(Cause.END_SESSION)
        if self._office is not None:
            self._call(self._office.pause)

    def resume_unattended(self) -> None:
        """The standing permission holds again."""
        if self._office is not None:
            self._call(self._office.resume)

    def withdraw_unattended(self) -> None:
        """The standing permission is over for good."""
        self._end_unattended(Cause.END_SESSION)
        if self._office is not None:
            self._call(self._office.withdraw)

    def seen(self, notice: str) -> None:
        """The person has seen a visit or a trouble."""
        if self._office is not None:
            self._call(self._office.seen, notice)

    def send_chat(self, text: str) -> None:
        """Say something to the technician."""
        self._call(self._say, text)

    def start_over(self) -> None:
        """After an end: back to the code."""
        self._call(self._start_over)

    def own_window(self, window: int) -> None:
        """A native window id of ours; injection avoids them all."""
        self._parts.injector.own_window(window)

    def set_language(self, language: Language) -> None:
        """The language the person reads."""
        self._language = language
        self._on_language(language)
        self._tell(e.LanguageSet(language))

    def close(self) -> None:
        """End the session if there is one, and stop the engine."""
        self._tell(e.ConfirmedEnd(Cause.AGENT_CLOSED))
        self._parts.gate.close_all()
        self._call(self._closing.set)

    def _end_unattended(self, cause: Cause) -> None:
        """Stop it on the device at once; from any thread. An attended session goes on."""
        visit = self._visit
        if visit is not None and visit.admission is not None:
            visit.tell(e.ConfirmedEnd(cause))
        self._call(self._leave_unattended, cause)

    def _tell(self, event: e.Event) -> None:
        visit = self._visit
        if visit is not None:
            visit.tell(event)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        # A closed loop raises: the engine has stopped, and with it everything there was to do.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)

    # --- what the office wants (agent.unattended.office.House) ----------------------------------------------

    @property
    def is_busy(self) -> bool:
        """See `House`."""
        return self._front.is_busy or self._closing.is_set()

    def come(self, call: Call, answer: unattended.Answer) -> None:
        """See `House`."""
        if self._office is None:
            return
        self._visit = None
        names = {"organisation": call.organisation_name, "technician": call.technician_name}
        self._show(Front.called(**names, reason=call.reason))
        self._attempt = self._tasks.start("call", self._let_in(self._office, call, answer))

    def leave(self, cause: Cause) -> None:
        """See `House`."""
        visit = self._visit
        if visit is not None and visit.admission is not None:
            visit.tell(e.ConfirmedEnd(cause))
        self._leave_unattended(cause)

    def _leave_unattended(self, cause: Cause) -> None:
        if not self._front.is_unattended or not self._front.is_busy:
            return
        if self._visit is not None:
            self._end(Party.CUSTOMER if cause is Cause.END_SESSION else Party.SYSTEM, cause)
            return
        if self._attempt is not None:
            self._attempt.cancel()
        self._show(Front())

    # --- what the visit tells (agent.engine.visit.Audience) -------------------------------------------------

    def changed(self) -> None:
        """The guard's state may be another; from any thread."""
        self._call(self._follow)

    def told(self, notice: Notice) -> None:
        """Something to tell once."""
        self._show(self._front.told(notice))

    def summed_up(self, used: Used) -> None:
        """What a grant that is over was used for."""
        self._show(self._front.summed_up(used))

    def chatted(self, entry: ChatEntry) -> None:
        """A line of the technician's."""
        self._show(self._front.chatted(entry))

    def delivered(self, line_id: str) -> None:
        """A line of the customer's has arrived."""
        self._show(self._front.delivered(line_id))

    def refused(self, error: BeistandError) -> None:
        """Something the person did was not accepted."""
        self._show(self._front.troubled(error.code))

    def lost(self) -> None:
        """The connection is gone."""
        self._move(Phase.RECONNECTING)

    def back(self) -> None:
        """The connection is back."""
        self._move(Phase.SESSION)

    def over(self, by: Party, cause: Cause | None) -> None:
        """The session is over by somebody else's doing."""
        self._end(by, cause)

    # --- on the event loop ---------------------------------------------------------------------------------

    def _add_subscriber(self, subscriber: Subscriber) -> None:
        self._subscribers.append(subscriber)
        self._loop.call_soon(subscriber, self._view)

    def _move(self, phase: Phase, **changes: object) -> bool:
        """Go to another phase; False if that is not possible from here."""
        try:
            front = self._front.moved(phase, **changes)
        except WrongState:
            return False
        self._show(front)
        return True

    def _show(self, front: Front) -> None:
        self._front = front
        self._publish()

    def _publish(self) -> None:
        guard = self._visit.guard if self._visit else None
        parts = self._parts
        view = view_of(self._front, guard, parts.hand, now=parts.clock(), usage=parts.gate.usage)
        if self._office is not None:
            view = replace(
                view,
                unattended=self._office.permission,
                troubles=self._office.troubles,
                visited=self._office.visited,
            )
        if view != self._view:
            self._view = view
            for subscriber in self._subscribers:
                self._loop.call_soon(subscriber, view)

    def _follow(self) -> None:
        if self._visit is not None:
            self._visit.follow()
        self._publish()

    def _start_look_up(self, code: str) -> None:
        if self._move(Phase.LOOKING_UP):
            self._attempt = self._tasks.start("look-up", self._find(code))

    async def _find(self, code: str) -> None:
        key = DeviceKey.generate()
        try:
            joined = await self._look_up(code, key.agent_key)
        except BeistandError as error:
            self._move(Phase.CODE, problem=error.code)
            return
        self._found = (joined, key)
        self._move(Phase.CONFIRM, organisation=joined.organisation_name, technician=joined.technician_name)

    def _forget(self) -> None:
        if self._front.phase not in (Phase.LOOKING_UP, Phase.CONFIRM):
            return
        if self._attempt is not None:
            self._attempt.cancel()
        self._found = None
        self._show(Front())

    def _start_join(self) -> None:
        if self._found is None or not self._move(Phase.JOINING):
            return
        (joined, key), self._found = self._found, None
        permissions = self._office.permissions(joined) if self._office else None
        self._visit = self._visit_of(joined, key, permissions)
        self._attempt = self._tasks.start("join", self._enter(self._visit))

    def _visit_of(self, joined: Joined, key: DeviceKey, permissions: Permissions | None) -> Visit:
        return Visit(
            joined,
            key,
            language=self._language,
            parts=self._parts,
            audience=self,
            permissions=permissions,
        )

    async def _let_in(self, office: unattended.Office, call: Call, answer: unattended.Answer) -> None:
        """Say yes to a call and join its session, without anybody here."""
        key = DeviceKey.generate()
        try:
            await answer()
            joined = await self._look_up(call.code, key.agent_key)
            visit = self._visit_of(joined, key, office.admit(call, joined, key))
        except BeistandError as error:
            log.warning("call came to nothing", extra={"session": call.session_id, "code": error.code})
            key.destroy()
            self._show(Front())
            return
        office.began(joined, technician=call.technician_name, reason=call.reason)
        self._visit = visit
        await self._enter(visit)

    async def _enter(self, visit: Visit) -> None:
        try:
            await visit.enter()
        except BeistandError as error:
            self._visit = None
            self._visit_over(visit)
            # Nobody here did anything that could have failed.
            self._show(Front(problem="" if visit.admission else error.code))
            return
        if visit.guard.standing is not Standing.OVER:
            self._move(Phase.SESSION)
        self._follow()

    def _end(self, by: Party, cause: Cause | None) -> None:
        visit = self._visit
        joining = self._front.phase is Phase.JOINING
        if visit is None or not self._move(Phase.ENDED, ended_by=by, ended_cause=cause):
            return
        if joining and self._attempt is not None:
            self._attempt.cancel()
        visit.follow()
        self._visit_over(visit)
        task = self._tasks.start("leave", self._leave(visit, visit.receipt_request()))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _visit_over(self, visit: Visit) -> None:
        if self._office is not None and visit.admission is not None:
            self._office.over(visit.session_id, used=self._front.used)

    async def _leave(self, visit: Visit, wanted: ReceiptWanted) -> None:
        """Deliver the end and be gone; then fetch the proof, while the person has long seen the end."""

        def kept(path: Path) -> None:
            if self._visit is visit and self._front.phase is Phase.ENDED:
                self._show(self._front.received(str(path)))
            if self._office is not None and visit.admission is not None:
                self._office.received(visit.session_id, str(path))

        await visit.leave(patience=DELIVER_END_S)
        if self._receipts is not None and visit.notebook.has_begun:
            await collect(self._receipts, visit.notebook, wanted, kept=kept)

    def _start_over(self) -> None:
        if self._front.phase is Phase.ENDED:
            self._visit = None
            self._show(Front())

    def _say(self, text: str) -> None:
        visit = self._visit
        if visit is None or self._front.phase not in (Phase.SESSION, Phase.RECONNECTING) or not text.strip():
            return
        try:
            if len(text) > MAX_CHAT:
                raise TooLarge
            line = ChatUp(id=ids.id_from(secrets.token_bytes(16)), text=text)
            visit.say(line)
        except BeistandError as error:
            self.refused(error)
            return
        entry = ChatEntry(line.id, Party.CUSTOMER, "", text, datetime.now(UTC), delivered=False)
        self._show(self._front.chatted(entry))

    def _failed(self, name: str, error: BaseException) -> None:
        """A task of the engine broke: whatever it was, nothing may go on."""
        log.error("task failed", extra={"task": name}, exc_info=error)
        if name == LEFTOVERS:
            return  # of another session: what cannot be handed over now may be at the next start
        self._tell(e.ConfirmedEnd(Cause.AGENT_LOST))
        self._parts.gate.close_all()
        if self._visit is None:
            self._show(Front(problem=BeistandError.code))
            return
        self._end(Party.SYSTEM, Cause.AGENT_LOST)

    # --- the thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._main())
        finally:
            self._parts.gate.close_all()
            self._closed.set()

    async def _main(self) -> None:
        log.info("engine started")
        if self._parts.kept is not None and self._parts.post is not None:
            self._tasks.start(LEFTOVERS, hand_over(self._parts.kept, self._parts.post))
        if self._office is not None:
            self._office.open(self)
        await self._closing.wait()
        self._end(Party.CUSTOMER, Cause.AGENT_CLOSED)
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=DELIVER_AT_CLOSE_S)
        await self._tasks.close()
        if self._office is not None:
            await self._office.close()
        self._parts.injector.release_all()
        self._parts.media.close()
        if self._parts.kept is not None:
            self._parts.kept.close()
        log.info("engine stopped")
