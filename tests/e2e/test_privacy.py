"""Nothing secret or private of a played session stands in any log, address or file it leaves behind."""

from pathlib import Path

import pytest
from playwright.async_api import Response

from tests.e2e.scene import Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

REASON = "To see the printer settings."
SAID = "the cat is called mimi"
TYPED = "very private words"


async def test_logs_and_addresses_hold_no_secret_and_nothing_private(scene: Scene) -> None:
    addresses: list[str] = []
    tickets: list[str] = []

    async def remember(response: Response) -> None:
        addresses.append(response.url)
        if response.url.endswith("/tickets"):
            tickets.append((await response.json())["ticket"])

    scene.technician.page.on("response", remember)
    scene.technician.page.on("websocket", lambda socket: addresses.append(socket.url))
    await scene.meet()
    await scene.share()
    await scene.hand_over_control()
    await scene.technician.clicks_remote(240, 480)
    await scene.technician.page.keyboard.type(TYPED)
    await scene.customer.says(SAID)
    await scene.technician.reads(SAID)
    bearer = await scene.technician.page.evaluate("JSON.stringify(Object.values(sessionStorage))")
    await scene.technician.ends_session()
    await scene.technician.waits_for_state("ended")
    token = max(bearer.replace("\\", "").split('"'), key=len)
    assert len(tickets) >= 2
    assert len(token) > 100
    secrets = {scene.code, scene.stack.password, SAID, TYPED, REASON, token, *tickets}
    for name, text in {**logs(scene), "addresses": "\n".join(addresses)}.items():
        found = [secret for secret in secrets if secret in text]
        assert not found, f"{name} holds {len(found)} of them"


def logs(scene: Scene) -> dict[str, str]:
    """Everything that was logged, by file."""
    files = [
        *scene.stack.logs.rglob("*"),
        *Path(scene.stack.state / "nats").glob("*.log"),
        *scene.folder.glob("*.log"),
    ]
    texts = {str(file): file.read_text(errors="replace") for file in files if file.is_file()}
    assert len(texts) >= 6, "the logs are where they are looked for"
    return texts
