"""The stage of one case: sessions, devices, technicians and viewers of a deployment, all gone afterwards."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from beistand.bus.connection import cancelled
from beistand.conformance.case import NotRun, refused, require, within
from beistand.conformance.device import Device, agent_key_of
from beistand.conformance.technician import Account, Technician, web
from beistand.conformance.viewer import Viewer
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError, NoGrant
from beistand.protocol.messages import (
    Joined,
    MediaDown,
    RequestState,
    ViewerShown,
)
from beistand.protocol.records import Ask, Decision
from beistand.protocol.subjects import Up

STREAM_EVERY_S = 0.005
"""Between two pictures of a device that streams: 200 a second."""


@dataclass(frozen=True)
class Deployment:
    """Where it is, and who may sign in there. `origin`: what the console's pages send as theirs."""

    gateway: str
    origin: str
    account: Account
    second: Account | None = None
    """Somebody else who may reach the first one's sessions (lead or admin)."""


@dataclass
class Visit:
    """One session with the customer's device in it."""

    sid: str
    code: str
    device: Device
    technician: Technician
    lease: asyncio.Task[None]

    async def asked(self, technician: Technician, capability: Capability) -> tuple[Ask, str]:
        """A question of this technician, as it arrived at the device."""
        await technician.ask(self.sid, capability)
        return await self.device.question()

    async def allowed(
        self, capability: Capability = Capability.VIEW, *, technician: Technician | None = None
    ) -> str:
        """Asked and allowed by the person; the grant, which the device keeps alive."""
        technician = technician or self.technician
        ask, ask_jws = await self.asked(technician, capability)
        entry = await self.device.answer(ask, ask_jws)
        require(entry and entry.expires_at, "a person's yes was taken, but not countersigned as a grant")
        self.device.leased.add(ask.request_id)
        return ask.request_id

    async def silence(self) -> None:
        """No lease any more."""
        await cancelled(self.lease)

    async def is_live(self, request_id: str) -> bool:
        """What the API says."""
        return await self.technician.state_of(self.sid, request_id) is RequestState.LIVE

    async def becomes(self, request_id: str, state: RequestState) -> None:
        """Wait until the API says so."""

        async def so() -> None:
            while await self.technician.state_of(self.sid, request_id) is not state:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

        await within(f"the API says that the request is {state}", so())


