"""Law 10: after a confirmed end nothing gets in: no ticket, code, credential, tab or cached page."""

import asyncio
import secrets

from websockets.asyncio.client import connect

from beistand.conformance.case import Broken, of_law, refused, require, within
from beistand.conformance.device import PURPOSES, Device
from beistand.conformance.scene import Scene, Visit, closed
from beistand.conformance.viewer import Viewer
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import (
    CodeRefused,
    Ended,
    TicketRefused,
    Unavailable,
)
from beistand.protocol.messages import EventsHello, SessionState, encode

AT_ONCE = 50


async def the_customers_end_is_an_end(scene: Scene) -> None:
    """After the customer's end nothing gets in by any door, for neither side."""
    visit, viewer, left = await _in_session(scene)
    await visit.device.end()
    await closed(viewer, Ended)
    await _nothing_gets_in(scene, visit, viewer, left)


async def the_technicians_end_is_an_end(scene: Scene) -> None:
    """After the technician's end nothing gets in by any door, for neither side."""
    visit, viewer, left = await _in_session(scene)
    await scene.technician.end(visit.sid)
    await closed(viewer, Ended)
    await _nothing_gets_in(scene, visit, viewer, left)


async def one_of_fifty_gets_in(scene: Scene) -> None:
    """A ticket lets in one viewer: of fifty that show it at the same moment one is let in."""
    visit = await scene.visit()
    await visit.allowed()
    ticket, url = await scene.technician.ticket(visit.sid)
    viewers = await asyncio.gather(*(scene.viewer(url) for _ in range(AT_ONCE)))
    await asyncio.gather(*(viewer.hello(ticket) for viewer in viewers))
    outcomes = await asyncio.gather(*map(_let_in, viewers))
    scene.figures |= {"tried": AT_ONCE, "let in": sum(outcomes)}
    require(sum(outcomes) == 1, f"{sum(outcomes)} of {AT_ONCE} viewers came in with one ticket")


async def a_used_code_is_dead(scene: Scene) -> None:
    """Once a device is in the session, the code lets no other in."""
    visit = await scene.visit()
    await refused("a used code", scene.join(visit.code), CodeRefused)


async def a_stolen_ticket_is_worth_nothing(scene: Scene) -> None:
    """A device's ticket is no good without the device's key, from whatever connection."""
    visit = await scene.visit()
    thief = Device(visit.device.joined, secrets.token_bytes(32))
    scene.resources.push_async_callback(thief.close)
    for purpose in PURPOSES:
        await refused("a stolen ticket", thief.connect(purpose), TicketRefused)


async def _in_session(scene: Scene) -> tuple[Visit, Viewer, dict[str, str]]:
    """A session under way, and what is left unused of it: tickets."""
    visit = await scene.visit()
    grant = await visit.allowed()
    viewer = await scene.watching(visit, grant)
    relay, url = await scene.technician.ticket(visit.sid)
    events, events_url = await scene.technician.ticket(visit.sid, "events")
    return visit, viewer, {"relay": relay, "url": url, "events": events, "events_url": events_url}


async def _nothing_gets_in(scene: Scene, visit: Visit, viewer: Viewer, left: dict[str, str]) -> None:
    """Every door, one after the other."""
    require(not viewer.frames_after("relay.stopped"), "pictures were forwarded after the end")
    await within("the device is put out", visit.device.disconnected.wait())
    await _no_way_for_technicians(scene, visit)
    await _no_way_for_tabs(scene, left)
    await _no_way_for_devices(scene, visit)


async def _no_way_for_technicians(scene: Scene, visit: Visit) -> None:
    technician, sid = scene.technician, visit.sid
    await refused("a new ticket", technician.ticket(sid), Ended)
    await refused("a question", technician.ask(sid), Ended)
    await refused("control", technician.ask(sid, Capability.CONTROL), Ended)
    await refused("a chat line", technician.say(sid, "Are you there?"), Ended)
    ended = (await technician.call("GET", f"/v1/sessions/{sid}"))["state"]
    require(ended == SessionState.ENDED, f"the API says that the session is {ended}")
    said = await technician.call("GET", f"/v1/sessions/{sid}/chat")
    require(not said["items"], "a line said after the end was stored")


async def _no_way_for_tabs(scene: Scene, left: dict[str, str]) -> None:
    old_tab = await (await scene.viewer(left["url"])).hello(left["relay"])
    await closed(old_tab, Ended, TicketRefused)
    require(not old_tab.frames and not old_tab.texts("relay.ready"), "an old tab was let in")
    origin = scene.deployment.origin
    async with connect(left["events_url"], origin=origin) as events:  # type: ignore[arg-type]
        await events.send(encode(EventsHello(ticket=left["events"])).decode())
        await within("the event socket is closed", events.wait_closed())
        require(events.close_code in {4410, 4401}, f"the event socket was closed with {events.close_code}")


async def _no_way_for_devices(scene: Scene, visit: Visit) -> None:
    device = visit.device
    await refused("the old code", scene.join(visit.code), CodeRefused)
    ghost = Device(device.joined, device.seed)
    scene.resources.push_async_callback(ghost.close)
    for purpose in PURPOSES:
        await refused(f"the old {purpose} connection", ghost.connect(purpose), TicketRefused)
    await refused("the customer's chat", device.chat("Hello?"), Unavailable)


async def _let_in(viewer: Viewer) -> bool:
    try:
        await viewer.until("relay.ready")
    except Broken:
        await closed(viewer, TicketRefused)
        return False
    return True


CASES = of_law(
    10,
    the_customers_end_is_an_end,
    the_technicians_end_is_an_end,
    one_of_fifty_gets_in,
    a_used_code_is_dead,
    a_stolen_ticket_is_worth_nothing,
)
