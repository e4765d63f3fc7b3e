"""Questions: answered no, taken back, handed back, asked anew."""

import pytest

from tests.e2e.scene import Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_question_taken_back_disappears_from_the_customers_screen(scene: Scene) -> None:
    await scene.meet()
    await scene.technician.asks("view", "To see the settings.")
    await scene.customer.waits_for("consent-allow")
    await scene.technician.at("cancel-request").click()
    await scene.customer.is_rid_of("consent-allow")


async def test_enter_and_escape_on_a_question_mean_no(scene: Scene) -> None:
    await scene.meet()
    await scene.technician.asks("view", "To see the settings.")
    await scene.customer.waits_for("consent-allow")
    scene.desktop.press("Return")
    await scene.customer.is_rid_of("consent-allow")
    assert scene.customer.sees("stop-sharing") is None


async def test_stop_sharing_ends_the_picture_and_a_new_yes_is_a_new_grant(scene: Scene) -> None:
    await scene.meet()
    await scene.share()
    await scene.customer.presses("stop-sharing")
    await scene.technician.sees_nothing()
    await scene.customer.is_rid_of("stop-sharing")
    await scene.technician.says("Still here?")
    await scene.technician.reads("Still here?")
    await scene.share()
    assert scene.customer.sees("stop-sharing")


async def test_handing_back_the_view_ends_it_on_the_device(scene: Scene) -> None:
    await scene.meet()
    await scene.share()
    await scene.technician.at("release-view").click()
    await scene.customer.is_rid_of("stop-sharing")
    await scene.technician.sees_nothing()