@dataclass
class Scene:
    """What a case gets. `figures`: what it counted, for the report."""

    deployment: Deployment
    technician: Technician
    resources: AsyncExitStack
    figures: dict[str, int] = field(default_factory=dict)

    async def second(self) -> Technician:
        """Another technician who may reach the session; NotRun without an account for one."""
        if self.deployment.second is None:
            raise NotRun("needs a second account that sees all sessions (--second-user)")
        return await self._technician(self.deployment.second)

    async def stranger(self, token: str = "") -> Technician:
        """Somebody with this bearer token, or none."""
        http = await self.resources.enter_async_context(web(self.deployment.gateway, token))
        return Technician(http)

    async def visit(self) -> Visit:
        """A new session with its customer in it."""
        sid, code = await self.technician.open_session()
        self.resources.push_async_callback(_ended, self.technician, sid)
        joined, seed = await self.join(code)
        device = await self.resources.enter_async_context(Device(joined, seed))
        await device.hello()
        return Visit(sid, code, device, self.technician, self.own(device.keep_lease()))

    async def join(self, code: str) -> tuple[Joined, bytes]:
        """What a device gets for a code, and the seed of the key it named. It has not connected yet."""
        seed = secrets.token_bytes(32)
        body = {"code": code, "agent_key": agent_key_of(seed)}
        answer = await (await self.stranger()).call("POST", "/v1/join", body)
        return Joined.model_validate(answer), seed

    async def viewer(self, url: str, *, origin: str | None = None) -> Viewer:
        """A socket at the relay, opened from the console; nothing said yet."""
        viewer = Viewer(url, origin=origin or self.deployment.origin)
        return await self.resources.enter_async_context(viewer)

    async def at_the_door(self, visit: Visit, technician: Technician | None = None) -> Viewer:
        """A viewer with a new ticket of this technician, just shown."""
        ticket, url = await (technician or self.technician).ticket(visit.sid)
        return await (await self.viewer(url)).hello(ticket)

    async def watching(self, visit: Visit, grant: str, technician: Technician | None = None) -> Viewer:
        """A viewer that was let in under this grant and has got a picture."""
        viewer = await self.at_the_door(visit, technician)
        await viewer.until("relay.ready", grant_id=grant)
        await self.sees(viewer, visit, grant)
        return viewer

    async def sees(self, viewer: Viewer, visit: Visit, grant: str) -> None:
        """The viewer gets the next picture of this grant."""
        await viewer.until_frame(await visit.device.show(grant))

    async def settled(self, viewer: Viewer, visit: Visit, grant: str) -> None:
        """All the viewer has said so far was handled, and what it caused has arrived at the device.

        Input and credit leave the relay in order, so the credit for a new picture comes after the input.
        """
        seq = await visit.device.show(grant)
        await viewer.until_frame(seq)
        await viewer.say(ViewerShown(seq=seq))
        while (await visit.device.next(MediaDown)).shown != seq:
            pass
        await visit.device.clients["control"].flush()

    async def shut_out(self, visit: Visit, technician: Technician | None = None) -> None:
        """With a ticket that is as good as any the technician gets no picture, for want of a grant."""
        viewer = await self.at_the_door(visit, technician)
        await closed(viewer, NoGrant)
        require(not viewer.texts("relay.ready"), "the relay let a viewer in")

    async def nothing_granted(self, visit: Visit, request_id: str) -> None:
        """No door knows of a grant: not the API, not the relay, whatever the device streams."""
        require(not await visit.is_live(request_id), "the API says that the access is live")
        await visit.device.lease(request_id)
        await visit.device.show(request_id)
        await self.shut_out(visit)

    async def refused_answer(self, visit: Visit, what: str, jws: str, *errors: type[BeistandError]) -> None:
        """A decision the services must refuse."""
        await refused(what, visit.device.send(Up.DECISION, "decision", jws), *errors)

    def forged_answer(
        self, visit: Visit, question: tuple[Ask, str], *, seed: bytes | None = None, **changes: Any
    ) -> str:
        """An answer that takes no place in the device's chain."""
        device = visit.device
        return device.forge(Decision, seed=seed, **device.answer_of(*question, **changes))

    @asynccontextmanager
    async def streaming(self, visit: Visit, grant: str) -> AsyncIterator[list[int]]:
        """The device streams without pause; the numbers of the pictures it sent so far."""
        sent: list[int] = []

        async def stream() -> None:
            while True:
                sent.append(await visit.device.show(grant))
                await asyncio.sleep(STREAM_EVERY_S)

        task = self.own(stream())
        try:
            yield sent
        finally:
            await cancelled(task)

    def own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run beside the case until it ends."""
        task = asyncio.get_running_loop().create_task(work, name="conformance")
        self.resources.push_async_callback(cancelled, task)
        return task

    async def _technician(self, account: Account) -> Technician:
        return await self.stranger(account.token)


async def closed(viewer: Viewer, *errors: type[BeistandError]) -> None:
    """The relay closes the viewer, for one of these reasons."""
    code = await within("the relay closes the viewer", viewer.close_code())
    expected = [4000 + error.status for error in errors]
    require(code in expected, f"the relay closed the viewer with {code}, not {expected}")


@asynccontextmanager
async def scene(deployment: Deployment) -> AsyncIterator[Scene]:
    """A stage for one case; every session it opened is ended, every connection closed."""
    async with AsyncExitStack() as resources:
        http = await resources.enter_async_context(web(deployment.gateway, deployment.account.token))
        yield Scene(deployment, Technician(http), resources)


async def _ended(technician: Technician, sid: str) -> None:
    with suppress(BeistandError):
        await technician.end(sid)
