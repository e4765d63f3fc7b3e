"""The demo's second act: access while nobody sits there, allowed in advance, shown when used, taken back."""

import asyncio
import os
from dataclasses import dataclass

import httpx

from beistand.protocol.messages import DeviceList, DeviceView
from demo import proof
from demo.customer import Customer
from demo.narrator import Narrator
from demo.technician import Technician
from demo.waiting import until, until_told

REASON = "Das Update der Buchhaltung einspielen"


class BrokenPromiseError(Exception):
    """Somebody got in who must not, or did not who may."""


@dataclass
class Unattended:
    """Who takes part. The technician is signed in, the customer's agent shows where the code goes."""

    narrator: Narrator
    technician: Technician
    customer: Customer
    gateway: str
    user: str
    password: str

    async def play(self) -> None:
        """All of it in order; raises at the first thing that does not hold."""
        first = await self.enrols()
        await self._visit(first)
        await self._pause(first)
        await self._withdraw(first)
        second = await self.enrols()
        await self._uninstall(second)

    async def enrols(self) -> str:
        """The technician asks in an attended session, the person allows it; the device's id."""
        step = self.narrator.step
        async with step("A technician asks to come back while nobody is there; the rules are shown"):
            await self.technician.goes_home(self.gateway)
            await self.customer.joins(await self.technician.starts_session())
            await self.technician.waits_for_state("active")
            await self.technician.asks_to_come_back(REASON)
            await self.customer.waits_for("consent-allow")
        async with step("Allowed: a key is made on the device, and signs that it stands ready"):
            await self.customer.answers("consent-allow")
            await until("the start at sign-in", self.customer.at_sign_in.exists)
            await self.customer.ends()
            await self.customer.starts_over()
            await self.customer.waits_for("pause-unattended")
        return await self._device()

    async def _visit(self, device: str) -> None:
        step = self.narrator.step
        async with step("The person closes the window and leaves; the technician sees the device"):
            self.customer.desktop.press("Alt_L", "F4")
            await self.customer.waits_for("handle-open")
            await self.technician.opens_devices(self.gateway)
            await self.technician.sees_device(device, "online")
        async with step("The technician comes in, saying why; the bar shows it on the empty desk"):
            await self.technician.calls_device(device, REASON)
            await self.technician.waits_for_state("active")
            await self.customer.waits_for("bar.end-session")
        async with step("Picture and control by the rules the person set, each signed by the device"):
            await self.technician.asks("view", REASON)
            await self.technician.sees_picture()
            await self.technician.asks("control", REASON)
            await self.technician.has_control()
        async with step("The person comes back and ends it"):
            await self.customer.ends()
            await self.technician.waits_for_state("ended")
        async with step("What happened can be proven: `beistand verify` finds the receipt genuine") as told:
            told.files += await self._proven(device)
        async with step("Who was there, when, why and what for stays on the screen until it is seen"):
            await self.customer.presses("notice-seen")
            await self.customer.is_rid_of("notice-seen")

    async def _pause(self, device: str) -> None:
        async with self.narrator.step("Paused: nobody comes in until the person says so"):
            await self.customer.presses("handle-open")
            await self.customer.presses("pause-unattended")
            await self.customer.waits_for("resume-unattended")
            await self._shows(device, "paused")
            await self._is_refused(device, "outside_terms")
            await self.customer.presses("resume-unattended")
            await self.customer.waits_for("pause-unattended")
            await self._shows(device, "enrolled", online=True)

    async def _withdraw(self, device: str) -> None:
        async with self.narrator.step("Taken back: the key is destroyed, nobody gets in any more"):
            await self.customer.presses("withdraw-unattended")
            await self.customer.answers("withdraw-confirm")
            await self.customer.is_rid_of("pause-unattended")
            await self._shows(device, "withdrawn")
            await self._is_refused(device, "outside_terms")
            await until("no start at sign-in", lambda: not self.customer.at_sign_in.exists())

    async def _uninstall(self, device: str) -> None:
        async with self.narrator.step("Uninstalled: the key first, then the session, then everything else"):
            told = ["--state", str(self.customer.state), *(["--mine-only"] if os.geteuid() else [])]
            process = await asyncio.create_subprocess_exec(
                *(*self.customer.program, "uninstall", *told),
                env={**os.environ, "XDG_CONFIG_HOME": str(self.customer.at_sign_in.parents[1])},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            said, _ = await process.communicate()
            if process.returncode != 0:
                raise BrokenPromiseError(f"uninstalling ended with {process.returncode}: {said.decode()}")
            await self.customer.process.wait()
            left = [path for path in self.customer.state.rglob("*.key") if path.is_file()]
            if left or self.customer.at_sign_in.exists():
                raise BrokenPromiseError(f"left behind: {left or self.customer.at_sign_in}")
            await self._shows(device, "withdrawn")
            await self._is_refused(device, "outside_terms")

    async def _proven(self, device: str) -> tuple[str, str]:
        """The receipt of the device's last session, and the story it tells."""
        async with self._http() as http:
            answer = (await http.get(f"/v1/devices/{device}")).raise_for_status()
        sid = DeviceView.model_validate_json(answer.content).session_id or ""
        receipt = await proof.fetch(self.gateway, sid, user=self.user, password=self.password)
        file = self.narrator.keep("receipt-visit.json", receipt)
        story = await proof.verify(file, language="en", consent_key="")
        return file.name, self.narrator.keep("receipt-visit.txt", story).name

    # --- what an integrator sees ------------------------------------------------------------------------

    async def _device(self) -> str:
        """The device that was enrolled last."""
        async with self._http() as http:
            found: list[DeviceView] = []

            async def is_there() -> bool:
                answer = (await http.get("/v1/devices?limit=200")).raise_for_status()
                items = DeviceList.model_validate_json(answer.content).items
                found[:] = sorted(items, key=lambda item: item.enrolled_at)
                return bool(found) and found[-1].online

            await until_told("an enrolled device", is_there)
            return found[-1].id

    async def _shows(self, device: str, state: str, *, online: bool | None = None) -> None:
        async with self._http() as http:

            async def does() -> bool:
                answer = (await http.get(f"/v1/devices/{device}")).raise_for_status()
                view = DeviceView.model_validate_json(answer.content)
                return view.state == state and online in (None, view.online)

            await until_told(f"the device {state}", does)

    async def _is_refused(self, device: str, *codes: str) -> None:
        async with self._http() as http:
            answer = await http.post(f"/v1/devices/{device}/sessions", json={"reason": REASON}, timeout=20)
        if answer.status_code < 400 or answer.json()["code"] not in codes:
            raise BrokenPromiseError(f"a session was answered with {answer.status_code} {answer.text}")

    def _http(self) -> httpx.AsyncClient:
        return _SignedIn(self.gateway, self.user, self.password)


class _SignedIn(httpx.AsyncClient):
    """A client with a bearer token, from the moment it is entered."""

    def __init__(self, gateway: str, user: str, password: str) -> None:
        super().__init__(base_url=gateway)
        self._who = {"username": user, "password": password}

    async def __aenter__(self) -> "_SignedIn":
        await super().__aenter__()
        answer = (await self.post("/v1/auth/token", json=self._who)).raise_for_status()
        self.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        return self
