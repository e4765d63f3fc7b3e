"""Law 6: what is not understood, not answered, not heard of or not reachable is a no."""

import asyncio
import base64
import json

from websockets.exceptions import InvalidStatus

from beistand.bus import rpc
from beistand.conformance.case import Broken, Case, of_law, refused, require
from beistand.conformance.scene import Scene, closed
from beistand.protocol import subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import (
    BadSignature,
    InvalidMessage,
    NoGrant,
    TicketRefused,
    Unauthenticated,
    Unavailable,
    WrongState,
)
from beistand.protocol.messages import Ack, RequestState, SignedUp
from beistand.protocol.records import Cause, Revocation
from beistand.protocol.subjects import Up

UNMAPPED = (
    '{"type": "files.offer", "name": "invoice.exe"}',
    '{"type": "input.text", "text": "x", "as": "system"}',
    '{"type": "viewer.hello", "ticket": "' + "A" * 43 + '"}',
)
"""An unknown type, an unknown field, and a type that has no place here."""
LONGEST_ANSWER_S = 600
"""No deployment may let a question wait longer (`Ask.answer_within_s`)."""


async def unmapped_messages_do_nothing(scene: Scene) -> None:
    """What no table knows does nothing at the device, and whoever goes on with it is put out."""
    visit = await scene.visit()
    view = await visit.allowed()
    viewer = await scene.watching(visit, view)
    await visit.device.hear_input()
    await visit.allowed(Capability.CONTROL)
    await viewer.until("relay.control", live=True)
    await viewer.say(UNMAPPED[0])
    await viewer.say(UNMAPPED[1])
    await scene.settled(viewer, visit, view)
    # Looked at before the socket closes: with it the relay lets all keys go at the device.
    require(not visit.device.inputs, "a message that no table knows arrived at the device")
    await viewer.say(UNMAPPED[2])
    await closed(viewer, InvalidMessage)


async def unreadable_answers_grant_nothing(scene: Scene) -> None:
    """An answer that cannot be read, or is of another kind, grants nothing."""
    visit = await scene.visit()
    question = await visit.asked(scene.technician, Capability.VIEW)
    genuine = scene.forged_answer(visit, question)
    head, _, signature = genuine.split(".")
    payload = _b64({"outcome": "granted"})
    other_kind = visit.device.forge(Revocation, grant_ids=(question[0].request_id,), cause=Cause.STOP_SHARING)
    for what, jws in (
        ("nonsense", "x" * 100),
        ("an answer cut short", genuine[:-20]),
        ("an answer with other content", f"{head}.{payload}.{signature}"),
        ("a record of another kind", other_kind),
    ):
        await scene.refused_answer(visit, what, jws, BadSignature)
    device = visit.device
    subject = subjects.up(device.org, device.sid, Up.DECISION)
    mislabelled = SignedUp(type="revocation", jws=genuine)
    sent = rpc.request(device.clients["control"], subject, mislabelled, Ack)
    await refused("an answer under another name", sent, InvalidMessage)
    await scene.nothing_granted(visit, question[0].request_id)


async def unreadable_stops_stop(scene: Scene) -> None:
    """What arrives where a device says stop, and cannot be read, stops."""
    visit = await scene.visit()
    grant = await visit.allowed()
    viewer = await scene.watching(visit, grant)
    device = visit.device
    await device.clients["control"].publish(subjects.up(device.org, device.sid, Up.REVOKED), b"\x00stop")
    await closed(viewer, NoGrant)
    await scene.shut_out(visit)


async def a_lost_lease_ends_the_view(scene: Scene) -> None:
    """A device that no longer says that access is alive is not shown any more, however much it streams."""
    visit = await scene.visit()
    grant = await visit.allowed()
    viewer = await scene.watching(visit, grant)
    await visit.silence()
    async with scene.streaming(visit, grant):
        stopped = await viewer.until("relay.stopped")
        await closed(viewer, Unavailable)
    require(stopped.get("cause") == Cause.LEASE_LOST, "the viewer was not told that the lease was lost")
    require(not viewer.frames_after("relay.stopped"), "pictures were forwarded after the lease was lost")


