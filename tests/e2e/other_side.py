"""The other side of a console, played by a test: gateway, relay and customer as far as a browser can tell.

For what the page itself must do, move by move. The real services take part in the other end-to-end tests.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, WebSocket
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocketDisconnect

from beistand.health import serve_http
from beistand.protocol import frames
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError, NoGrant, Unauthenticated
from beistand.protocol.ids import id_from
from beistand.protocol.messages import (
    ChatLine,
    CloudEvent,
    EventsEvent,
    EventsHello,
    EventsSnapshot,
    FromViewer,
    Message,
    Party,
    PauseView,
    RelayControl,
    RelayPaused,
    RelayReady,
    RelayStopped,
    RequestState,
    RequestView,
    SessionState,
    SessionView,
    ViewerHello,
    encode,
    parse,
    parse_from_viewer,
)
from beistand.protocol.records import Cause
from demo.waiting import until
from services.gateway.access import Door
from services.gateway.pages import pages, security_headers

CODE = "042137958"
CONSOLE = Path(__file__).parents[2] / "console" / "dist"


def new_id() -> str:
    return id_from(secrets.token_bytes(16))


@dataclass
class OtherSide:
    """One session as the console sees it, and everything the console says."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    url: str = ""
    refusal: BeistandError | None = None
    """Answer the next request of the REST interface with this."""
    session: SessionView | None = None
    requests: dict[str, RequestView] = field(default_factory=dict)
    chat: list[ChatLine] = field(default_factory=list)
    past: list[SessionView] = field(default_factory=list)
    tickets: set[str] = field(default_factory=set)
    """Those not shown yet."""
    issued: list[str] = field(default_factory=list)
    events: list[WebSocket] = field(default_factory=list)
    viewers: list[WebSocket] = field(default_factory=list)
    said: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    """What viewers said, parsed by the contract, in order."""
    transcript: list[Any] = field(default_factory=list)
    """The same, and nothing is ever taken out."""
    paths: list[str] = field(default_factory=list)
    """Every path and query that was asked for."""
    seq: int = 0

    @property
    def current(self) -> SessionView:
        if self.session is None:
            raise AssertionError("no session was created")
        return self.session

    @property
    def relay_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/relay"

    def newest(self, capability: Capability) -> RequestView:
        return [request for request in self.requests.values() if request.capability == capability][-1]

    # --- what the customer does ---------------------------------------------------------------------

    async def joins(self) -> None:
        await self._turn(state=SessionState.ACTIVE, joined_at=self.now)

    async def is_lost(self) -> None:
        await self._turn(state=SessionState.SUSPENDED)

    async def ends(self, by: Party = Party.CUSTOMER, cause: Cause = Cause.END_SESSION) -> None:
        await self._turn(state=SessionState.ENDED, ended_at=self.now, ended_by=by, cause=cause)

    async def expires(self) -> None:
        await self._turn(state=SessionState.EXPIRED)

    async def allows(self, capability: Capability, *, minutes: int = 60) -> RequestView:
        until = self.now + timedelta(minutes=minutes)
        return await self.settles(capability, RequestState.LIVE, expires_at=until)

    async def stops(
        self, capability: Capability, by: Party = Party.CUSTOMER, cause: Cause | None = None
    ) -> None:
        what = cause or (Cause.STOP_SHARING if capability is Capability.VIEW else Cause.STOP_CONTROL)
        await self.settles(capability, RequestState.REVOKED, closed_by=by, cause=what)

    async def settles(self, capability: Capability, state: RequestState, **more: Any) -> RequestView:
        request = self.newest(capability)
        closed = {} if state is RequestState.LIVE else {"closed_at": self.now}
        changed = request.model_copy(update={"state": state, **closed, **more})
        self.requests[request.id] = changed
        await self.tells("beistand.request.v1", changed)
        return changed

    async def pauses(self, *, paused: bool) -> None:
        await self.tells("beistand.pause.v1", PauseView(session_id=self.current.id, paused=paused))

    async def writes(self, text: str) -> None:
        await self.adds_line("Kundin", Party.CUSTOMER, text)

    async def adds_line(self, author: str, party: Party, text: str) -> ChatLine:
        line = ChatLine(
            id=new_id(), session_id=self.current.id, author=author, party=party, text=text, sent_at=self.now
        )
        self.chat.append(line)
        await self.tells("beistand.chat.v1", line)
        return line

    async def _turn(self, **changes: Any) -> None:
        self.session = self.current.model_copy(update=changes)
        await self.tells("beistand.session.v1", self.session)

    # --- what services send -------------------------------------------------------------------------

    async def tells(self, kind: Any, data: Any) -> None:
        """A domain event, to every event socket."""
        self.now += timedelta(seconds=1)
        event = CloudEvent(
            id=new_id(), source="/test", type=kind, subject=self.current.id, time=self.now, data=data
        )
        for ws in self.events:
            await ws.send_text(encode(EventsEvent(event=event)).decode())

    async def relays(self, message: Message) -> None:
        """A message of the relay, to the newest viewer."""
        await self.viewers[-1].send_text(encode(message).decode())

    async def admits(self) -> None:
        """What a relay says first."""
        grant = self.newest(Capability.VIEW)
        await self.relays(RelayReady(grant_id=grant.id, expires_at=grant.expires_at or self.now))
        await self.relays(RelayControl(live=False))

    async def shows(
        self,
        payload: bytes,
        width: int,
        height: int,
        *,
        key: bool,
        codec: frames.Codec = frames.Codec.H264,
        monitor: int = 0,
        area: frames.Area | None = None,
    ) -> int:
        """One encoded frame, to the newest viewer; its sequence number."""
        self.seq += 1
        at = self.seq * 33_000
        header = frames.Header(codec, key, True, monitor, self.seq, at, width, height, 0, area)
        for chunk in frames.chunks(header, payload):
            await self.viewers[-1].send_bytes(chunk)
        return self.seq

    async def hold(self, *, paused: bool) -> None:
        await self.relays(RelayPaused(paused=paused))

    async def cuts(self, *, by: Party = Party.CUSTOMER, cause: Cause = Cause.STOP_SHARING) -> None:
        """The relay closes the picture for good."""
        await self.relays(RelayStopped(code=NoGrant.code, by=by, cause=cause))
        await self.viewers[-1].close(NoGrant().close_code)

    async def fetches_tickets(self, count: int) -> None:
        """Wait until the console has been given so many tickets in all."""
        await until(f"{count} tickets", lambda: len(self.issued) >= count)

    async def hears(self, *kinds: str) -> Any:
        """The next message of one of these types from a viewer; others before it are skipped."""
        async with asyncio.timeout(30):
            while True:
                message = await self.said.get()
                if message.type in kinds:
                    return message


