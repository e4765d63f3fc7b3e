"""Law 5: media and input travel under their grant's id; when the grant dies, nobody listens there."""

from beistand.conformance.case import of_law, require
from beistand.conformance.scene import Scene, Visit, closed
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import NoGrant, TicketRefused, WrongState
from beistand.protocol.messages import InputText, encode
from beistand.protocol.records import Cause
from beistand.protocol.subjects import Up

STALE = 500
"""Number of the first picture that must not be seen."""
STALE_PICTURES = 50


async def the_old_subject_is_dead(scene: Scene) -> None:
    """After a new yes, pictures under the old grant reach nobody, and those under the new one do."""
    visit = await scene.visit()
    old = await visit.allowed()
    await _stopped(scene, visit, old)
    new = await visit.allowed()
    require(new != old, "a new yes got the old grant's id")
    viewer = await scene.watching(visit, new)
    next_in_order = visit.device.frame_seq
    for number in range(STALE_PICTURES):
        await visit.device.show(old, seq=STALE + number)
    visit.device.frame_seq = next_in_order
    await scene.sees(viewer, visit, new)
    seen = [seq for seq in viewer.frames if seq >= STALE]
    scene.figures |= {"sent under the old grant": STALE_PICTURES, "forwarded": len(seen)}
    require(not seen, f"{len(seen)} pictures of the old grant were forwarded")


async def _stopped(scene: Scene, visit: Visit, grant: str) -> None:
    """Watched, then stopped by the customer; the device goes on naming it in its lease."""
    viewer = await scene.watching(visit, grant)
    await visit.device.revoke(grant)
    await closed(viewer, NoGrant)


async def nothing_revives_a_grant(scene: Scene) -> None:
    """The old yes sent again, and leases that name it, revive nothing."""
    visit = await scene.visit()
    ask, ask_jws = await visit.asked(scene.technician, Capability.VIEW)
    yes = visit.device.decide(ask, ask_jws)
    await visit.device.send(Up.DECISION, "decision", yes)
    visit.device.leased.add(ask.request_id)
    await _stopped(scene, visit, ask.request_id)
    await visit.device.lease(ask.request_id)
    await scene.refused_answer(visit, "the old yes", yes, WrongState)
    await scene.nothing_granted(visit, ask.request_id)


async def old_tabs_stay_shut(scene: Scene) -> None:
    """A tab from before the stop is closed, and its tickets, used or unused, let nobody in again."""
    visit = await scene.visit()
    grant = await visit.allowed()
    used, url = await scene.technician.ticket(visit.sid)
    unused, _ = await scene.technician.ticket(visit.sid)
    tab = await (await scene.viewer(url)).hello(used)
    await tab.until("relay.ready")
    await visit.device.revoke(grant)
    await closed(tab, NoGrant)
    reload = await (await scene.viewer(url)).hello(used)
    await closed(reload, TicketRefused)
    second_tab = await (await scene.viewer(url)).hello(unused)
    await closed(second_tab, NoGrant)
    for viewer in (reload, second_tab):
        require(not viewer.frames and not viewer.texts("relay.ready"), "an old tab was let in")


async def input_of_an_old_grant_is_dropped(scene: Scene) -> None:
    """Input sent between two grants arrives neither then nor later."""
    visit = await scene.visit()
    view = await visit.allowed()
    viewer = await scene.watching(visit, view)
    await visit.device.hear_input()
    old = await visit.allowed(Capability.CONTROL)
    await viewer.until("relay.control", live=True)
    viewer.forget()
    await visit.device.revoke(old, cause=Cause.STOP_CONTROL)
    await viewer.until("relay.control", live=False)
    await viewer.say(InputText(text="between"))
    await viewer.handled()
    viewer.forget()
    new = await visit.allowed(Capability.CONTROL)
    await viewer.until("relay.control", live=True)
    await viewer.say(InputText(text="after"))
    await scene.settled(viewer, visit, view)
    arrived = [(new, encode(InputText(text="after")))]
    require(visit.device.inputs == arrived, "not exactly what was sent under the new grant arrived")


CASES = of_law(
    5, the_old_subject_is_dead, nothing_revives_a_grant, old_tabs_stay_shut, input_of_an_old_grant_is_dropped
)
