"""Law 3: relays act on the device's own revocation, and what is sent after it reaches nobody."""

from beistand.bus import rpc
from beistand.conformance.case import of_law, refused, require
from beistand.conformance.device import Device
from beistand.conformance.scene import Scene, Visit, closed
from beistand.conformance.viewer import Viewer
from beistand.protocol import subjects
from beistand.protocol.errors import BadSignature, NoGrant
from beistand.protocol.messages import SignedUp
from beistand.protocol.records import Cause, Revocation
from beistand.protocol.subjects import Up

GOES_ON = 100
"""Pictures a rogue device still sends when the relay has stopped."""


async def relays_hear_the_device_itself(scene: Scene) -> None:
    """A relay stops on the device's own word, with no other service taking part: 0 pictures after it."""
    visit = await scene.visit()
    grant = await visit.allowed()
    viewer = await scene.watching(visit, grant)
    device = visit.device
    async with scene.streaming(visit, grant) as sent:
        # Without an inbox of its own for the answer, no service takes it; whoever listens, hears it.
        message = SignedUp(type="revocation", jws=_revocation(device, grant))
        await rpc.publish(device.clients["control"], subjects.up(device.org, device.sid, Up.REVOKED), message)
        await _nothing_after(scene, visit, viewer, grant, sent)
    require(await visit.is_live(grant), "a service acted on it, so that this case shows nothing")
    await scene.shut_out(visit)


async def a_device_that_ignores_its_stop_reaches_nobody(scene: Scene) -> None:
    """A rogue device that revokes and streams on, lease and all, reaches nobody: 0 pictures after it."""
    visit = await scene.visit()
    grant = await visit.allowed()
    viewer = await scene.watching(visit, grant)
    async with scene.streaming(visit, grant) as sent:
        await visit.device.revoke(grant)
        await _nothing_after(scene, visit, viewer, grant, sent)
        again = await scene.at_the_door(visit)
        await closed(again, NoGrant)
    require(not again.frames, "a new viewer got pictures of a revoked grant")


async def handed_back_is_over(scene: Scene) -> None:
    """What the technician hands back is over, though the device goes on: 0 pictures after it."""
    visit = await scene.visit()
    grant = await visit.allowed()
    viewer = await scene.watching(visit, grant)
    async with scene.streaming(visit, grant) as sent:
        await scene.technician.hand_back(visit.sid, grant)
        await _nothing_after(scene, visit, viewer, grant, sent)
    await scene.shut_out(visit)


async def a_stop_by_https_stops(scene: Scene) -> None:
    """A signed stop that comes by HTTPS stops the relay as well: 0 pictures after it."""
    visit = await scene.visit()
    grant = await visit.allowed()
    viewer = await scene.watching(visit, grant)
    async with scene.streaming(visit, grant) as sent:
        jws = _revocation(visit.device, grant)
        await _posted(scene, visit, jws)
        await _nothing_after(scene, visit, viewer, grant, sent)


async def a_strangers_stop_changes_nothing(scene: Scene) -> None:
    """Nobody else can stop it: a revocation by HTTPS that the device did not sign is refused and ignored."""
    visit = await scene.visit()
    grant = await visit.allowed()
    viewer = await scene.watching(visit, grant)
    forged = visit.device.forge(
        Revocation, seed=bytes(range(32)), grant_ids=(grant,), cause=Cause.STOP_SHARING
    )
    await refused("a stranger's revocation", _posted(scene, visit, forged), BadSignature)
    await scene.sees(viewer, visit, grant)
    require(await visit.is_live(grant), "a stranger ended the access")


async def _nothing_after(scene: Scene, visit: Visit, viewer: Viewer, grant: str, sent: list[int]) -> None:
    """The relay stops, the device sends on, and nothing more came: counted, not timed."""
    await viewer.until("relay.stopped")
    stopped_at = len(sent)
    sent.extend([await visit.device.show(grant) for _ in range(GOES_ON)])
    await visit.device.clients["media"].flush()
    await closed(viewer, NoGrant)
    after = viewer.frames_after("relay.stopped")
    scene.figures |= {"sent after": len(sent) - stopped_at, "forwarded after": len(after)}
    require(viewer.frames, "the viewer got no picture even before")
    require(not after, f"{len(after)} pictures were forwarded after the stop")


async def _posted(scene: Scene, visit: Visit, jws: str) -> None:
    body = {"org": visit.device.org, "sid": visit.sid, "type": "revocation", "jws": jws}
    await (await scene.stranger()).call("POST", "/v1/agent/records", body)


def _revocation(device: Device, grant: str) -> str:
    return device.sign(Revocation, grant_ids=(grant,), cause=Cause.STOP_SHARING)


CASES = of_law(
    3,
    relays_hear_the_device_itself,
    a_device_that_ignores_its_stop_reaches_nobody,
    handed_back_is_over,
    a_stop_by_https_stops,
    a_strangers_stop_changes_nothing,
)
