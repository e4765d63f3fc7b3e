"""A person at the agent without windows: sees views, acts as if clicking; and named fakes of the machine."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from nats.aio.client import Client

from agent.engine import join, link
from agent.engine.engine import Engine
from agent.engine.gate import Gate
from agent.engine.ports import Publish
from agent.engine.receipts import GatewayReceipts, Receipts
from agent.engine.records_post import Post
from agent.engine.visit import Parts
from agent.port import Answer, Question, View
from agent.unattended.office import Office
from beistand.bus import rpc
from beistand.health import problem, serve_http
from beistand.protocol import subjects
from beistand.protocol.errors import BeistandError
from beistand.protocol.messages import (
    Input,
    InputText,
    Join,
    Joined,
    MediaDown,
    MonitorSize,
    Receipt,
    ReceiptWanted,
)

PATIENCE_S = 15.0
KEEP_S = 0.5
"""Between two proofs that the indicator is on screen."""


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a question asked again and again is answered with yes."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110  (what is asked lies in another process or thread)
            await asyncio.sleep(0.02)


class FakeInjector:
    """Writes down what would have been pressed."""

    def __init__(self) -> None:
        self.events: list[Input] = []
        self.releases = 0

    @property
    def typed(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, InputText))

    def settle(self, event: Input) -> None:
        pass

    def inject(self, event: Input, grant_id: str) -> None:  # noqa: ARG002
        self.events.append(event)

    def release_all(self) -> None:
        self.releases += 1

    def own_window(self, window: int) -> None:
        pass


class FakeMedia:
    """Streams nothing by itself; a test publishes through what `start` was given."""

    def __init__(self) -> None:
        self.streams: dict[str, Publish] = {}
        self.started: list[str] = []
        self.credits: list[MediaDown] = []
        self.is_closed = False
        self.is_prepared = False

    def prepare(self) -> None:
        self.is_prepared = True

    def start(self, grant_id: str, publish: Publish) -> None:
        self.started.append(grant_id)
        self.streams[grant_id] = publish

    def monitors(self) -> tuple[MonitorSize, ...]:
        """Nobody chooses here."""
        return ()

    def credit(self, message: MediaDown) -> None:
        self.credits.append(message)

    def stop(self, grant_id: str) -> None:
        self.streams.pop(grant_id, None)

    def close(self) -> None:
        self.streams.clear()
        self.is_closed = True


@dataclass
class Person:
    """Sits before an engine. Proves the indicator visible as long as it is wanted, as the windows do."""

    engine: Engine
    gate: Gate
    media: FakeMedia
    injector: FakeInjector
    shows_indicator: bool = True
    view: View = field(default_factory=View)
    seen: list[View] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def watch(self) -> None:
        loop = asyncio.get_running_loop()

        def deliver(view: View) -> None:
            if view.indicator_wanted != self.view.indicator_wanted and self.shows_indicator:
                self.engine.indicator_shown(visible=view.indicator_wanted)
            self.view = view
            self.seen.append(view)
            asyncio.run_coroutine_threadsafe(self._tell(), loop)

        self.engine.subscribe(deliver)

    async def renew_proof(self) -> None:
        """Prove the indicator again and again, until cancelled."""
        while True:
            await asyncio.sleep(KEEP_S)
            if self.view.indicator_wanted and self.shows_indicator:
                self.engine.indicator_shown(visible=True)

    async def sees(self, what: Callable[[View], bool]) -> View:
        """Wait until the windows would show this."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(lambda: what(self.view))
            return self.view

    async def question(self) -> Question:
        return (await self.sees(lambda view: bool(view.questions))).questions[0]

    async def joins(self, code: str) -> None:
        self.engine.look_up(code)
        await self.sees(lambda view: view.phase == "confirm")
        self.engine.join()
        await self.sees(lambda view: view.phase == "session")

    def says(self, question: Question, answer: Answer) -> None:
        self.engine.answer(question.request_id, answer, text="May Tina see the screen?", language="en")

    async def allows(self) -> str:
        """Allow the question on screen; its grant, once live."""
        question = await self.question()
        self.says(question, Answer.ALLOW)
        await self.sees(lambda view: question.request_id in {access.grant_id for access in view.accesses})
        return question.request_id

    async def types(self, text: str) -> None:
        """Wait until this much was typed into the machine, whatever it was."""

        async def is_typed() -> bool:
            return len(self.injector.typed) >= len(text)

        await until(is_typed)

    async def injects(self, count: int) -> None:
        """Wait until so many events reached the machine."""

        async def is_so() -> bool:
            return len(self.injector.events) >= count

        await until(is_so)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def person_at(
    look_up: Callable[..., object],
    dial: link.Dial = link.dial,
    *,
    receipts: Receipts | None = None,
    post: Post | None = None,
    injector: FakeInjector | None = None,
    office: Office | None = None,
) -> AsyncIterator[Person]:
    """An engine with fakes for the machine, and a person before it; closed at the end."""
    gate, media, injector = Gate(), FakeMedia(), injector or FakeInjector()
    gate.on_close(lambda _: injector.release_all())
    parts = Parts(gate=gate, media=media, injector=injector, dial=dial, clock=time.monotonic, post=post)
    engine = Engine(look_up=look_up, parts=parts, receipts=receipts, office=office)  # type: ignore[arg-type]
    person = Person(engine, gate, media, injector)
    engine.start()
    person.watch()
    proving = asyncio.create_task(person.renew_proof())
    try:
        yield person
    finally:
        proving.cancel()
        engine.close()
        closed = await asyncio.to_thread(engine.wait_closed, PATIENCE_S)
    if not closed:
        raise TimeoutError("The engine does not stop.")


@asynccontextmanager
async def person_by_http(services: Client, *, receipts: Path | None = None) -> AsyncIterator[Person]:
    """A person whose agent joins over HTTP, as the gateway would have it, with its `receipts` there."""
    app = FastAPI()

    @app.post("/v1/join", response_model=None)
    async def joined(body: Join) -> Joined | JSONResponse:
        try:
            return await rpc.call(services, subjects.Service.SESSION_JOIN, body, Joined)
        except BeistandError as error:
            return problem(error)

    @app.post("/v1/receipts", response_model=None)
    async def handed_over(body: ReceiptWanted) -> Receipt | JSONResponse:
        try:
            return await rpc.call(services, subjects.Service.CONSENT_HAND_OVER, body, Receipt)
        except BeistandError as error:
            return problem(error)

    async with serve_http(app, host="127.0.0.1", port=0) as port:

        async def look_up(code: str, agent_key: str) -> Joined:
            return await join.look_up(f"http://127.0.0.1:{port}", code, agent_key)

        kept = GatewayReceipts(f"http://127.0.0.1:{port}", receipts) if receipts else None
        async with person_at(look_up, receipts=kept) as person:
            yield person
