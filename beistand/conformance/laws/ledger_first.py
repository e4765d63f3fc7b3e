"""Law 2: access starts only after its decision is recorded; a stop takes effect recorded or not."""

from datetime import UTC, datetime, timedelta

from beistand.bus import rpc
from beistand.conformance.case import given, of_law, refused, require
from beistand.conformance.scene import Scene, closed
from beistand.protocol import subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BadSignature, NoGrant
from beistand.protocol.messages import RequestState, SignedUp
from beistand.protocol.records import Cause, Revocation
from beistand.protocol.subjects import Up

WRONG_PREV = "B" * 43
CLOCKS_APART = timedelta(hours=1)


async def what_the_ledger_refuses_opens_nothing(scene: Scene) -> None:
    """A person's yes that does not continue the device's chain cannot be recorded, so it opens nothing."""
    visit = await scene.visit()
    question = await visit.asked(scene.technician, Capability.VIEW)
    for what, place in (("to another past", {"prev": WRONG_PREV}), ("numbered again", {"seq": 0})):
        forged = scene.forged_answer(visit, question, **place)
        await scene.refused_answer(visit, f"a yes chained {what}", forged, BadSignature)
    await scene.nothing_granted(visit, question[0].request_id)


async def what_nobody_acknowledges_opens_nothing(scene: Scene) -> None:
    """A yes whose acknowledgement cannot come back to the device opens nothing."""
    visit = await scene.visit()
    question = await visit.asked(scene.technician, Capability.VIEW)
    device = visit.device
    message = SignedUp(type="decision", jws=scene.forged_answer(visit, question))
    subject = subjects.up(device.org, device.sid, Up.DECISION)
    await rpc.publish(device.clients["control"], subject, message)
    await device.clients["control"].flush()
    await scene.nothing_granted(visit, question[0].request_id)


async def a_live_grant_has_its_entry(scene: Scene) -> None:
    """When the API says live, the device holds the countersigned entry of exactly its own record."""
    visit = await scene.visit()
    ask, ask_jws = await visit.asked(scene.technician, Capability.VIEW)
    require(not await visit.is_live(ask.request_id), "the access was live before the answer")
    entry = given(await visit.device.answer(ask, ask_jws), "a yes was taken without an entry")
    require(await visit.is_live(ask.request_id), "a recorded yes is not live")
    apart = abs(entry.recorded_at - datetime.now(UTC))
    require(apart < CLOCKS_APART, "the entry is from another time")


async def an_unrecorded_stop_stops(scene: Scene) -> None:
    """A revocation that the ledger refuses is told so, and takes effect all the same."""
    visit = await scene.visit()
    grant = await visit.allowed()
    viewer = await scene.watching(visit, grant)
    device = visit.device
    misplaced = device.forge(Revocation, prev=WRONG_PREV, grant_ids=(grant,), cause=Cause.STOP_SHARING)
    sent = device.send(Up.REVOKED, "revocation", misplaced)
    await refused("a revocation that continues no chain", sent, BadSignature)
    await closed(viewer, NoGrant)
    await visit.becomes(grant, RequestState.REVOKED)
    await scene.shut_out(visit)


CASES = of_law(
    2,
    what_the_ledger_refuses_opens_nothing,
    what_nobody_acknowledges_opens_nothing,
    a_live_grant_has_its_entry,
    an_unrecorded_stop_stops,
)
