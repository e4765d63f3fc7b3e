"""The whole story the demo plays, as a test."""

from pathlib import Path

import pytest

from demo.narrator import Narrator
from demo.story import Story
from tests.e2e.scene import Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_session_from_sign_in_to_a_confirmed_end(scene: Scene, tmp_path: Path) -> None:
    stack = scene.stack
    narrator = Narrator(tmp_path, scene.desktop, scene.technician)
    story = Story(
        narrator,
        scene.technician,
        scene.customer,
        stack.gateway_url,
        stack.user,
        stack.password,
        scene.notes,
    )
    await story.play()
