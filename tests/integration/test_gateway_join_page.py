"""The customer's join page in a real browser: code, link, both languages, and nothing that is blocked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from demo.technician import browser as demo_browser
from tests.support.gateway_stage import Stage, staged

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

Opened = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(nats_server: EmbeddedServer, keys: Path) -> AsyncIterator[Stage]:
    async with staged(BusSettings(nats_url=nats_server.url, keys=keys)) as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with demo_browser() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def opened(stage: Stage, browser: Browser) -> AsyncIterator[Opened]:
    """Open the page with a fragment in a language; fails the test on anything the browser complains about."""
    complaints: list[str] = []

    async def open_page(fragment: str, *, locale: str = "en-GB") -> Page:
        page = await browser.new_page(locale=locale)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{stage.url}/join{fragment}")
        return page

    yield open_page
    assert complaints == []


async def test_the_code_is_shown_in_groups_with_a_command(stage: Stage, opened: Opened) -> None:
    page = await opened("#123456789")
    assert await page.get_by_test_id("join-code").inner_text() == "123\u00a0456\u00a0789"
    command = await page.get_by_test_id("join-command").inner_text()
    assert command == f"beistand agent --gateway {stage.url} --code 123456789"


async def test_it_speaks_the_browsers_language_and_the_other_on_request(opened: Opened) -> None:
    page = await opened("#123456789", locale="de-AT")
    assert "nur teil, wenn Sie selbst um Hilfe gebeten haben" in await page.inner_text("main")
    assert await page.get_attribute("html", "lang") == "de"
    await page.get_by_role("button", name="English").click()
    assert "only if you asked for help yourself" in await page.inner_text("main")
    assert await page.get_attribute("html", "lang") == "en"


async def test_other_languages_get_english(opened: Opened) -> None:
    assert await (await opened("", locale="fr-FR")).get_attribute("html", "lang") == "en"


@pytest.mark.parametrize(
    "fragment", ["", "#", "#12345678", "#1234567890", "#<b>bold</b>", "#javascript:alert(1)"]
)
async def test_a_link_without_a_code_says_so(opened: Opened, fragment: str) -> None:
    page = await opened(fragment)
    assert await page.get_by_test_id("join-no-code").is_visible()
    assert not await page.get_by_test_id("join-command").is_visible()
    assert "bold" not in await page.inner_text("main")


async def test_a_code_written_in_groups_is_understood(opened: Opened) -> None:
    page = await opened("#123-456-789")
    assert await page.get_by_test_id("join-code").inner_text() == "123\u00a0456\u00a0789"


async def test_the_code_goes_nowhere(stage: Stage, browser: Browser) -> None:
    page = await browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url + str(request.headers)))
    await page.goto(f"{stage.url}/join#123456789")
    assert asked
    assert not any("123456789" in request.partition("#")[0] + request.partition("{")[2] for request in asked)
