"""Law 7: while the customer is being asked whether to end, nothing flows."""

import asyncio

from beistand.conformance.case import of_law, require
from beistand.conformance.scene import Scene, Visit

PICTURES = 50
EVERY_S = 0.005
QUIET_S = 0.3
"""Between the last picture in the pause and its end; they travel on two connections."""


async def nothing_flows_while_asked(scene: Scene) -> None:
    """The pause reaches the viewer, 0 pictures follow it, and all goes on when the customer goes on."""
    visit = await scene.visit()
    grant = await visit.allowed()
    viewer = await scene.watching(visit, grant)
    await visit.device.pause(paused=True)
    await viewer.until("relay.paused", paused=True)
    await _stream_on(visit, grant)
    after = viewer.frames_after("relay.paused", paused=True)
    scene.figures |= {"sent in the pause": PICTURES, "forwarded": len(after)}
    require(not after, f"{len(after)} pictures were forwarded in the pause")
    await visit.device.pause(paused=False)
    await viewer.until("relay.paused", paused=False)
    await scene.sees(viewer, visit, grant)


async def who_comes_into_a_pause_sees_nothing(scene: Scene) -> None:
    """A viewer that comes in during the pause is told of it, and sees nothing until it is over."""
    visit = await scene.visit()
    grant = await visit.allowed()
    first = await scene.watching(visit, grant)
    await visit.device.pause(paused=True)
    await first.until("relay.paused", paused=True)
    late = await scene.at_the_door(visit)
    await late.until("relay.paused", paused=True)
    await _stream_on(visit, grant)
    require(not late.frames, f"{len(late.frames)} pictures were forwarded in the pause")
    await visit.device.pause(paused=False)
    await scene.sees(late, visit, grant)


async def _stream_on(visit: Visit, grant: str) -> None:
    for _ in range(PICTURES):
        await visit.device.show(grant)
        await asyncio.sleep(EVERY_S)
    await visit.device.clients["media"].flush()
    await asyncio.sleep(QUIET_S)


CASES = of_law(7, nothing_flows_while_asked, who_comes_into_a_pause_sees_nothing)
