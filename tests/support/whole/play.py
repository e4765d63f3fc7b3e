"""Real processes on real roads, a person at a real engine, two technicians: what a long run plays with.

What reaches a viewer or the desktop is held against the same oracle as in the model, by the real clock.
"""

import asyncio
import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from agent.engine import join, records_post
from agent.port import Answer, Phase
from beistand.bus.connection import connect
from beistand.bus.permissions import Bucket
from beistand.bus.settings import SERVICES, BusSettings, ServiceName
from beistand.bus.store import Store
from beistand.cli.stack import Stack, StackSettings, choose_ports
from beistand.conformance.case import Broken
from beistand.protocol import frames
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError
from beistand.protocol.messages import Input, InputKey, TicketEntry
from services.relay.domain import LEASE_S
from tests.support.core_services import Technician
from tests.support.person import FakeInjector, Person, person_at
from tests.support.plant import Plant
from tests.support.proxy import Road, road_to
from tests.support.viewer import ViewerClient
from tests.support.whole.oracle import NEVER, Oracle, Yes
from tests.support.whole.relay import picture

SLACK_S = 3.0
"""What busy cores may take longer than the lease."""
BOUND_S = LEASE_S + SLACK_S
GRANT_LASTS_S = 60
TROUBLES = (BeistandError, Broken, TimeoutError, OSError, ConnectionClosed, InvalidHandshake)
"""What may fail while parts are down."""


class Browser(ViewerClient):
    """A technician's browser; every frame is judged as it comes."""

    def __init__(
        self, port: int, technician_id: str, judge: Callable[["Browser", int], None], *, origin: str
    ) -> None:
        super().__init__(port, origin=origin)
        self.technician_id = technician_id
        self.grant_id = ""
        self._judge = judge

    @property
    def is_open(self) -> bool:
        return not self._reader.done()

    async def enter(self, ticket: str) -> bool:
        """Show the ticket; whether it was let in."""
        await self.hello(ticket)
        with suppress(Broken):
            self.grant_id = (await self.until("relay.ready"))["grant_id"]
        return bool(self.grant_id)

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self._socket:
                if isinstance(message, bytes):
                    self._judge(self, frames.parse(message).seq)
                    continue
                self.got.append(json.loads(message))
                await self._tell()
        self._is_over = True
        await self._tell()


class Desktop(FakeInjector):
    """Judges every key in the engine's input thread, with the gate held open."""

    judge: Callable[[str], None]

    def inject(self, event: Input, grant_id: str) -> None:  # noqa: ARG002
        self.judge(grant_id)


