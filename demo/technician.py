"""The technician: the real console in a real Chromium, driven by its `data-testid` names."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, async_playwright

from demo.desktop import program

CHROMIUM_ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-features=Translate",
)


@dataclass
class Technician:
    """One console page."""

    page: Page
    errors: list[str] = field(default_factory=list)
    """Uncaught exceptions of the page; a played session has none."""

    def at(self, name: str) -> Locator:
        """The element with this `data-testid`."""
        return self.page.get_by_test_id(name)

    async def signs_in(self, gateway: str, user: str, password: str) -> None:
        """Open the console and sign in."""
        await self.page.goto(gateway)
        await self.at("login-user").fill(user)
        await self.at("login-password").fill(password)
        await self.at("login-submit").click()
        await self.at("new-session").wait_for()

    async def starts_session(self) -> str:
        """Create a session; its nine-digit code."""
        await self.at("new-session").click()
        code = await self.at("session-code").text_content() or ""
        return "".join(character for character in code if character.isdigit())

    async def waits_for_state(self, state: str) -> None:
        """Wait until the page shows this session state."""
        await self._shows(f'[data-testid="session-state"][data-state="{state}"]')

    async def asks(self, capability: str, reason: str) -> None:
        """Ask for `view` or `control` with a reason."""
        await self.at(f"request-{capability}").wait_for()
        await self.at("request-reason").fill(reason)
        await self.at(f"request-{capability}").click()

    async def says(self, text: str) -> None:
        """Send a chat line."""
        await self.at("chat-input").fill(text)
        await self.at("chat-send").click()

    async def reads(self, text: str) -> None:
        """Wait until the chat log holds this text."""
        await self.at("chat-log").get_by_text(text).first.wait_for()

    async def reads_use_of(self, count: int) -> None:
        """Open the timeline and wait until it tells of so many accesses what they were used for."""
        await self.page.get_by_role("tab").nth(1).click()
        await self.at("timeline").locator(".moment-used").nth(count - 1).wait_for()

    async def frames(self) -> int:
        """How many frames the canvas has drawn; 0 once blanked."""
        canvas = self.at("screen")
        if not await canvas.count():
            return 0
        return int(await canvas.get_attribute("data-frames") or 0)

    async def sees_picture(self) -> None:
        """Wait for the first frame on the canvas."""
        await self._shows('[data-testid="screen"][data-frames]:not([data-frames="0"])')

    async def sees_nothing(self) -> None:
        """Wait until the canvas is blank."""
        await self._shows('[data-testid="screen"][data-frames="0"]')

    async def has_control(self) -> None:
        """Wait until input passes."""
        await self._shows('[data-testid="screen"][data-control="live"]')

    async def _shows(self, selector: str) -> None:
        await self.page.locator(selector).wait_for(state="attached")

    async def point_of(self, x: int, y: int) -> tuple[float, float]:
        """Page coordinates of the remote pixel (x, y) on the letterboxed canvas."""
        canvas = self.at("screen")
        box = await canvas.bounding_box() or {"x": 0, "y": 0, "width": 1, "height": 1}
        width = int(await canvas.get_attribute("data-width") or 1)
        height = int(await canvas.get_attribute("data-height") or 1)
        scale = min(box["width"] / width, box["height"] / height)
        left = box["x"] + (box["width"] - width * scale) / 2
        top = box["y"] + (box["height"] - height * scale) / 2
        return left + (x + 0.5) * scale, top + (y + 0.5) * scale

    async def clicks_remote(self, x: int, y: int) -> None:
        """A click on the remote pixel (x, y)."""
        await self.page.mouse.click(*await self.point_of(x, y))

    async def asks_to_come_back(self, reason: str) -> None:
        """Ask for unattended access for everybody of the organisation, on all days at all hours."""
        await self.at("request-unattended").click()
        await self.at("terms-reason").fill(reason)
        await self.at("terms-who-everybody").check()
        for day in range(7):
            await self.at(f"terms-day-{day}").check()
        await self.at("terms-hours-all-day").check()
        await self.at("terms-confirm").click()

    async def goes_home(self, gateway: str) -> None:
        """Back to the list of sessions, still signed in."""
        await self.page.goto(gateway)
        await self.at("new-session").wait_for()

    async def opens_devices(self, gateway: str) -> None:
        """Go to the list of the organisation's devices."""
        await self.goes_home(gateway)
        await self.at("to-devices").click()
        await self.at("device-filter").wait_for()

    async def calls_device(self, device: str, reason: str) -> None:
        """Start an unattended session on the device, saying why."""
        row = self._device(device)
        await row.locator('[data-testid="device-start"]:not([disabled])').click()
        await self.at("device-reason").fill(reason)
        await self.at("device-start-confirm").click()

    async def sees_device(self, device: str, standing: str) -> None:
        """Wait until the list, which looks again now and then, shows it as `online`, `paused` ..."""
        await self._device(device).locator(f'.pill[data-state="{standing}"]').wait_for()

    def _device(self, device: str) -> Locator:
        return self.page.locator(f'[data-testid="device"][data-device="{device}"]')

    async def ends_session(self) -> None:
        """End the session from the technician's side."""
        await self.at("end-session").click()
        await self.at("end-session-confirm").click()


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=program("chromium"), args=[*CHROMIUM_ARGUMENTS, *sandbox]
        )
        try:
            yield running
        finally:
            await running.close()


@asynccontextmanager
async def technician(chromium: Browser, *, language: str = "en") -> AsyncIterator[Technician]:
    """A fresh page with a profile of its own."""
    context = await chromium.new_context(locale=language, viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    person = Technician(page)
    page.on("pageerror", lambda error: person.errors.append(str(error)))
    try:
        yield person
    finally:
        await context.close()


async def screenshot(person: Technician, path: Path) -> None:
    """The console page as PNG."""
    await person.page.screenshot(path=str(path))
