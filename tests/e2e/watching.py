"""A console page that shows a picture, played move by move by `other_side`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Browser, Locator, Page

from agent.engine.encode import Kind
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import RelayControl
from demo.technician import Technician
from demo.waiting import until
from tests.e2e.other_side import OtherSide, other_side
from tests.e2e.pictures import Colour, Film, colour_at, is_near

RED: Colour = (200, 40, 40)
BLUE: Colour = (30, 60, 190)
WIDTH, HEIGHT = 1280, 720


@dataclass
class Watching:
    """A console page with a picture, and what it is shown by."""

    person: Technician
    side: OtherSide
    film: Film

    @property
    def page(self) -> Page:
        return self.person.page

    @property
    def screen(self) -> Locator:
        return self.person.at("screen")

    async def shows(self, colour: Colour, *, key: bool = False, monitor: int = 0) -> None:
        """One more frame in this colour; returns when the console says that it is on the canvas."""
        await self.shows_payload(self.film.frame(colour, key=key), key=key, monitor=monitor)

    async def shows_payload(self, payload: bytes, *, key: bool = False, monitor: int = 0) -> None:
        """One more frame of the film's encoding; returns when the console says that it is on the canvas."""
        film = self.film
        seq = await self.side.shows(
            payload, film.width, film.height, key=key, codec=film.codec, monitor=monitor
        )
        while (await self.side.hears("viewer.shown")).seq != seq:
            continue

    async def sees(self, colour: Colour, *, across: float = 0.5, down: float = 0.5) -> bool:
        """Whether the stage has this colour at these parts of its width and height."""
        box = await self.page.locator(".stage-view").bounding_box()
        assert box is not None
        shot = await self.page.screenshot()
        place = box["x"] + box["width"] * across, box["y"] + box["height"] * down
        return is_near(colour_at(shot, *place), colour)

    async def attribute(self, selector: str) -> None:
        """Wait until such an element is there."""
        await self.page.locator(selector).wait_for(state="attached")

    async def has_workers(self, count: int) -> None:
        """Wait until the page runs so many workers."""
        await until(f"{count} workers", lambda: len(self.page.workers) == count)

    async def overlay(self, kind: str) -> None:
        """Wait until the stage says this."""
        await self.page.locator(f'.stage[data-overlay="{kind}"]').wait_for()

    async def inputs_since(self, mark: int) -> list[str]:
        """The kinds of input that the console has sent since `mark`, after a round trip behind all of it."""
        await self.shows(RED)
        later = [message.type for message in self.side.transcript[mark:]]
        return [kind for kind in later if kind.startswith("input.")]

    @property
    def mark(self) -> int:
        """Now, for `inputs_since`."""
        return len(self.side.transcript)

    async def takes_control(self) -> None:
        await self.person.asks("control", "To set it right.")
        await self.page.locator('[data-testid="cancel-request"]').wait_for()
        await self.side.allows(Capability.CONTROL)
        await self.side.relays(RelayControl(live=True))
        await self.person.has_control()

    async def connects_again(self) -> None:
        """The console comes back with a new ticket."""
        await self.side.hears("viewer.hello")
        await self.side.admits()


@asynccontextmanager
async def watched(
    chromium: Browser, *, locale: str = "en", codec: Kind = Kind.H264, script: str = ""
) -> AsyncIterator[Watching]:
    """A console in a session whose screen is shared, and red. `script` runs before the page's own."""
    async with other_side() as side:
        context = await chromium.new_context(locale=locale, viewport={"width": 1300, "height": 800})
        page = await context.new_page()
        await page.add_init_script(script)
        person = Technician(page)
        page.on("pageerror", lambda error: person.errors.append(str(error)))
        await person.signs_in(side.url, "mira", "right")
        await person.starts_session()
        await side.joins()
        await person.waits_for_state("active")
        await person.asks("view", "To see it.")
        await page.locator('[data-testid="cancel-request"]').wait_for()
        await side.allows(Capability.VIEW)
        await side.hears("viewer.hello")
        await side.admits()
        watching = Watching(person, side, Film(WIDTH, HEIGHT, codec))
        await watching.shows(RED, key=True)
        await watching.overlay("picture")
        yield watching
        await context.close()
        assert person.errors == []
