"""The demo's second act: enrolled by clicks, used, paused, withdrawn, enrolled again, uninstalled."""

from pathlib import Path

import pytest

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
