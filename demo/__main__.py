"""Plays a real session from start to end (`make demo`): `demo: OK` and 0, or what failed and 1."""

import asyncio
import shutil
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from beistand.bus.keys import CONSENT_PUBLIC
from beistand.cli.stack import Stack, StackSettings
from demo.customer import customer, notes
from demo.desktop import desktop
from demo.narrator import Narrator
from demo.story import Story
from demo.technician import browser, technician
from demo.unattended import Unattended

FOLDER = Path("build/demo")


async def play(narrator: Narrator, folder: Path) -> None:
    """Start everything, play the story, stop everything."""
    async with AsyncExitStack() as scene:
        state = Path(scene.enter_context(tempfile.TemporaryDirectory(prefix="beistand-demo-")))
        narrator.say("Starting the NATS server and the four services, a desktop and a browser ...")
        stack = await scene.enter_async_context(Stack(StackSettings.on_free_ports(state)))
        screen = await scene.enter_async_context(desktop(log=folder / "desktop.log"))
        note_file = await scene.enter_async_context(notes(screen, folder))
        helper = await scene.enter_async_context(technician(await scene.enter_async_context(browser())))
        helped = await scene.enter_async_context(customer(screen, gateway=stack.gateway_url, folder=folder))
        await helped.waits_for("join-code")
        narrator.desktop, narrator.technician = screen, helper
        story = Story(narrator, helper, helped, stack.gateway_url, stack.user, stack.password, note_file)
        story.consent_key = (stack.keys / CONSENT_PUBLIC).read_text().strip()
        try:
            await story.play()
            narrator.say("Second act: access while nobody sits there")
            await helped.starts_over()
            await Unattended(narrator, helper, helped, stack.gateway_url, stack.user, stack.password).play()
        except Exception:
            await narrator.photograph("failed")
            raise
        if helper.errors:
            raise RuntimeError(f"the console page reported: {helper.errors[0]}")


def main() -> int:
    """0 if the whole story held."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    narrator = Narrator(FOLDER)
    try:
        asyncio.run(play(narrator, FOLDER.absolute()))
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the person is told and the exit code says so
        failure = f"{type(error).__name__}: {error}"
        narrator.report(failure=failure)
        print(f"demo: FAILED after step {len(narrator.steps)}: {failure}\n      see {FOLDER}/ and its logs")
        return 1
    narrator.report()
    print(f"Screenshots of both sides and report.json: {FOLDER}/")
    print(f"What the receipt tells: {FOLDER}/receipt-customer.txt (German), receipt-technician.txt (English)")
    print("demo: OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
