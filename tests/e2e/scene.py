"""Both people of an end-to-end test, and the steps every session starts with."""

from dataclasses import dataclass
from pathlib import Path

from beistand.cli.stack import Stack
from demo.customer import Customer
from demo.desktop import Desktop
from demo.technician import Technician


@dataclass
class Scene:
    """Both people, in a session or on the way to one."""

    stack: Stack
    desktop: Desktop
    customer: Customer
    technician: Technician
    notes: Path
    folder: Path
    code: str = ""

    async def meet(self) -> None:
        """Sign in, open a session, join it."""
        await self.technician.signs_in(self.stack.gateway_url, self.stack.user, self.stack.password)
        self.code = await self.technician.starts_session()
        await self.customer.joins(self.code)
        await self.technician.waits_for_state("active")

    async def share(self) -> None:
        """Ask for the screen, allow, see it."""
        await self.technician.asks("view", "To see the printer settings.")
        await self.customer.answers("consent-allow")
        await self.technician.sees_picture()

    async def hand_over_control(self) -> None:
        """Ask for control, allow, have it."""
        await self.technician.asks("control", "To type the printer's name.")
        await self.customer.answers("consent-allow")
        await self.technician.has_control()

    def noted(self) -> str:
        """What stands in the customer's note window."""
        return self.notes.read_text(encoding="utf-8")