def _answer(message: Message, status: int = 200) -> Response:
    return Response(encode(message), status_code=status, media_type="application/json")


def _problem(error: BeistandError) -> Response:
    body = {"type": f"urn:beistand:error:{error.code}", "title": error.title, "status": error.status}
    return JSONResponse({**body, "detail": error.detail, "code": error.code}, error.status)


@dataclass(frozen=True)
class Rest:
    """The REST interface, one method per operation. There is one session: its id in a path says nothing."""

    side: OtherSide

    async def sign_in(self, request: Request) -> Response:
        body = await request.json()
        if body["password"] != "right":
            return _problem(Unauthenticated())
        return JSONResponse({"access_token": "a-bearer", "token_type": "bearer", "expires_in": 3600})

    async def sessions(self) -> Response:
        current = [self.side.session] if self.side.session else []
        return JSONResponse({"items": [json.loads(encode(item)) for item in [*current, *self.side.past]]})

    async def create(self) -> Response:
        side = self.side
        side.session = SessionView(
            id=new_id(),
            state=SessionState.WAITING,
            technician_id="technician-0123456789A",
            technician_name="Mira Sommer",
            organisation_name="Beistand Demo",
            created_at=side.now,
            waiting_until=side.now + timedelta(minutes=10),
        )
        more = {"code": CODE, "join_url": f"{side.url}/join#{CODE}"}
        return JSONResponse({**json.loads(encode(side.session)), **more}, 201)

    async def end(self) -> Response:
        await self.side.ends(Party.TECHNICIAN, Cause.TECHNICIAN)
        return _answer(self.side.current)

    async def ask(self, request: Request) -> Response:
        body, side = await request.json(), self.side
        asked = RequestView(
            id=new_id(),
            session_id=side.current.id,
            technician_id=side.current.technician_id,
            technician_name=side.current.technician_name,
            capability=body["capability"],
            reason=body["reason"],
            state=RequestState.ASKED,
            asked_at=side.now,
            answer_until=side.now + timedelta(seconds=60),
        )
        side.requests[asked.id] = asked
        await side.tells("beistand.request.v1", asked)
        return _answer(asked, 201)

    async def withdraw(self, request_id: str) -> Response:
        known = self.side.requests[request_id]
        state = RequestState.WITHDRAWN if known.state is RequestState.ASKED else RequestState.REVOKED
        by = {"closed_by": Party.TECHNICIAN, "cause": Cause.TECHNICIAN}
        return _answer(await self.side.settles(known.capability, state, **by))

    async def say(self, request: Request) -> Response:
        body, name = await request.json(), self.side.current.technician_name
        return _answer(await self.side.adds_line(name, Party.TECHNICIAN, body["text"]), 201)

    async def ticket(self, request: Request) -> Response:
        body, issued = await request.json(), secrets.token_urlsafe(32)
        self.side.tickets.add(issued)
        self.side.issued.append(issued)
        return JSONResponse(
            {"ticket": issued, "relay_url": self.side.relay_url, "audience": body["audience"]}, 201
        )

    def router(self) -> APIRouter:
        router, session = APIRouter(prefix="/v1"), "/sessions/{session_id}"
        router.add_api_route("/auth/token", self.sign_in, methods=["POST"])
        router.add_api_route("/sessions", self.sessions, methods=["GET"])
        router.add_api_route("/sessions", self.create, methods=["POST"])
        router.add_api_route(f"{session}/end", self.end, methods=["POST"])
        router.add_api_route(f"{session}/requests", self.ask, methods=["POST"])
        router.add_api_route(f"{session}/requests/{{request_id}}", self.withdraw, methods=["DELETE"])
        router.add_api_route(f"{session}/chat", self.say, methods=["POST"])
        router.add_api_route(f"{session}/tickets", self.ticket, methods=["POST"])
        return router