@dataclass
class Play:
    """Everything on the stage, and what was seen of it."""

    plant: Plant
    relay_port: int
    device_road: Road
    relay_road: Road
    technicians: tuple[Technician, Technician]
    tickets: Store[TicketEntry]
    person: Person
    oracle: Oracle = field(default_factory=Oracle)
    sid: str = ""
    browsers: list[Browser] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    frames: dict[int, str] = field(default_factory=dict)
    """Grant by number, of every frame the device's gate let pass."""
    used_ticket: str = ""

    # --- the person ---------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """A new session, joined."""
        created = await self.technicians[0].create()
        if self.person.view.phase == Phase.ENDED:
            self.person.engine.start_over()
        await self.person.sees(lambda view: view.phase == Phase.CODE)
        await self.person.joins(created.code)
        self.sid = created.session.id
        self.oracle.bar_until = float("inf")  # proven twice a second; when it is not, `bar_lost` says so
        self.seen["session"] += 1

    async def abandon(self) -> None:
        """Whatever got stuck half-way: the person gives up, and all is as before the code."""
        await self.dismiss()
        engine = self.person.engine
        self.oracle.over(self.sid, time.monotonic())
        if self.person.view.phase is Phase.CONFIRM:
            engine.decline()
        elif self.person.view.phase in (Phase.SESSION, Phase.RECONNECTING):
            engine.confirm_end()
        with suppress(TimeoutError):
            await self.person.sees(lambda view: view.phase in (Phase.CODE, Phase.ENDED))

    def answer(self, answer: Answer) -> None:
        """The question on screen."""
        if not self.person.view.questions:
            return
        question = self.person.view.questions[0]
        if answer is Answer.ALLOW and time.monotonic() < question.deadline:
            technician = next(each for each in self.technicians if each.name == question.technician)
            over_at = time.monotonic() + GRANT_LASTS_S
            yes = Yes(self.sid, technician.technician_id, question.capability, over_at)
            self.oracle.allowed(question.request_id, yes, time.monotonic())
        self.person.says(question, answer)
        self.seen[f"answer {answer}"] += 1

    def act(self, what: str) -> None:
        """The person does something that stops; on the device it is done when the call returns."""
        engine, oracle = self.person.engine, self.oracle
        if what == "pause":
            engine.ask_end()
            oracle.paused(time.monotonic())
        elif what == "resume":
            oracle.resumed()
            engine.cancel_end()
        elif what == "bar lost":
            engine.indicator_shown(visible=False)
            oracle.bar_lost(time.monotonic())
            oracle.bar_until = float("inf")
        elif what == "stop control":
            engine.stop_control()
            oracle.stopped(time.monotonic(), Capability.CONTROL)
        elif what == "stop":
            engine.stop_sharing()
            oracle.stopped(time.monotonic())
        else:
            engine.confirm_end()
            oracle.over(self.sid, time.monotonic())
        self.seen[what] += 1

    # --- technicians --------------------------------------------------------------------------------------

    async def ask(self, technician: Technician, capability: Capability) -> None:
        await technician.ask(self.sid, capability)
        self.seen["asked"] += 1

    async def watch(self, technician: Technician) -> Browser | None:
        """Another browser with a ticket of its own; None if it was not let in."""
        self.used_ticket = await self._ticket(technician)
        browser = await self._opened(technician.technician_id)
        self.browsers.append(browser)
        if await browser.enter(self.used_ticket):
            self.seen["viewer let in"] += 1
            return browser
        self.seen["viewer refused"] += 1
        return None

    async def watch_with_used_ticket(self) -> None:
        browser = await self._opened("nobody")
        try:
            if await browser.enter(self.used_ticket):
                self.violations.append("a used ticket let somebody in")
            self.seen["used ticket refused"] += 1
        finally:
            await browser.__aexit__()

    async def _opened(self, technician_id: str) -> Browser:
        """A socket that is open; a relay that is down is bad luck, one that knows no console is not."""
        browser = Browser(
            self.relay_port, technician_id, self.judge_frame, origin=self.plant.stack.gateway_url
        )
        try:
            await browser.__aenter__()
        except InvalidStatus as refused:
            if refused.response.status_code in (401, 403):
                raise AssertionError("the relay does not take the console's origin") from None
            raise
        return browser

    async def press(self, browser: Browser) -> None:
        await browser.say(InputKey(key="a", code="KeyA", action="down"))

    async def dismiss(self) -> None:
        """Every browser is closed."""
        browsers, self.browsers = self.browsers, []
        for browser in browsers:
            await browser.__aexit__()

    async def _ticket(self, technician: Technician) -> str:
        """As the gateway issues it."""
        ticket = secrets.token_urlsafe(32)
        entry = TicketEntry(
            audience="relay",
            org=technician.org,
            sid=self.sid,
            technician_id=technician.technician_id,
            expires_at=datetime.now(UTC) + timedelta(minutes=1),
        )
        await self.tickets.create(hashlib.sha256(ticket.encode()).hexdigest(), entry)
        return ticket

    # --- what must hold -----------------------------------------------------------------------------------

    def capture(self) -> None:
        """A picture for every stream, if the device's gate lets it pass."""
        for grant_id, publish in tuple(self.person.media.streams.items()):
            with self.person.gate.capturing(grant_id) as allowed:
                if not allowed:
                    continue
                now = time.monotonic()
                if self._last(grant_id, Capability.VIEW) < now:
                    self.violations.append("a picture was taken without a yes")
                number = len(self.frames) + 1
                self.frames[number] = grant_id
                publish(picture(grant_id, seq=number, now=now))
                self.seen["picture taken"] += 1

    def judge_frame(self, browser: Browser, number: int) -> None:
        """A frame at a viewer."""
        grant_id, now = self.frames.get(number, ""), time.monotonic()
        yes = self.oracle.yeses.get(grant_id)
        self.seen["frame at a viewer"] += 1
        if yes is None or grant_id != browser.grant_id or yes.technician_id != browser.technician_id:
            self.violations.append("a frame of another grant")
        elif now - self._last(grant_id, Capability.VIEW) > BOUND_S:
            self.violations.append("a frame long after the stop")

    def judge_input(self, grant_id: str) -> None:
        """A key at the desktop; called in the engine's input thread."""
        yes, now = self.oracle.yeses.get(grant_id), time.monotonic()
        self.seen["input at the desktop"] += 1
        views = [id_ for id_, each in tuple(self.oracle.yeses.items()) if yes and _is_view_beside(each, yes)]
        has_view = any(self._last(view, Capability.VIEW) >= now for view in views)
        if self._last(grant_id, Capability.CONTROL) < now or not has_view:
            self.violations.append("input without a yes")

    def check(self) -> None:
        """Nobody watches on what is over, and nothing was seen that may not be."""
        for browser in self.browsers:
            is_stale = browser.grant_id and time.monotonic() - self._last(browser.grant_id) > BOUND_S
            if is_stale and browser.is_open and self.oracle.paused_at is None:
                self.violations.append("a viewer outlived its yes")
        assert not self.violations, (self.violations, self.seen)

    def _last(self, grant_id: str, capability: Capability | None = None) -> float:
        """When this was last allowed; up to this very moment, if it is now."""
        yes = self.oracle.yeses.get(grant_id)
        if yes is None:
            return NEVER
        return self.oracle.last_moment(
            grant_id,
            sid=self.sid,
            technician_id=yes.technician_id,
            capability=capability or yes.capability,
            now=time.monotonic(),
        )

    # --- bad luck -----------------------------------------------------------------------------------------

    async def crash(self, name: ServiceName) -> None:
        """SIGKILL, and a new process that is ready when this returns; the relay's is behind its road."""
        await self.plant.kill(name)
        changes = {"NATS_URL": self.relay_road.url} if name == "relay" else {}
        await self.plant.revive(name, **changes)
        self.seen[f"killed: {name}"] += 1

    async def crash_broker(self) -> None:
        async with self.plant.broker_away():
            self.seen["killed: broker"] += 1

    async def trouble_on(self, road: Road, *, frozen: bool, seconds: float) -> None:
        """The road breaks or freezes for a while; whoever watched before must be out before it is long."""
        before = [browser for browser in self.browsers if browser.is_open and browser.grant_id]
        road.freeze() if frozen else road.cut()
        if road is self.device_road and not frozen:
            self.oracle.gave_up(time.monotonic() + SLACK_S)
        await asyncio.sleep(seconds)
        if seconds > BOUND_S and any(browser.is_open for browser in before):
            self.violations.append("a viewer outlived the lease")
        self.seen["partition ended viewers"] += bool(before and seconds > BOUND_S)
        road.mend()
        whose = "device" if road is self.device_road else "relay"
        self.seen[f"{'frozen' if frozen else 'cut'}: {whose}"] += 1

    def memory(self) -> dict[tuple[ServiceName, int], int]:
        """Resident memory of each service's process now, in bytes, by name and process number."""
        processes = {name: self.plant.stack.processes[name] for name in SERVICES}
        running = {name: each.pid for name, each in processes.items() if each.returncode is None}
        return {(name, pid): size for name, pid in running.items() if (size := _resident(pid))}


