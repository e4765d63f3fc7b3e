"""Law 1: only a decision signed by the customer's device makes a grant; nothing at the server does."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from beistand.conformance.case import given, of_law, refused, require
from beistand.conformance.device import new_id
from beistand.conformance.scene import Scene, Visit
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BadSignature, BeistandError, InvalidMessage, WrongState
from beistand.protocol.records import DecidedBy
from beistand.protocol.subjects import Up

WISHES: dict[str, object] = {
    "state": "live",
    "granted": True,
    "outcome": "granted",
    "decided_by": "person",
    "force": True,
}
"""What a server that can be talked into things might listen to."""
_CHANGES = frozenset({"post", "put", "patch"})


async def no_flag_makes_a_grant(scene: Scene) -> None:
    """No flag, header or field in any operation of the API makes a grant."""
    visit = await scene.visit()
    request = await scene.technician.ask(visit.sid)
    described = await scene.technician.call("GET", "/v1/openapi.json")
    bodies = (WISHES, {"capability": "view", "reason": "please", **WISHES})
    operations = list(_operations(described["paths"], visit, request.id))
    require(operations, "the description of the API names no operation on a session")
    attempts = [_try(scene, *operation, body) for operation in operations for body in bodies]
    await asyncio.gather(*attempts)
    scene.figures["attempts"] = len(attempts)
    await scene.nothing_granted(visit, request.id)


async def _try(scene: Scene, method: str, path: str, body: dict[str, object]) -> None:
    with suppress(BeistandError):
        await scene.technician.call(method, path, body, params=_text(WISHES), headers=_text(WISHES))


def _operations(paths: dict[str, Any], visit: Visit, request_id: str) -> Iterator[tuple[str, str]]:
    """All that changes something in a session but ends nothing, and what might be there undescribed."""
    for path, methods in paths.items():
        if "{session_id}" in path and not path.endswith("/end"):
            here = path.replace("{session_id}", visit.sid).replace("{request_id}", request_id)
            yield from ((method, here) for method in _CHANGES if method in methods)
    for hidden in ("", "/grant", "/decision", "/state"):
        path = f"/v1/sessions/{visit.sid}/requests/{request_id}{hidden}"
        yield from ((method, path) for method in sorted(_CHANGES))


def _text(wishes: dict[str, object]) -> dict[str, str]:
    return {re.sub("_", "-", name): str(wish).lower() for name, wish in wishes.items()}


async def another_key_makes_no_grant(scene: Scene) -> None:
    """A yes signed by another key than the one bound at join is refused; the device's own counts."""
    visit = await scene.visit()
    question = await visit.asked(scene.technician, Capability.VIEW)
    forged = scene.forged_answer(visit, question, seed=bytes(range(32)))
    await scene.refused_answer(visit, "a decision signed by another key", forged, BadSignature)
    await scene.nothing_granted(visit, question[0].request_id)
    await visit.device.answer(*question)
    visit.device.leased.add(question[0].request_id)
    await scene.watching(visit, question[0].request_id)


async def a_widened_answer_makes_no_grant(scene: Scene) -> None:
    """A yes to more, or to something else, than was asked is refused."""
    visit = await scene.visit()
    question = await visit.asked(scene.technician, Capability.VIEW)
    ask = question[0]
    widened: dict[str, dict[str, Any]] = {
        "for control instead of view": {"capability": Capability.CONTROL},
        "for another technician": {"technician_id": new_id()},
        "under another name": {"technician_name": "Somebody else"},
        "for longer": {"duration_s": 12 * 3600},
        "for another reason": {"reason": "Something else"},
        "with another nonce": {"nonce": new_id()},
        "to another question text": {"ask_hash": "A" * 43},
    }
    for what, changes in widened.items():
        forged = scene.forged_answer(visit, question, **changes)
        await scene.refused_answer(visit, f"a yes {what}", forged, BadSignature)
    scene.figures["forgeries"] = len(widened)
    await scene.nothing_granted(visit, ask.request_id)


async def only_a_person_says_yes(scene: Scene) -> None:
    """A yes that a policy or a timeout gave is refused, even signed by the device."""
    visit = await scene.visit()
    question = await visit.asked(scene.technician, Capability.VIEW)
    for whoever in (DecidedBy.POLICY, DecidedBy.TIMEOUT):
        forged = scene.forged_answer(visit, question, decided_by=whoever)
        await scene.refused_answer(visit, f"a yes by {whoever}", forged, BadSignature)
    await scene.nothing_granted(visit, question[0].request_id)


async def a_yes_does_not_come_by_https(scene: Scene) -> None:
    """The way by HTTPS is for stops: a genuine yes brought there makes no grant."""
    visit = await scene.visit()
    question = await visit.asked(scene.technician, Capability.VIEW)
    genuine = scene.forged_answer(visit, question)
    stranger = await scene.stranger()
    for kind in ("decision", "revocation", "pause", "end"):
        body = {"org": visit.device.org, "sid": visit.sid, "type": kind, "jws": genuine}
        posted = stranger.call("POST", "/v1/agent/records", body)
        await refused(f"a yes posted as {kind}", posted, InvalidMessage, BadSignature)
    await scene.nothing_granted(visit, question[0].request_id)


async def nothing_prolongs_a_grant(scene: Scene) -> None:
    """The same yes again changes nothing: not its end, not its place in the ledger."""
    visit = await scene.visit()
    question = await visit.asked(scene.technician, Capability.VIEW)
    jws = visit.device.decide(*question)
    entries = set()
    for _ in range(3):
        recorded = await visit.device.send(Up.DECISION, "decision", jws)
        entries.add(given(visit.device.entry_of(recorded, jws), "the yes was not countersigned"))
    require(len(entries) == 1, "the same yes was recorded more than once")
    ask = question[0]
    later = scene.forged_answer(visit, question, duration_s=min(ask.duration_s + 3600, 12 * 3600))
    await scene.refused_answer(visit, "a later yes for longer", later, BadSignature, WrongState)
    listed = await scene.technician.call("GET", f"/v1/sessions/{visit.sid}/requests")
    ends = {item["expires_at"] for item in listed["items"]}
    require(len(ends) == 1, "the API knows more than one end of the same grant")
    only = entries.pop()
    signed = only.recorded_at + timedelta(seconds=ask.duration_s)
    require(only.expires_at and only.expires_at <= signed, "the grant lasts longer than the person allowed")


CASES = of_law(
    1,
    no_flag_makes_a_grant,
    another_key_makes_no_grant,
    a_widened_answer_makes_no_grant,
    only_a_person_says_yes,
    a_yes_does_not_come_by_https,
    nothing_prolongs_a_grant,
)
