"""The console's picture and input in a real Chromium, against the other side played move by move.

A real H.264 stream is decoded and drawn; a stop leaves nothing on the page; input needs live control.
"""

import pytest

from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import Party, RelayControl, RequestState
from beistand.protocol.records import Cause
from tests.e2e.pictures import Film
from tests.e2e.watching import BLUE, HEIGHT, RED, WIDTH, Watching

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

# --- picture ------------------------------------------------------------------------------------


async def test_a_real_stream_is_decoded_and_drawn(watching: Watching) -> None:
    assert await watching.sees(RED)
    await watching.shows(BLUE)
    assert await watching.sees(BLUE)
    await watching.attribute('[data-testid="screen"][data-frames="2"]')
    assert await watching.screen.get_attribute("data-width") == str(WIDTH)
    assert await watching.screen.get_attribute("data-height") == str(HEIGHT)


async def test_a_screen_that_changes_its_size_is_followed(watching: Watching) -> None:
    watching.film = Film(800, 600)
    await watching.shows(BLUE, key=True)
    await watching.attribute('[data-testid="screen"][data-width="800"][data-height="600"]')
    box = await watching.screen.bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(800 / 600, rel=0.01)
    assert await watching.sees(BLUE)


async def test_after_a_lost_frame_a_key_frame_is_asked_for(watching: Watching) -> None:
    watching.film.frame(BLUE)
    watching.side.seq += 1
    await watching.side.shows(watching.film.frame(BLUE), WIDTH, HEIGHT, key=False)
    await watching.side.hears("viewer.refresh")
    assert await watching.sees(RED)
    await watching.shows(BLUE, key=True)
    assert await watching.sees(BLUE)


async def test_garbage_breaks_nothing(watching: Watching) -> None:
    await watching.side.viewers[-1].send_bytes(b"\x01" * 60)
    await watching.side.hears("viewer.refresh")
    await watching.side.viewers[-1].send_text('{"type":"relay.unheard_of"}')
    await watching.side.viewers[-1].send_text("not even json")
    await watching.side.shows(b"\x00\x00\x01\x67\x64\x00\x28" + b"\xff" * 400, WIDTH, HEIGHT, key=True)
    await watching.side.hears("viewer.refresh")
    await watching.shows(BLUE, key=True)
    assert await watching.sees(BLUE)


# --- before the yes ---------------------------------------------------------------------------------


async def test_a_ticket_waits_for_the_yes_and_is_shown_only_then(watching: Watching) -> None:
    side = watching.side
    await side.cuts()
    await side.stops(Capability.VIEW)
    await watching.overlay("stopped")
    await watching.person.asks("view", "Once more, please.")
    await side.fetches_tickets(3)  # events, the first picture, and the one that waits
    assert len(side.tickets) == 1
    assert len(side.viewers) == 1
    await side.allows(Capability.VIEW)
    await watching.connects_again()
    await watching.shows(BLUE, key=True)
    assert await watching.sees(BLUE)
    assert side.tickets == set()
    assert len(side.issued) == 3


async def test_a_no_leaves_nothing_behind(watching: Watching) -> None:
    side = watching.side
    await side.cuts()
    await side.stops(Capability.VIEW)
    await watching.person.asks("view", "Once more, please.")
    await side.fetches_tickets(3)
    await side.settles(Capability.VIEW, RequestState.DENIED)
    await watching.overlay("denied")
    await watching.has_workers(0)
    assert len(side.viewers) == 1


# --- stop ---------------------------------------------------------------------------------------


async def test_a_stop_by_the_relay_leaves_no_picture(watching: Watching) -> None:
    await watching.side.cuts()
    await watching.overlay("stopped")
    await watching.person.sees_nothing()
    assert not await watching.sees(RED)
    assert "The customer stopped screen sharing." in await watching.person.at("overlay").inner_text()
    assert await watching.person.at("chat-input").is_enabled()


async def test_a_stop_by_the_event_alone_leaves_no_picture(watching: Watching) -> None:
    await watching.side.stops(Capability.VIEW)
    await watching.overlay("stopped")
    await watching.person.sees_nothing()
    assert not await watching.sees(RED)


async def test_a_worker_that_hangs_cannot_keep_the_picture(watching: Watching) -> None:
    worker = watching.page.workers[0]
    await worker.evaluate("() => { setTimeout(() => { for (;;); }, 0) }")
    await watching.side.cuts()
    await watching.overlay("stopped")
    await watching.person.sees_nothing()
    assert not await watching.sees(RED)


async def test_a_lost_socket_blanks_and_comes_back_with_a_new_ticket(watching: Watching) -> None:
    tickets = [
        path for path in watching.side.paths if path.startswith("/v1/sessions/") and "/tickets" in path
    ]
    await watching.side.viewers[-1].close(1012)
    await watching.page.locator('.stage:not([data-overlay="picture"])').wait_for()
    await watching.person.sees_nothing()
    assert not await watching.sees(RED)
    await watching.connects_again()
    again = [path for path in watching.side.paths if path.startswith("/v1/sessions/") and "/tickets" in path]
    assert len(again) == len(tickets) + 1
    await watching.shows(BLUE, key=True)
    await watching.overlay("picture")
    assert await watching.sees(BLUE)


async def test_a_new_yes_is_a_new_picture(watching: Watching) -> None:
    await watching.side.cuts()
    await watching.side.stops(Capability.VIEW)
    await watching.overlay("stopped")
    await watching.person.asks("view", "Once more, please.")
    await watching.page.locator('[data-testid="cancel-request"]').wait_for()
    await watching.side.allows(Capability.VIEW)
    await watching.connects_again()
    await watching.shows(BLUE, key=True)
    await watching.overlay("picture")
    assert await watching.sees(BLUE)