def _is_view_beside(yes: Yes, control: Yes) -> bool:
    return yes.capability is Capability.VIEW and yes.technician_id == control.technician_id


def _resident(pid: int) -> int:
    """VmRSS of a process (proc(5))."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0  # gone meanwhile
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)


@asynccontextmanager
async def playing(state: Path) -> AsyncIterator[Play]:
    """The stack with the device's and the relay's ways to the broker on roads of ours."""
    settings = StackSettings.on_free_ports(state)
    broker = f"nats://127.0.0.1:{choose_ports(settings)['nats_port']}"
    async with road_to(broker) as device_road, road_to(broker) as relay_road:
        changes = {"nats_port": urlsplit(broker).port, "agent_nats_urls": device_road.url}
        async with Stack(settings.model_copy(update=changes)) as stack:
            bus = BusSettings(nats_url=broker, keys=stack.keys)
            services = await connect(bus, "gateway")
            try:
                async with _person(stack) as (person, desktop):
                    play = Play(
                        plant=Plant(stack),
                        relay_port=urlsplit(stack.relay_url).port or 0,
                        device_road=device_road,
                        relay_road=relay_road,
                        technicians=(
                            Technician(services, "beistand", name="Tina", sees_all=True),
                            Technician(services, "beistand", name="Bob", sees_all=True),
                        ),
                        tickets=await Store.open(services, Bucket.TICKETS, TicketEntry),
                        person=person,
                    )
                    desktop.judge = play.judge_input
                    await play.crash("relay")  # comes back behind its road
                    play.seen.clear()
                    yield play
            finally:
                await services.close()


@asynccontextmanager
async def _person(stack: Stack) -> AsyncIterator[tuple[Person, Desktop]]:
    desktop = Desktop()
    look_up, post = partial(join.look_up, stack.gateway_url), partial(records_post.post, stack.gateway_url)
    async with person_at(look_up, post=post, injector=desktop) as person:
        yield person, desktop
