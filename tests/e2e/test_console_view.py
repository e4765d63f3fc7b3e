"""How the picture can be looked at: fitted, in actual size, full screen, with all keys, with measurements."""

import pytest
from playwright.async_api import Browser

from beistand.protocol.messages import MonitorSize, RelayControl, RelayMonitors
from tests.e2e.watching import BLUE, HEIGHT, RED, WIDTH, Watching, watched

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

TOOLS = ("view-fit", "view-actual", "view-meter", "view-grab", "view-full")
SCROLLED = "(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop])(document.querySelector('.slot'))"
IN_FULL = "() => document.fullscreenElement?.className"


async def is_on(watching: Watching, tool: str) -> bool:
    return await watching.person.at(tool).get_attribute("aria-pressed") == "true"


async def test_in_actual_size_a_pixel_is_a_pixel_and_a_click_finds_it(watching: Watching) -> None:
    page, person = watching.page, watching.person
    await page.set_viewport_size({"width": 1024, "height": 600})
    await watching.takes_control()
    assert await is_on(watching, "view-fit")
    await person.at("view-actual").click()
    assert await is_on(watching, "view-actual")
    assert not await is_on(watching, "view-fit")
    box = await watching.screen.bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (WIDTH, HEIGHT)
    await page.evaluate("document.querySelector('.slot').scrollTo(300, 200)")
    for x, y in ((310, 215), (600, 400)):
        await person.clicks_remote(x, y)
        down = await watching.side.hears("input.button")
        assert (down.x, down.y) == (x, y)
        await watching.side.hears("input.button")
    assert await page.evaluate(SCROLLED) == [300, 200]
    await person.at("view-fit").click()
    fitted = await watching.screen.bounding_box()
    assert fitted is not None
    assert fitted["width"] < WIDTH


async def test_the_part_that_is_shown_is_moved_by_keyboard_and_by_dragging(watching: Watching) -> None:
    page = watching.page
    await page.set_viewport_size({"width": 1024, "height": 600})
    await watching.person.at("view-actual").click()
    await page.locator(".slot").focus()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("End")
    await page.mouse.move(400, 300)
    await page.mouse.down()
    await page.mouse.move(350, 280)
    await page.mouse.up()
    scrolled = await page.evaluate(SCROLLED)
    assert scrolled[0] >= 50
    assert scrolled[1] >= 20
    assert [message.type for message in watching.side.transcript if message.type.startswith("input.")] == []


async def test_with_control_dragging_is_the_customers(watching: Watching) -> None:
    page = watching.page
    await page.set_viewport_size({"width": 1024, "height": 600})
    await watching.takes_control()
    await watching.person.at("view-actual").click()
    await page.mouse.move(400, 300)
    await page.mouse.down()
    await page.mouse.move(350, 280)
    await page.mouse.up()
    assert (await watching.side.hears("input.button")).action == "down"
    assert (await watching.side.hears("input.button")).action == "up"
    assert await page.evaluate(SCROLLED) == [0, 0]


async def test_full_screen_and_back_without_a_mouse(watching: Watching) -> None:
    page, tool = watching.page, watching.person.at("view-full")
    before = await tool.get_attribute("aria-label")
    await tool.focus()
    await page.keyboard.press("Enter")
    await page.locator('[data-testid="view-full"][aria-pressed="true"]').wait_for()
    assert await page.evaluate(IN_FULL) == "stage"
    assert await tool.get_attribute("aria-label") != before
    await watching.shows(BLUE)
    assert await watching.sees(BLUE)
    await watching.side.hold(paused=True)
    await watching.overlay("paused")
    assert await tool.is_visible()
    await tool.focus()
    await page.keyboard.press("Enter")
    await page.locator('[data-testid="view-full"][aria-pressed="false"]').wait_for(state="attached")
    assert await page.evaluate(IN_FULL) is None


async def test_all_keys_are_the_customers_until_the_way_out(watching: Watching) -> None:
    page, grab = watching.page, watching.person.at("view-grab")
    assert not await grab.is_visible()
    await watching.takes_control()
    await grab.click()
    await page.locator('[data-testid="view-grab"][aria-pressed="true"]').wait_for()
    assert await page.evaluate(IN_FULL) == "stage"
    assert "Ctrl + Alt + Shift + Esc" in await page.locator(".strip").inner_text()
    await page.keyboard.press("Escape")
    assert (await watching.side.hears("input.key")).key == "Escape"
    await page.keyboard.press("Control+Alt+Shift+Escape")
    await page.locator('[data-testid="end-session"]:focus').wait_for()
    assert await page.evaluate(IN_FULL) is None
    assert not await is_on(watching, "view-grab")


async def test_keys_go_back_when_control_ends(watching: Watching) -> None:
    await watching.takes_control()
    await watching.person.at("view-grab").click()
    await watching.page.locator('[data-testid="view-grab"][aria-pressed="true"]').wait_for()
    await watching.side.relays(RelayControl(live=False))
    await watching.person.at("view-grab").wait_for(state="hidden")
    assert not await is_on(watching, "view-grab")


async def test_measurements_are_there_only_when_wanted(watching: Watching) -> None:
    person = watching.person
    assert not await person.at("meter").is_visible()
    await person.at("view-meter").click()
    shown, limit = person.at("meter-shown"), person.at("meter-limit")
    for number in range(4):
        await watching.shows(BLUE if number % 2 else RED)
    await shown.get_by_text("/s").wait_for()
    assert await shown.inner_text() != "0/s"
    assert "kbit/s" in await person.at("meter-data").inner_text()
    assert "at most" in await person.at("meter-latency").inner_text()
    await limit.get_by_text("nothing changes").wait_for()
    await person.at("view-meter").click()
    assert not await person.at("meter").is_visible()


@pytest.mark.parametrize("locale", ["de", "en"])
async def test_every_tool_has_a_name_and_takes_the_keyboard(chromium: Browser, locale: str) -> None:
    async with watched(chromium, locale=locale) as watching:
        await watching.takes_control()
        names = [await watching.person.at(tool).get_attribute("aria-label") for tool in TOOLS]
        assert all(names)
        assert ("Vollbild" in names) is (locale == "de")
        await watching.person.at("view-fit").focus()
        for tool in TOOLS[1:]:
            await watching.page.keyboard.press("Tab")
            focused = await watching.page.evaluate("document.activeElement.dataset.testid")
            assert focused == tool


async def test_another_monitor_is_chosen_and_the_one_on_the_page_is_the_pressed_one(
    watching: Watching,
) -> None:
    person = watching.person
    assert not await person.at("monitors").is_visible()
    sizes = (MonitorSize(width=1920, height=1080), MonitorSize(width=1280, height=1024))
    await watching.side.relays(RelayMonitors(monitors=sizes))
    await person.at("monitor-1").click()
    assert (await watching.side.hears("viewer.monitor")).monitor == 1
    assert await is_on(watching, "monitor-0"), "nothing of the other one is here yet"
    await watching.shows(BLUE, key=True, monitor=1)
    await watching.attribute('[data-testid="monitor-1"][aria-pressed="true"]')
    assert not await is_on(watching, "monitor-0")
    assert await person.at("monitor-1").get_attribute("aria-label") == "Monitor 2 (1280 × 1024)"
    await watching.side.relays(RelayMonitors(monitors=sizes[:1]))
    await person.at("monitors").wait_for(state="hidden")
