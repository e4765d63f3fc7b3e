"""Law 8, as far as the wire shows it: input is held back while a question is open, and without control.

That input never reaches the device's own windows is the device's own doing; no door shows it from outside.
"""

from beistand.conformance.case import of_law, require
from beistand.conformance.scene import Scene, Visit
from beistand.conformance.viewer import Viewer
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import InputButton, InputKey, InputRelease, InputText, Message, encode
from beistand.protocol.records import Cause

PRESSED: tuple[Message, ...] = (
    InputButton(x=1, y=1, button="left", action="down"),
    InputButton(x=1, y=1, button="left", action="up"),
    InputKey(key="Enter", code="Enter", action="down"),
    InputKey(key="Enter", code="Enter", action="up"),
    InputText(text="yes"),
    InputRelease(),
)
"""Every way to press a button."""
AFTERWARDS = InputText(text="afterwards")


async def input_in_a_pause_is_dropped(scene: Scene) -> None:
    """Input sent while the customer is being asked arrives neither then nor later."""
    visit, viewer, view, control = await _controlled(scene)
    await visit.device.pause(paused=True)
    await viewer.until("relay.paused", paused=True)
    await _press(viewer)
    await visit.device.pause(paused=False)
    await viewer.until("relay.paused", paused=False)
    await viewer.say(AFTERWARDS)
    await scene.settled(viewer, visit, view)
    require(visit.device.inputs == [(control, encode(AFTERWARDS))], "input of the pause arrived")


async def input_without_control_is_dropped(scene: Scene) -> None:
    """When the customer stops control, no input arrives any more, while the picture goes on."""
    visit, viewer, view, control = await _controlled(scene)
    await visit.device.revoke(control, cause=Cause.STOP_CONTROL)
    await viewer.until("relay.control", live=False)
    await _press(viewer)
    await scene.settled(viewer, visit, view)
    require(not visit.device.inputs, "input arrived after control was stopped")


async def _controlled(scene: Scene) -> tuple[Visit, Viewer, str, str]:
    """A session under control: the visit, its viewer, and the two grants."""
    visit = await scene.visit()
    view = await visit.allowed()
    viewer = await scene.watching(visit, view)
    await visit.device.hear_input()
    control = await visit.allowed(Capability.CONTROL)
    await viewer.until("relay.control", live=True)
    await viewer.say(InputText(text="before"))
    await scene.settled(viewer, visit, view)
    require(visit.device.inputs, "input did not arrive under a yes to control")
    visit.device.inputs.clear()
    viewer.forget()
    return visit, viewer, view, control


async def _press(viewer: Viewer) -> None:
    for message in PRESSED:
        await viewer.say(message)
    await viewer.handled()


CASES = of_law(8, input_in_a_pause_is_dropped, input_without_control_is_dropped)
