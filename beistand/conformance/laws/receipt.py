"""Law 9, as far as the wire shows it: both sides get a receipt that names everything, checked offline."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from beistand.conformance.case import of_law, refused, require, within
from beistand.conformance.scene import Scene, Visit
from beistand.protocol import receipt, signing
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import BeistandError, WrongState
from beistand.protocol.records import (
    Ask,
    Cause,
    Decision,
    End,
    Hello,
    Outcome,
    Pause,
    ReceiptRequest,
    Revocation,
)

STORY = (Hello, Ask, Decision, Ask, Decision, Pause, Pause, Revocation, Ask, Decision, End)
"""What happens in `_story`."""


async def the_receipt_names_everything(scene: Scene) -> None:
    """The technician's receipt verifies offline with the keys fixed at join, and names all that happened."""
    visit = await _story(scene)
    verdict = _verified(visit, await scene.technician.receipt(visit.sid))
    require(verdict.ok, f"the receipt is not genuine: {verdict.detail}")
    told = tuple(type(event.record) for event in verdict.events)
    require(told == STORY, f"the receipt tells {[kind.__name__ for kind in told]}")
    outcomes = [event.record.outcome for event in verdict.events if isinstance(event.record, Decision)]
    expected = [Outcome.GRANTED, Outcome.GRANTED, Outcome.DENIED]
    require(outcomes == expected, f"the receipt tells of the answers {outcomes}")


async def the_receipt_is_the_devices_own_story(scene: Scene) -> None:
    """The receipt holds, byte for byte, what the device signed and was given; the device gets the same."""
    visit = await _story(scene)
    device = visit.device
    text = await scene.technician.receipt(visit.sid)
    lines = [(line["jws"], line["entry_jws"]) for line in json.loads(text)["records"]]
    own = [jws for jws, _ in lines if signing.type_of(jws) != Ask.typ]
    require(own == device.records, "the receipt's records are not the device's own")
    given = {jws: entry for jws, entry in lines if jws in device.entries}
    require(given == device.entries, "the receipt's entries are not those that the device was given")
    handed = await _handed_over(scene, visit)
    require(handed["records"] == json.loads(text)["records"], "the device gets another receipt")


async def a_changed_receipt_is_found_out(scene: Scene) -> None:
    """A receipt in which anything is left out, swapped, altered or cut off does not verify."""
    visit = await _story(scene)
    text = await scene.technician.receipt(visit.sid)
    for what, change in _CHANGES.items():
        bundle = json.loads(text)
        change(bundle)
        require(not _verified(visit, json.dumps(bundle)).ok, f"a receipt with {what} verifies")
    scene.figures["changes"] = len(_CHANGES)


async def no_receipt_before_the_end(scene: Scene) -> None:
    """While a session goes on there is no receipt that could be taken for the whole of it."""
    visit = await scene.visit()
    await visit.allowed()
    await refused("a receipt before the end", scene.technician.receipt(visit.sid), WrongState)


async def nobody_elses_receipt(scene: Scene) -> None:
    """A device gets a receipt with its own signature only."""
    visit = await _story(scene)
    device = visit.device
    wanted = ReceiptRequest(org=device.org, sid=device.sid, asked_at=datetime.now(UTC))
    forged = signing.sign(wanted, bytes(range(32)))
    body = {"org": device.org, "session_id": device.sid, "jws": forged}
    stranger = await scene.stranger()
    await refused("a stranger's receipt", stranger.call("POST", "/v1/receipts", body), BeistandError)


async def _story(scene: Scene) -> Visit:
    """View and control allowed, a moment of doubt, control stopped, asked again and denied, ended."""
    visit = await scene.visit()
    await visit.allowed()
    control = await visit.allowed(Capability.CONTROL)
    await visit.device.pause(paused=True)
    await visit.device.pause(paused=False)
    await visit.device.revoke(control, cause=Cause.STOP_CONTROL)
    await scene.technician.ask(visit.sid, Capability.CONTROL)
    ask, ask_jws = await visit.device.question()
    await visit.device.answer(ask, ask_jws, outcome=Outcome.DENIED)
    await visit.device.end()
    await within("the receipt has every record", _complete(scene, visit))
    return visit


async def _complete(scene: Scene, visit: Visit) -> None:
    """The end is recorded after it has taken effect."""
    while not await _has_all(scene, visit):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def _has_all(scene: Scene, visit: Visit) -> bool:
    try:
        text = await scene.technician.receipt(visit.sid)
    except WrongState:
        return False
    return len(json.loads(text)["records"]) >= len(STORY)


async def _handed_over(scene: Scene, visit: Visit) -> Any:
    device = visit.device
    wanted = ReceiptRequest(org=device.org, sid=device.sid, asked_at=datetime.now(UTC))
    body = {"org": device.org, "session_id": device.sid, "jws": signing.sign(wanted, device.seed)}
    return await (await scene.stranger()).call("POST", "/v1/receipts", body)


def _verified(visit: Visit, text: str) -> receipt.Verdict:
    return receipt.verify(text, agent_key=visit.device.agent_key, consent_key=visit.device.joined.consent_key)


def _flipped(text: str) -> str:
    middle = len(text) // 2
    return text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]


def _flip(bundle: dict[str, Any], name: str) -> None:
    bundle["records"][2][name] = _flipped(bundle["records"][2][name])


def _swap(bundle: dict[str, Any]) -> None:
    lines = bundle["records"]
    lines[3], lines[4] = lines[4], lines[3]


_CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a record left out": lambda bundle: bundle["records"].pop(2),
    "the first record left out": lambda bundle: bundle["records"].pop(0),
    "its end cut off": lambda bundle: bundle["records"].pop(),
    "a record doubled": lambda bundle: bundle["records"].insert(2, bundle["records"][2]),
    "two records swapped": _swap,
    "a record altered": lambda bundle: _flip(bundle, "jws"),
    "a countersignature altered": lambda bundle: _flip(bundle, "entry_jws"),
    "another closing": lambda bundle: bundle.update(closing_jws=_flipped(bundle["closing_jws"])),
    "another device's key": lambda bundle: bundle.update(agent_key="U" + "A" * 55),
}

CASES = of_law(
    9,
    the_receipt_names_everything,
    the_receipt_is_the_devices_own_story,
    a_changed_receipt_is_found_out,
    no_receipt_before_the_end,
    nobody_elses_receipt,
)