async def test_while_the_customer_is_asked_nothing_is_seen(watching: Watching) -> None:
    await watching.side.hold(paused=True)
    await watching.overlay("paused")
    assert not await watching.sees(RED)
    await watching.side.hold(paused=False)
    await watching.overlay("picture")
    assert await watching.sees(RED)


async def test_the_end_is_the_end(watching: Watching) -> None:
    await watching.side.ends(Party.CUSTOMER, Cause.END_SESSION)
    await watching.overlay("ended")
    await watching.person.sees_nothing()
    assert not await watching.sees(RED)
    assert "The customer ended the session" in await watching.person.at("overlay").inner_text()
    for name in ("request-view", "request-control", "chat-input", "chat-send", "end-session"):
        assert await watching.person.at(name).is_disabled(), name


async def test_the_technician_hands_back_and_ends(watching: Watching) -> None:
    await watching.person.at("release-view").click()
    await watching.overlay("stopped")
    await watching.person.ends_session()
    await watching.person.waits_for_state("ended")
    assert not await watching.sees(RED)


# --- input --------------------------------------------------------------------------------------


async def test_without_control_nothing_is_sent(watching: Watching) -> None:
    mark = watching.mark
    await watching.screen.click()
    await watching.page.keyboard.type("secret")
    assert await watching.inputs_since(mark) == []


@pytest.mark.parametrize("size", [(1300, 800), (1024, 600), (1700, 620)])
async def test_a_click_reaches_the_pixel_under_it(watching: Watching, size: tuple[int, int]) -> None:
    await watching.page.set_viewport_size({"width": size[0], "height": size[1]})
    await watching.takes_control()
    for x, y in ((0, 0), (WIDTH - 1, HEIGHT - 1), (640, 360), (13, 700)):
        await watching.person.clicks_remote(x, y)
        down, up = await watching.side.hears("input.button"), await watching.side.hears("input.button")
        assert (down.x, down.y, down.button, down.action) == (x, y, "left", "down")
        assert (up.x, up.y, up.action) == (x, y, "up")


async def test_keys_text_wheel_and_right_button_arrive_in_order(watching: Watching) -> None:
    await watching.takes_control()
    await watching.person.clicks_remote(100, 100)
    await watching.side.hears("input.button")
    await watching.side.hears("input.button")
    await watching.page.keyboard.type("aß€")
    await watching.page.keyboard.press("Control+Enter")
    await watching.page.mouse.wheel(0, 120)
    await watching.page.mouse.click(*await watching.person.point_of(5, 6), button="right")
    seen = []
    while not seen or getattr(seen[-1], "action", "") != "up" or getattr(seen[-1], "button", "") != "right":
        seen.append(await watching.side.said.get())
    keys = [(message.key, message.action) for message in seen if message.type == "input.key"]
    assert keys[:2] == [("a", "down"), ("a", "up")]
    assert keys[-4:] == [("Control", "down"), ("Enter", "down"), ("Enter", "up"), ("Control", "up")]
    assert [message.text for message in seen if message.type == "input.text"] == ["ß", "€"]
    assert [message.dy for message in seen if message.type == "input.wheel"] == [1]
    assert await watching.page.locator("dialog[open]").count() == 0


async def test_what_is_held_is_released_when_the_focus_goes(watching: Watching) -> None:
    await watching.takes_control()
    await watching.person.clicks_remote(100, 100)
    await watching.page.keyboard.down("Shift")
    await watching.person.at("chat-input").click()
    await watching.side.hears("input.release")
    await watching.page.keyboard.up("Shift")


async def test_there_is_a_way_out_by_keyboard(watching: Watching) -> None:
    await watching.takes_control()
    await watching.person.clicks_remote(100, 100)
    await watching.page.keyboard.press("Tab")
    assert (await watching.side.hears("input.key")).key == "Tab"
    await watching.page.keyboard.press("Control+Alt+Shift+Escape")
    await watching.page.locator('[data-testid="end-session"]:focus').wait_for()
    await watching.side.hears("input.release")
    mark = watching.mark
    await watching.page.keyboard.press("x")
    assert await watching.inputs_since(mark) == []


async def test_input_stops_with_control_and_while_paused(watching: Watching) -> None:
    await watching.takes_control()
    await watching.person.clicks_remote(100, 100)
    assert await watching.inputs_since(0) == ["input.button", "input.button"]
    mark = watching.mark
    await watching.side.hold(paused=True)
    await watching.overlay("paused")
    await watching.page.keyboard.type("held")
    await watching.side.hold(paused=False)
    await watching.overlay("picture")
    await watching.side.relays(RelayControl(live=False))
    await watching.attribute('[data-testid="screen"][data-control="none"]')
    await watching.page.keyboard.type("over")
    assert await watching.inputs_since(mark) == []


# --- secrets ------------------------------------------------------------------------------------


async def test_no_secret_is_in_an_address_or_kept(watching: Watching) -> None:
    kept = await watching.page.evaluate("JSON.stringify([{...localStorage}, document.cookie])")
    assert kept == '[{},""]'
    assert list(await watching.page.evaluate("Object.keys(sessionStorage)")) == ["beistand.token"]
    known = ("a-bearer", "042137958", "042 137 958")
    assert not [path for path in watching.side.paths if any(secret in path for secret in known)]
    assert all("?" not in path.removesuffix("?") for path in watching.side.paths)
