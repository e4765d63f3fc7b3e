"""A technician at the REST interface of a running stack, and sessions with a real engine at the other end."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from agent.engine import join, link, records_post
from agent.engine.key import DeviceKey
from agent.engine.receipts import GatewayReceipts
from beistand.cli.stack import Stack
from beistand.protocol import frames
from beistand.protocol.frames import Codec, Header
from beistand.protocol.messages import Joined, Receipt
from tests.support.person import Person, person_at
from tests.support.plant import eventually
from tests.support.viewer import ViewerClient


@dataclass(frozen=True)
class Helpdesk:
    """A signed-in technician."""

    http: httpx.AsyncClient

    async def opens_session(self) -> tuple[str, str]:
        """A new session: its id and code."""
        created = await self._post("/v1/sessions")
        return created["id"], created["code"]

    async def asks(self, sid: str, capability: str = "view") -> str:
        """Put a question to the customer; its id."""
        body = {"capability": capability, "reason": "printer"}
        return str((await self._post(f"/v1/sessions/{sid}/requests", json=body))["id"])

    async def ticket(self, sid: str) -> str:
        """For one viewer socket at any relay."""
        return str((await self._post(f"/v1/sessions/{sid}/tickets", json={"audience": "relay"}))["ticket"])

    async def ends(self, sid: str) -> None:
        await self._post(f"/v1/sessions/{sid}/end")

    async def session(self, sid: str) -> dict[str, Any]:
        answer = await self.http.get(f"/v1/sessions/{sid}")
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    async def request(self, sid: str, request_id: str) -> dict[str, Any]:
        """A request or grant as the store has it."""
        answer = await self.http.get(f"/v1/sessions/{sid}/requests")
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return next(item for item in items if item["id"] == request_id)

    async def sees_request(self, sid: str, request_id: str, state: str) -> dict[str, Any]:
        """Wait until the store has the request in this state, however long the services are away."""

        async def is_so() -> bool:
            try:
                return bool((await self.request(sid, request_id))["state"] == state)
            except httpx.HTTPError:
                return False

        await eventually(is_so)
        return await self.request(sid, request_id)

    async def receipt(self, sid: str, *, kinds: int) -> Receipt:
        """The proof of an ended session, once it has so many records."""

        async def is_whole() -> bool:
            answer = await self.http.get(f"/v1/sessions/{sid}/receipt")
            return answer.is_success and len(answer.json()["records"]) >= kinds

        await eventually(is_whole)
        answer = await self.http.get(f"/v1/sessions/{sid}/receipt")
        return Receipt.model_validate_json(answer.content)

    async def _post(self, path: str, **options: Any) -> dict[str, Any]:
        answer = await self.http.post(path, **options)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


@asynccontextmanager
async def helpdesk(stack: Stack) -> AsyncIterator[Helpdesk]:
    """The stack's own technician, signed in."""
    async with httpx.AsyncClient(base_url=stack.gateway_url, timeout=20) as http:
        body = {"username": stack.user, "password": stack.password}
        token = (await http.post("/v1/auth/token", json=body)).raise_for_status().json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield Helpdesk(http)


def viewer_at(stack: Stack, *, port: int | None = None) -> ViewerClient:
    """A browser's socket to the stack's relay, or another one by its port."""
    return ViewerClient(port or urlsplit(stack.relay_url).port or 0, origin=stack.gateway_url)


@dataclass
class Visited:
    """One session: a technician, a person at a real engine, and the sockets a browser would have."""

    stack: Stack
    desk: Helpdesk
    person: Person
    sid: str
    exits: AsyncExitStack
    seq: int = 0

    async def allow(self, capability: str = "view") -> str:
        """The technician asks, the person allows; the grant, live."""
        await self.desk.asks(self.sid, capability)
        return await self.person.allows()

    async def watch(self, *, port: int | None = None) -> ViewerClient:
        """A viewer that was let in, with a ticket of its own, at the stack's relay or another one."""
        viewer = await self.exits.enter_async_context(self.viewer(port=port))
        await viewer.hello(await self.desk.ticket(self.sid))
        await viewer.until("relay.ready")
        return viewer

    def viewer(self, *, port: int | None = None) -> ViewerClient:
        """A viewer at the stack's relay or another one, not let in yet."""
        return viewer_at(self.stack, port=port)

    def frame(self, grant_id: str, *, key: bool = True) -> int:
        """The device makes its next picture; whether it leaves is the engine's affair."""
        self.seq += 1
        header = Header(Codec.H264, key, True, 0, self.seq, self.seq, 640, 480, 0)
        publish = self.person.media.streams.get(grant_id)
        for chunk in frames.chunks(header, bytes(1000)) if publish else ():
            publish(chunk)  # type: ignore[misc]
        return self.seq


@asynccontextmanager
async def visited(
    stack: Stack, desk: Helpdesk, folder: Path, *, over: str = "", has_second_way: bool = True
) -> AsyncIterator[Visited]:
    """A session with its customer in it. `over`: the NATS address the device uses instead of the real one."""

    async def dial(joined: Joined, key: DeviceKey, ears: link.Ears) -> link.Link:
        urls = (over,) if over else joined.nats_urls
        return await link.dial(joined.model_copy(update={"nats_urls": urls}), key, ears)

    gateway = stack.gateway_url
    post = partial(records_post.post, gateway) if has_second_way else None
    receipts = GatewayReceipts(gateway, folder / "receipts")
    sid, code = await desk.opens_session()
    async with (
        AsyncExitStack() as exits,
        person_at(partial(join.look_up, gateway), dial, receipts=receipts, post=post) as person,
    ):
        await person.joins(code)
        yield Visited(stack, desk, person, sid, exits)
