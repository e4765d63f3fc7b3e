"""Law 4: a grant is for one session, one technician, one capability; everything else is a new question."""

from nats.aio.client import Client
from nats.aio.msg import Msg

from beistand.conformance.case import of_law, refused, require
from beistand.conformance.device import Device, picture
from beistand.conformance.scene import Scene, closed
from beistand.protocol import subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BadSignature, NoGrant, NotFound, WrongState
from beistand.protocol.messages import InputText, Lease, encode
from beistand.protocol.records import Decision
from beistand.protocol.subjects import Up

FOREIGN = 1000
"""Number of a picture that must not be seen."""


async def seeing_is_not_controlling(scene: Scene) -> None:
    """A yes to view lets no input through; control takes its own question and its own yes."""
    visit = await scene.visit()
    view = await visit.allowed()
    viewer = await scene.watching(visit, view)
    await visit.device.hear_input()
    await viewer.say(InputText(text="before"))
    await scene.settled(viewer, visit, view)
    require(not visit.device.inputs, "input arrived without a yes to control")
    control = await visit.allowed(Capability.CONTROL)
    await viewer.until("relay.control", live=True)
    await viewer.say(InputText(text="after"))
    await scene.settled(viewer, visit, view)
    arrived = [(control, encode(InputText(text="after")))]
    require(visit.device.inputs == arrived, "not exactly what was sent under the yes to control arrived")


async def control_rests_on_a_view(scene: Scene) -> None:
    """Control cannot even be asked for without a live view."""
    visit = await scene.visit()
    await refused("control without a view", scene.technician.ask(visit.sid, Capability.CONTROL), WrongState)


async def a_second_technician_needs_a_yes(scene: Scene) -> None:
    """A second technician in the session sees nothing before their own yes; a stop cuts whom it names."""
    second = await scene.second()
    visit = await scene.visit()
    first_grant = await visit.allowed()
    first_viewer = await scene.watching(visit, first_grant)
    await scene.shut_out(visit, second)
    control = second.ask(visit.sid, Capability.CONTROL)
    await refused("control on somebody else's view", control, WrongState)
    second_grant = await visit.allowed(technician=second)
    second_viewer = await scene.watching(visit, second_grant, second)
    require(second_grant != first_grant, "two technicians got the same grant")
    await visit.device.revoke(first_grant)
    await closed(first_viewer, NoGrant)
    await scene.sees(second_viewer, visit, second_grant)
    await scene.shut_out(visit)


async def a_yes_is_for_its_own_session(scene: Scene) -> None:
    """A yes given in one session is none in another, whoever carries it there."""
    here, there = await scene.visit(), await scene.visit()
    question = await here.asked(scene.technician, Capability.VIEW)
    yes = scene.forged_answer(here, question)
    await scene.refused_answer(there, "a yes from another session", yes, BadSignature)
    elsewhere = await there.asked(scene.technician, Capability.VIEW)
    content = there.device.answer_of(*elsewhere)
    borrowed = here.device.forge(Decision, **content, org=there.device.org, sid=there.sid)
    await scene.refused_answer(there, "a yes signed by another session's device", borrowed, BadSignature)
    await scene.refused_answer(here, "a yes about another session", borrowed, BadSignature, NotFound)
    await scene.nothing_granted(there, elsewhere[0].request_id)


async def a_device_keeps_to_its_session(scene: Scene) -> None:
    """A device can neither speak nor listen in another session, on any subject."""
    victim, rogue = await scene.visit(), await scene.visit()
    grant = await victim.allowed()
    viewer = await scene.watching(victim, grant)
    bus = rogue.device.clients["control"]
    heard = await _overhear(bus, victim.device, grant)
    await _interfere(bus, victim.device, grant)
    await scene.technician.say(victim.sid, "Hello")
    await scene.sees(viewer, victim, grant)
    await bus.flush()
    require(FOREIGN not in viewer.frames, "a device put a picture into another session")
    require(not viewer.texts("relay.paused"), "a device paused another session")
    require(not heard, f"a device heard what is not for it: {sorted(heard)}")


async def _overhear(bus: Client, victim: Device, grant: str) -> set[str]:
    """Subscribe to all that is said in the victim's session; the subjects of what is heard."""
    heard: set[str] = set()

    async def note(message: Msg) -> None:
        heard.add(message.subject)

    org, sid = victim.org, victim.sid
    for pattern in (
        ">",
        "bst.>",
        "bst.up.*.*.lease",
        subjects.up_of_session(org, sid),
        subjects.down_of_session(org, sid),
        subjects.media(org, sid, grant),
        f"{subjects.inbox_prefix(sid)}.>",
    ):
        await bus.subscribe(pattern, cb=note)
    await bus.flush()
    return heard


async def _interfere(bus: Client, victim: Device, grant: str) -> None:
    """A picture, a stop (unreadable is enough) and a pause in the victim's name."""
    org, sid = victim.org, victim.sid
    await bus.publish(subjects.media(org, sid, grant), picture(FOREIGN))
    await bus.publish(subjects.up(org, sid, Up.REVOKED), b"stop")
    await bus.publish(subjects.up(org, sid, Up.LEASE), encode(Lease(paused=True)))
    await bus.flush()


CASES = of_law(
    4,
    seeing_is_not_controlling,
    control_rests_on_a_view,
    a_second_technician_needs_a_yes,
    a_yes_is_for_its_own_session,
    a_device_keeps_to_its_session,
)
