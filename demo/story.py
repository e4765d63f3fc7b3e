"""The session the demo plays, from signing in to a confirmed end, and what must hold at each step."""

import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from beistand.protocol.records import Language
from demo import proof
from demo.customer import Customer
from demo.narrator import Narrator
from demo.technician import Technician
from demo.waiting import until

TYPED = "Grüße aus der Ferne: 20 € – ça va? {[@]}"


class BrokenPromiseError(Exception):
    """Something happened that must not, or did not that must."""


@dataclass
class Story:
    """Who takes part, and where the customer's note window keeps its text."""

    narrator: Narrator
    technician: Technician
    customer: Customer
    gateway: str
    user: str
    password: str
    notes: Path
    consent_key: str = ""
    """What the receipts must be signed with, known from elsewhere; empty: their own word counts."""
    code: str = ""

    async def play(self) -> None:
        """All acts in order; raises at the first thing that does not hold."""
        await self._meet()
        await self._view()
        await self._control()
        await self._stop_sharing()
        await self._ask_again()
        await self._end()
        await self._prove()

    async def _meet(self) -> None:
        step = self.narrator.step
        async with step("The technician signs in and opens a session"):
            await self.technician.signs_in(self.gateway, self.user, self.password)
            self.code = await self.technician.starts_session()
        async with step("The customer types the nine digits and sees who asks"):
            await self.customer.enters_code(self.code)
            await self.customer.waits_for("join-confirm")
        async with step("The customer joins; nothing is shared yet"):
            await self.customer.presses("join-confirm")
            await self.customer.waits_for("chat-input")
            await self.technician.waits_for_state("active")
        async with step("They chat, both ways"):
            await self.technician.says("Guten Tag! Wobei darf ich helfen?")
            await self.customer.says("der drucker geht nicht")
            await self.technician.reads("der drucker geht nicht")

    async def _view(self) -> None:
        step = self.narrator.step
        async with step("The technician asks to see the screen; the customer is asked"):
            await self.technician.asks("view", "Ich möchte die Druckereinstellungen sehen.")
            await self.customer.waits_for("consent-allow")
        async with step("Allowed: the real screen appears in the browser") as told:
            await self.customer.presses("consent-allow")
            started = time.monotonic()
            await self.technician.sees_picture()
            told.measured["yes to picture"] = (time.monotonic() - started) * 1000
            await self.customer.waits_for("stop-sharing")

    async def _control(self) -> None:
        step = self.narrator.step
        async with step("Control is another question; keys pressed before the yes go nowhere"):
            await self.technician.at("screen").click()
            await self.technician.page.keyboard.type("zufrueh")
            await self.technician.asks("control", "Ich trage den Druckernamen für Sie ein.")
            await self.customer.waits_for("consent-allow")
        async with step("Allowed: the technician types into the customer's own program"):
            await self.customer.answers("consent-allow")
            await self.technician.has_control()
            await self.technician.clicks_remote(*await self._note_window())
            await self.technician.page.keyboard.insert_text(TYPED[:-7])
            await self.technician.page.keyboard.type(TYPED[-7:])
            await until(f"{TYPED!r} in the note window", lambda: self._noted() == TYPED)

    async def _stop_sharing(self) -> None:
        async with self.narrator.step("Stop screen sharing: the picture is gone, chat goes on") as told:
            await self.customer.presses("stop-sharing")
            started = time.monotonic()
            await self.technician.sees_nothing()
            told.measured["click to blank canvas"] = (time.monotonic() - started) * 1000
            await self.technician.says("Danke, das reicht mir schon.")
            await self.customer.says("gern")
            await self.technician.reads("gern")

    async def _ask_again(self) -> None:
        step = self.narrator.step
        async with step("Asked again, it is a new question; the customer says no"):
            await self.technician.asks("view", "Noch ein Blick zur Kontrolle.")
            await self.customer.answers("consent-deny")
            await self.technician.page.locator('[data-testid="request-view"]:not([disabled])').wait_for()

    async def _end(self) -> None:
        step = self.narrator.step
        async with step("End session: the customer is asked to confirm, and changes her mind"):
            await self.customer.presses("end-session")
            await self.customer.waits_for("confirm-end")
            await self.customer.answers("cancel-end")
        async with step("End session, confirmed: everything is over on both sides"):
            await self.customer.presses("end-session")
            await self.customer.presses("confirm-end")
            await self.technician.waits_for_state("ended")
            await self.technician.reads_use_of(2)
        async with step("The old code opens nothing any more"):
            await self._old_code_is_refused()

    async def _prove(self) -> None:
        async with self.narrator.step(
            "Both sides hold the proof: `beistand verify` finds it genuine"
        ) as told:
            customers = (await self.customer.keeps_receipt()).read_bytes()
            sid = proof.session_of(customers)
            technicians = await proof.fetch(self.gateway, sid, user=self.user, password=self.password)
            told.files += await self._verified("receipt-customer", customers, language="de")
            told.files += await self._verified("receipt-technician", technicians, language="en")

    async def _verified(self, name: str, receipt: bytes, *, language: Language) -> tuple[str, str]:
        """Keep a receipt and the story it tells; the names of both files."""
        file = self.narrator.keep(f"{name}.json", receipt)
        story = await proof.verify(file, language=language, consent_key=self.consent_key)
        return file.name, self.narrator.keep(f"{name}.txt", story).name

    async def _old_code_is_refused(self) -> None:
        key = "U" + "A" * 55
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.gateway}/v1/join", json={"code": self.code, "agent_key": key})
        if answer.status_code < 400:
            raise BrokenPromiseError("the code of an ended session was accepted")

    async def _note_window(self) -> tuple[int, int]:
        return 240, 480

    def _noted(self) -> str:
        return self.notes.read_text(encoding="utf-8")
