"""What a technician's mouse and keyboard reach, and what they never reach."""

import pytest

from demo.waiting import until
from tests.e2e.scene import Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

NOTE = (240, 480)


async def test_text_and_pointer_arrive_where_they_were_aimed(scene: Scene) -> None:
    await scene.meet()
    await scene.share()
    await scene.hand_over_control()
    await scene.technician.clicks_remote(*NOTE)
    await until("pointer at the note", lambda: near(scene.desktop.pointer(), NOTE))
    await scene.technician.page.keyboard.type("Hello World 42")
    await scene.technician.page.keyboard.press("Enter")
    await scene.technician.page.keyboard.insert_text("äöü ß € é")
    await until("the text", lambda: scene.noted() == "Hello World 42\näöü ß € é")
    await scene.technician.page.keyboard.press("Control+a")
    await scene.technician.page.keyboard.press("Delete")
    await until("an empty note", lambda: scene.noted() == "")


async def test_the_technician_cannot_press_the_customers_buttons(scene: Scene) -> None:
    await scene.meet()
    await scene.share()
    await scene.hand_over_control()
    for name in ("stop-sharing", "main.end-session"):
        x, y, width, height = await scene.customer.waits_for(name)
        await scene.technician.clicks_remote(x + width // 2, y + height // 2)
    await prove_input_still_passes(scene)
    assert scene.customer.sees("stop-sharing")
    assert scene.customer.sees("confirm-end") is None


async def test_the_technician_cannot_answer_a_question(scene: Scene) -> None:
    await scene.meet()
    await scene.share()
    await scene.hand_over_control()
    await scene.technician.at("release-control").click()
    await scene.technician.asks("control", "Once more.")
    x, y, width, height = await scene.customer.waits_for("consent-allow")
    await scene.technician.clicks_remote(x + width // 2, y + height // 2)
    # The button that asked has become the one that takes back, and still has the focus.
    await scene.technician.page.evaluate("document.activeElement.blur()")
    await scene.technician.page.keyboard.press("Enter")
    await scene.customer.answers("consent-deny")
    await scene.technician.at("request-control").wait_for()
    assert await scene.technician.page.locator('[data-testid="screen"][data-control="live"]').count() == 0


async def test_input_is_held_back_while_the_end_question_is_open(scene: Scene) -> None:
    await scene.meet()
    await scene.share()
    await scene.hand_over_control()
    await scene.technician.clicks_remote(*NOTE)
    await scene.customer.presses("end-session")
    await scene.customer.waits_for("confirm-end")
    await scene.technician.page.keyboard.type("held back")
    await scene.customer.answers("cancel-end")
    await prove_input_still_passes(scene)
    assert "held" not in scene.noted()


async def test_held_keys_are_released_when_control_stops(scene: Scene) -> None:
    await scene.meet()
    await scene.share()
    await scene.hand_over_control()
    await prove_input_still_passes(scene)
    await scene.technician.page.keyboard.down("Shift")
    await until("shift held on the desktop", scene.desktop.holds_a_key)
    await scene.customer.presses("stop-control")
    await until("nothing held", lambda: not scene.desktop.holds_a_key())


async def prove_input_still_passes(scene: Scene) -> None:
    """Input that may pass does, so what was tried before it has been decided by now."""
    await scene.technician.has_control()
    await scene.technician.clicks_remote(*NOTE)
    await scene.technician.page.keyboard.type("x")
    await until("an x in the note", lambda: "x" in scene.noted())


def near(found: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Within one pixel: the canvas is smaller than the screen."""
    return abs(found[0] - wanted[0]) <= 1 and abs(found[1] - wanted[1]) <= 1