async def no_unknown_verb_is_answered(scene: Scene) -> None:
    """What a device says under a name that no table knows is answered by nobody."""
    visit = await scene.visit()
    question = await visit.asked(scene.technician, Capability.VIEW)
    device = visit.device
    message = SignedUp(type="decision", jws=scene.forged_answer(visit, question))
    for verb in ("grant", "grants", "admin", "decision.now"):
        subject = f"bst.up.{device.org}.{device.sid}.{verb}"
        sent = rpc.request(device.clients["control"], subject, message, Ack, timeout=1.0)
        await refused(f"a request for '{verb}'", sent, Unavailable)
    await scene.nothing_granted(visit, question[0].request_id)


async def unknown_tokens_open_nothing(scene: Scene) -> None:
    """No token, a made-up token or a changed one opens no operation on a session."""
    visit = await scene.visit()
    body = {"capability": "view", "reason": "please"}
    genuine = scene.deployment.account.token
    for token in ("", "x" * 40, _unsigned(genuine), _resigned(genuine), genuine + "x"):
        stranger = await scene.stranger(token)
        path = f"/v1/sessions/{visit.sid}"
        await refused("reading", stranger.call("GET", path), Unauthenticated)
        await refused("asking", stranger.call("POST", f"{path}/requests", body), Unauthenticated)
        await refused("a ticket", stranger.call("POST", f"{path}/tickets", {}), Unauthenticated)


async def unknown_viewers_stay_outside(scene: Scene) -> None:
    """A made-up ticket, a ticket for something else or a foreign page opens no viewer."""
    visit = await scene.visit()
    await visit.allowed()
    for_events, _ = await scene.technician.ticket(visit.sid, "events")
    ticket, url = await scene.technician.ticket(visit.sid)
    for wrong in ("A" * 43, for_events):
        await closed(await (await scene.viewer(url)).hello(wrong), TicketRefused)
    for origin in ("https://elsewhere.example", "null"):
        await _no_upgrade(scene, url, origin)
    viewer = await (await scene.viewer(url)).hello(ticket)
    await viewer.until("relay.ready")


async def _no_upgrade(scene: Scene, url: str, origin: str) -> None:
    try:
        await scene.viewer(url, origin=origin)
    except InvalidStatus:
        return
    raise Broken(f"the relay let in a page of {origin}")


async def silence_is_a_no(scene: Scene) -> None:
    """A question that nobody answers ends as a no, and a yes after it comes too late."""
    visit = await scene.visit()
    question = await visit.asked(scene.technician, Capability.VIEW)
    async with asyncio.timeout(LONGEST_ANSWER_S + 10):
        while await scene.technician.state_of(visit.sid, question[0].request_id) is RequestState.ASKED:  # noqa: ASYNC110
            await asyncio.sleep(1)
    late = scene.forged_answer(visit, question)
    await refused("a late yes", visit.device.send(Up.DECISION, "decision", late), WrongState)
    await scene.nothing_granted(visit, question[0].request_id)


def _unsigned(token: str) -> str:
    """The same claims under `alg: none` (RFC 8725 section 2.1)."""
    payload = token.split(".")[1] if token.count(".") == 2 else token
    return f"{_b64({'alg': 'none', 'typ': 'JWT'})}.{payload}."


def _resigned(token: str) -> str:
    """The same claims with a signature of the same length that is made up."""
    body, _, signature = token.rpartition(".")
    return f"{body}.{'A' * len(signature)}"


def _b64(content: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


CASES = (
    *of_law(
        6,
        unmapped_messages_do_nothing,
        unreadable_answers_grant_nothing,
        unreadable_stops_stop,
        a_lost_lease_ends_the_view,
        no_unknown_verb_is_answered,
        unknown_tokens_open_nothing,
        unknown_viewers_stay_outside,
    ),
    Case(6, silence_is_a_no, slow=True),
)
