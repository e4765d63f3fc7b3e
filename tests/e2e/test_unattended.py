"""The demo's second act: enrolled by clicks, used, paused, withdrawn, enrolled again, uninstalled."""

from pathlib import Path

import pytest

from demo.customer import customer
from demo.narrator import Narrator
from demo.unattended import Unattended
from tests.e2e.scene import Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_access_without_the_person_from_the_first_yes_to_uninstalling(
    scene: Scene, tmp_path: Path
) -> None:
    stack = scene.stack
    await scene.technician.signs_in(stack.gateway_url, stack.user, stack.password)
    narrator = Narrator(tmp_path, scene.desktop, scene.technician)
    story = Unattended(
        narrator, scene.technician, scene.customer, stack.gateway_url, stack.user, stack.password
    )
    await story.play()


async def test_an_agent_killed_during_a_visit_ends_it_and_tells_of_it_later(
    scene: Scene, tmp_path: Path
) -> None:
    stack, technician = scene.stack, scene.technician
    await technician.signs_in(stack.gateway_url, stack.user, stack.password)
    narrator = Narrator(tmp_path, scene.desktop, technician)
    story = Unattended(narrator, technician, scene.customer, stack.gateway_url, stack.user, stack.password)
    device = await story.enrols()
    await technician.opens_devices(stack.gateway_url)
    await technician.calls_device(device, "To look after the update.")
    await technician.waits_for_state("active")
    await technician.asks("view", "To look after the update.")
    await technician.sees_picture()
    scene.customer.process.kill()
    await scene.customer.process.wait()
    await technician.sees_nothing()
    async with customer(
        scene.desktop,
        gateway=stack.gateway_url,
        folder=scene.folder,
        language="en",
        options=["--background"],
    ) as restarted:
        await restarted.presses("notice-seen")
        await restarted.is_rid_of("notice-seen")
        await technician.opens_devices(stack.gateway_url)
        await technician.sees_device(device, "online")