@dataclass(frozen=True)
class Sockets:
    """The two WebSockets, as a console meets them: a ticket first, good for once."""

    side: OtherSide

    async def events(self, ws: WebSocket) -> None:
        side = self.side
        await ws.accept()
        side.tickets.remove(parse(EventsHello, await ws.receive_text()).ticket)
        snapshot = EventsSnapshot(
            session=side.current, requests=tuple(side.requests.values()), chat=tuple(side.chat)
        )
        await ws.send_text(encode(snapshot).decode())
        side.events.append(ws)
        try:
            await ws.receive_text()
        except WebSocketDisconnect:
            side.events.remove(ws)

    async def relay(self, ws: WebSocket) -> None:
        await ws.accept()
        try:
            while True:
                await self._heard(ws, parse_from_viewer(await ws.receive_text()))
        except WebSocketDisconnect:
            return

    async def _heard(self, ws: WebSocket, message: FromViewer) -> None:
        if isinstance(message, ViewerHello):
            self.side.tickets.remove(message.ticket)
            self.side.viewers.append(ws)
        self.side.transcript.append(message)
        await self.side.said.put(message)

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_websocket_route("/v1/sessions/{session_id}/events", self.events)
        router.add_api_websocket_route("/relay", self.relay)
        return router


@dataclass(frozen=True)
class Around:
    """Before and after every request: notes the path, refuses if told to, adds the gateway's own headers."""

    side: OtherSide

    async def __call__(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        self.side.paths.append(f"{request.url.path}?{request.url.query}")
        if request.url.path.startswith("/v1") and self.side.refusal is not None:
            refusal, self.side.refusal = self.side.refusal, None
            return _problem(refusal)
        response = await call_next(request)
        door = Door(self.side.url, self.side.relay_url, "Beistand Demo", frozenset())
        response.headers.update(security_headers(door))
        return response


@asynccontextmanager
async def other_side() -> AsyncIterator[OtherSide]:
    """Serves the built console with the gateway's own security headers, on a free port."""
    side, app = OtherSide(), FastAPI()
    app.add_middleware(BaseHTTPMiddleware, dispatch=Around(side))
    app.include_router(Rest(side).router())
    app.include_router(Sockets(side).router())
    app.include_router(pages(CONSOLE))
    async with serve_http(app, host="127.0.0.1", port=0) as port:
        side.url = f"http://localhost:{port}"
        yield side
