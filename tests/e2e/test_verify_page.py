"""The page that checks receipts, in a real browser under the gateway's own policy: nothing is uploaded."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Request, expect

from beistand.cli.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "receipts.json").read_text(encoding="utf-8")
)
GOOD: dict[str, Any] = VECTORS["good"][0]["bundle"]
Opened = Callable[..., Awaitable[Page]]
WITHOUT_ED25519 = """
const real = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = (format, key, algorithm, ...rest) =>
  algorithm === "Ed25519"
    ? Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"))
    : real(format, key, algorithm, ...rest);
"""
DROP = """(text) => {
  const data = new DataTransfer();
  data.items.add(new File([text], "receipt.json", { type: "application/json" }));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def opened(stack: Stack, chromium: Browser) -> AsyncIterator[Opened]:
    """Open the page; fails the test on anything the browser complains about."""
    complaints: list[str] = []
    pages: list[Page] = []

    async def open_page(*, locale: str = "en-GB", script: str = "") -> Page:
        page = await chromium.new_page(locale=locale, timezone_id="Europe/Berlin")
        pages.append(page)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if script:
            await page.add_init_script(script)
        await page.goto(f"{stack.gateway_url}/verify.html")
        return page

    yield open_page
    for page in pages:
        await page.close()
    assert complaints == []


async def choose(page: Page, bundle: dict[str, Any]) -> None:
    content = json.dumps(bundle).encode()
    file: Any = {"name": "receipt.json", "mimeType": "application/json", "buffer": content}
    await page.get_by_test_id("receipt-file").set_input_files(file)


async def test_a_genuine_receipt_is_told_in_both_languages(opened: Opened, tmp_path: Path) -> None:
    page = await opened()
    await choose(page, GOOD)
    verdict = page.get_by_test_id("verdict")
    await expect(verdict).to_have_text("Genuine: all 17 records are signed, complete and in order.")
    story = page.get_by_test_id("story")
    await expect(story).to_contain_text("Saturday, 28 March 2026 (UTC+01:00)")
    await expect(story).to_contain_text("The customer allowed Tina Berg to see the screen.")
    await expect(page.get_by_test_id("result")).to_contain_text(GOOD["agent_key"])
    await page.screenshot(path=tmp_path / "verify-en.png", full_page=True)
    await page.get_by_test_id("language-de").click()
    await expect(story).to_contain_text("Die Kundenseite erlaubte Tina Berg, den Bildschirm zu sehen.")
    assert await page.get_attribute("html", "lang") == "de"


async def test_tampering_is_named_with_its_record(opened: Opened) -> None:
    page = await opened(locale="de-DE")
    await choose(page, {**GOOD, "records": [*GOOD["records"][:6], *GOOD["records"][7:]]})
    await expect(page.get_by_test_id("verdict")).to_contain_text("NICHT echt: Eintrag 7:")
    await expect(page.get_by_test_id("story").locator("li")).to_have_count(6)
    await choose(page, GOOD)
    await expect(page.get_by_test_id("verdict")).to_contain_text("Echt: Alle 17 Einträge")


async def test_expected_keys_are_compared(opened: Opened) -> None:
    page = await opened()
    await choose(page, GOOD)
    await page.get_by_text("Compare with keys you know").click()
    await page.get_by_test_id("agent-key").fill(GOOD["agent_key"])
    await page.get_by_test_id("consent-key").fill(GOOD["consent_key"])
    await expect(page.get_by_test_id("result")).to_contain_text("Both keys are the ones you expected.")
    await page.get_by_test_id("consent-key").fill("A" * 43)
    await expect(page.get_by_test_id("verdict")).to_contain_text("NOT genuine: it is from another consent")


async def test_a_file_can_be_dropped_and_goes_nowhere(opened: Opened, stack: Stack) -> None:
    page = await opened()
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    await page.evaluate(DROP, json.dumps(GOOD))
    await expect(page.get_by_test_id("verdict")).to_contain_text("Genuine:")
    # The browser may fetch the page's own icon late; nothing else, and nothing with a body.
    assert {request.url.partition(stack.gateway_url)[2] for request in asked} <= {"/favicon.svg"}
    assert all(request.post_data is None for request in asked)


async def test_what_is_no_receipt_is_said_to_be_none(opened: Opened) -> None:
    page = await opened()
    await choose(page, {"format": "<img src=x onerror=alert(1)>"})
    await expect(page.get_by_test_id("verdict")).to_have_text(
        "NOT genuine: this is not a receipt that can be read."
    )


async def test_the_keyboard_reaches_everything(opened: Opened) -> None:
    page = await opened()
    focused: list[str] = []
    for _ in range(5):
        await page.keyboard.press("Tab")
        focused.append(
            await page.evaluate("document.activeElement.dataset.testid ?? document.activeElement.tagName")
        )
    assert focused == ["A", "language-de", "language-en", "receipt-file", "SUMMARY"]


async def test_a_browser_without_ed25519_says_so(opened: Opened) -> None:
    page = await opened(script=WITHOUT_ED25519)
    await expect(page.get_by_test_id("cannot-verify")).to_contain_text(
        "This browser cannot check the signatures"
    )
    await expect(page.get_by_test_id("receipt-file")).to_be_disabled()
    await page.evaluate(DROP, json.dumps(GOOD))
    await expect(page.get_by_test_id("result")).to_be_hidden()
