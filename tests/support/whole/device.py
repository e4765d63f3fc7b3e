"""The customer's device without threads and sockets: its real desk, gate, guard, clerk and chain."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from agent.engine import event as e
from agent.engine.clerk import Clerk
from agent.engine.desk import Desk
from agent.engine.gate import Gate
from agent.engine.guard import Guard, Standing
from agent.engine.hearing import hear
from agent.engine.key import DeviceKey
from agent.engine.notebook import Notebook
from agent.engine.outbox import Answer, Outgoing
from agent.engine.refusals import Refusals
from agent.port import ChatEntry
from beistand.protocol.capabilities import require
from beistand.protocol.errors import BadSignature, BeistandError, Unavailable
from beistand.protocol.messages import Joined, Lease, MediaDown, Party, SignedUp, parse_input
from beistand.protocol.records import Cause
from beistand.protocol.subjects import POSTED, Up


class Ways(Protocol):
    """The device's ways out."""

    def request(
        self, verb: Up, message: SignedUp, answered: Callable[[Answer], None], *, second: bool
    ) -> None:
        """A record for the services and the relay."""

    def lease(self, lease: Lease) -> None:
        """What lives, for whoever listens."""


@dataclass(frozen=True)
class Typed:
    """Input that waits for the desktop."""

    grant_id: str
    turn: int
    sent_at: float


class PlainOutbox:
    """What `agent.engine.outbox` is to the clerk, without its pauses: it tries again when told to."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._waiting: list[Outgoing] = []
        self.is_welcome = True

    def post(self, outgoing: Outgoing) -> None:
        self._waiting.append(outgoing)
        self._try(outgoing)

    def again(self) -> None:
        for outgoing in tuple(self._waiting):
            self._try(outgoing)

    def _try(self, outgoing: Outgoing) -> None:
        answered = partial(self._answered, outgoing)
        if self.is_welcome or outgoing.verb in (Up.HELLO, Up.ENDED):
            self._ways.request(outgoing.verb, outgoing.message, answered, second=False)
        if not self.is_welcome and outgoing.verb in POSTED:
            self._ways.request(outgoing.verb, outgoing.message, answered, second=True)

    def _answered(self, outgoing: Outgoing, answer: Answer) -> None:
        is_unsettled = isinstance(answer, Unavailable) or (
            isinstance(answer, BadSignature) and self._waiting and self._waiting[0] is not outgoing
        )
        if outgoing in self._waiting and not is_unsettled:
            self._waiting.remove(outgoing)
            outgoing.answered(answer)


class Device:
    """One session on the customer's device; `gate` outlives it, as it does in the engine."""

    def __init__(
        self,
        joined: Joined,
        *,
        gate: Gate,
        ways: Ways,
        clock: Callable[[], float],
        over: Callable[[], None],
    ) -> None:
        self.sid = joined.session_id
        self.key = DeviceKey(key_seed())
        self.gate, self.clock = gate, clock
        self.desk = Desk(Guard(joined.org, self.sid, "en"), gate, clock=clock, changed=lambda: None)
        self.outbox = PlainOutbox(ways)
        notebook = Notebook(joined, self.key.agent_key)
        self.clerk = Clerk(
            joined,
            self.key,
            outbox=self.outbox,  # type: ignore[arg-type]
            tell=self.tell,
            over=self.end_elsewhere_unknown,
            notebook=notebook,
        )
        self.lease = Lease()
        self.refusals = Refusals()
        self.waiting: list[Typed] = []
        self.is_alive = True
        self._ways = ways
        self._over = over
        gate.resume()
        self.outbox.post(Outgoing(Up.HELLO, self.clerk.hello("en"), lambda _: None))

    @property
    def guard(self) -> Guard:
        return self.desk.guard

    @property
    def is_over(self) -> bool:
        return self.guard.standing is Standing.OVER or not self.is_alive

    def tell(self, event: e.Event) -> None:
        """An event, and all that follows of it."""
        if not self.is_alive:
            return
        self.desk.tell(event)
        for effect in self.desk.take():
            if not isinstance(effect, e.Tell):
                self.clerk.carry_out(effect)
        guard = self.guard
        lease = Lease(grant_ids=guard.live, paused=guard.standing is Standing.CONFIRMING)
        if lease != self.lease:
            self.lease = lease
            self.publish_lease()

    def publish_lease(self) -> None:
        if not self.is_over:
            self._ways.lease(self.lease)

    def crash(self) -> None:
        """The process is gone, and its key and gate with it."""
        self.is_alive = False
        self.gate.close_all()

    # --- the line ---------------------------------------------------------------------------------------

    def lost(self) -> None:
        if not self.is_over:
            self.outbox.is_welcome = False
            self.tell(e.Disconnected())

    def back(self) -> None:
        if not self.is_over:
            self.outbox.post(Outgoing(Up.HELLO, self.clerk.hello("en"), self._welcomed))

    def _welcomed(self, answer: Answer) -> None:
        if isinstance(answer, BeistandError):
            self.end_elsewhere_unknown()
            return
        self.outbox.is_welcome = True
        self.outbox.again()

    # --- hearing ----------------------------------------------------------------------------------------

    def down(self, verb: str, data: bytes) -> None:
        if not self.is_over:
            hear(self, verb, data, self.refusals)

    def question(self, jws: str) -> e.Asked:
        return self.clerk.question(jws)

    def chatted(self, entry: ChatEntry) -> None:
        pass

    def credit(self, message: MediaDown) -> None:
        require(message.type, self.guard.spendable(message.grant_id))

    def end_elsewhere(self, by: Party, cause: Cause | None) -> None:  # noqa: ARG002
        if not self.is_over:
            self.tell(e.EndedElsewhere())
            self._over()

    def end_elsewhere_unknown(self) -> None:
        self.end_elsewhere(Party.SYSTEM, None)

    # --- input ------------------------------------------------------------------------------------------

    def input(self, grant_id: str, data: bytes, *, sent_at: float) -> bool:
        """As `agent.engine.input_pump` takes it; whether it was let in to wait for the desktop."""
        turn = self.gate.turn()
        try:
            require(parse_input(data).type, self.guard.spendable(grant_id))
        except BeistandError:
            return False
        self.waiting.append(Typed(grant_id, turn, sent_at))
        return True

    def inject(self) -> list[Typed]:
        """What of the waiting input reaches the desktop now."""
        waiting, self.waiting = self.waiting, []
        injected = []
        for typed in waiting:
            with self.gate.injecting(typed.grant_id, turn=typed.turn) as allowed:
                injected += [typed] if allowed else []
        return injected


def key_seed() -> bytes:
    """The same key in every session: what tells sessions apart must not be the key."""
    return hashlib.sha256(b"device").digest()
