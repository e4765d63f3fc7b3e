"""A server that lies, against the real customer's engine and the real relay of a running stack.

Here, and only here, a test holds the stack's own keys: what a gateway, consent service or relay in an
attacker's hands could sign and say.
"""

import base64
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nats.aio.client import Client

from agent.engine import join
from agent.port import Answer
from beistand.bus.connection import connect
from beistand.bus.keys import CONSENT_SEED, read_raw
from beistand.bus.settings import BusSettings, ServiceName
from beistand.bus.store import Bucket, Store
from beistand.cli.stack import Stack
from beistand.conformance.device import picture
from beistand.conformance.scene import Deployment, Scene, Visit, closed, scene
from beistand.protocol import signing, subjects
from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import NoGrant
from beistand.protocol.messages import (
    AskDown,
    GrantEntry,
    InputText,
    Joined,
    MediaDown,
    RequestState,
    encode,
)
from beistand.protocol.records import Ask, Entry
from tests.support.person import Person, person_at, until
from tests.support.questions import an_ask

pytestmark = pytest.mark.conformance

ROGUE = bytes(range(32))


@pytest.fixture
async def stage(deployment: Deployment) -> AsyncIterator[Scene]:
    async with scene(deployment) as opened:
        yield opened


@asynccontextmanager
async def _in_the_hands_of(stack: Stack, service: ServiceName) -> AsyncIterator[Client]:
    """The bus with this service's identity."""
    client = await connect(BusSettings(nats_url=stack.server.url, keys=stack.keys), service)
    yield client
    await client.close()


def _look_up(stack: Stack, **lies: Any) -> Callable[[str, str], Awaitable[Joined]]:
    """What the gateway answers to a code, with these changes."""

    async def look_up(code: str, agent_key: str) -> Joined:
        return (await join.look_up(stack.gateway_url, code, agent_key)).model_copy(update=lies)

    return look_up


async def _joined(stage: Scene, person: Person) -> tuple[str, str]:
    """A session with the person in it: its organisation and id."""
    sid, code = await stage.technician.open_session()
    await person.joins(code)
    return "beistand", sid


async def _hears(stage: Scene, person: Person, sid: str) -> None:
    """A chat line arrives, so whatever was said before it has arrived, too."""
    before = len(person.view.chat)
    await stage.technician.say(sid, "Hello")
    await person.sees(lambda view: len(view.chat) > before)


async def test_a_gateway_that_names_another_consent_key_gets_no_question_shown(
    stack: Stack, stage: Scene
) -> None:
    other = base64.urlsafe_b64encode(signing.public_key_of(ROGUE)).rstrip(b"=").decode()
    async with person_at(_look_up(stack, consent_key=other)) as person:
        _, sid = await _joined(stage, person)
        asked = await stage.technician.ask(sid)
        await _hears(stage, person, sid)
        assert not any(view.questions for view in person.seen)
        assert await stage.technician.state_of(sid, asked.id) is RequestState.ASKED
        assert person.media.started == []


async def test_a_question_that_another_key_signed_is_never_shown(stack: Stack, stage: Scene) -> None:
    async with person_at(_look_up(stack)) as person, _in_the_hands_of(stack, "consent") as bus:
        org, sid = await _joined(stage, person)
        forged = signing.sign(an_ask(org=org, sid=sid), ROGUE)
        await bus.publish(subjects.down(org, sid, subjects.Down.ASK), encode(AskDown(jws=forged)))
        await bus.flush()
        genuine = await stage.technician.ask(sid)
        assert await person.allows() == genuine.id
        shown = {question.request_id for view in person.seen for question in view.questions}
        assert shown == {genuine.id}


async def test_a_relay_that_makes_up_grants_gets_no_picture_and_no_key_pressed(
    stack: Stack, stage: Scene
) -> None:
    async with person_at(_look_up(stack)) as person, _in_the_hands_of(stack, "relay") as bus:
        org, sid = await _joined(stage, person)
        forged = secrets.token_urlsafe(16)

        async def type_under(grant: str, text: str) -> None:
            await bus.publish(subjects.input_of_grant(org, sid, grant), encode(InputText(text=text)))

        async def abuse(*grants: str) -> None:
            for grant in grants:
                await type_under(grant, "forged")
                credit = encode(MediaDown(grant_id=grant, key_frame=True))
                await bus.publish(subjects.down(org, sid, subjects.Down.MEDIA), credit)
            await bus.flush()

        await abuse(forged)
        await stage.technician.ask(sid)
        view = await person.allows()
        await abuse(forged, view)  # a picture is no control
        assert person.media.started == [view]
        await stage.technician.ask(sid, Capability.CONTROL)
        control = await person.allows()
        await type_under(control, "genuine")
        await until(lambda: _typed(person))
        person.engine.stop_sharing()
        await type_under(control, "late")
        await bus.flush()
        await _hears(stage, person, sid)
        assert person.injector.typed == "genuine"
        assert person.media.streams == {}


async def _typed(person: Person) -> bool:
    return bool(person.injector.typed)


async def test_a_no_is_a_no_whatever_the_store_says(stack: Stack, stage: Scene) -> None:
    """The consent service in an attacker's hands, keys and store: without the device's key, no picture."""
    visit = await stage.visit()
    question = await visit.asked(stage.technician, Capability.VIEW)
    async with _in_the_hands_of(stack, "consent") as bus:
        grants = await Store.open(bus, Bucket.GRANTS, GrantEntry)
        await _write_grant(stack, grants, visit, question, stage.forged_answer(visit, question, seed=ROGUE))
        assert await visit.is_live(question[0].request_id)  # the API believes its store
        await visit.device.lease(question[0].request_id)
        viewer = await stage.at_the_door(visit)
        await visit.device.clients["media"].publish(
            subjects.media(visit.device.org, visit.sid, question[0].request_id), picture(1)
        )
        await closed(viewer, NoGrant)
        assert viewer.frames == []
        # The same forgery with the device's own signature is let in: it is this signature that counts.
        await _write_grant(stack, grants, visit, question, stage.forged_answer(visit, question))
        await stage.watching(visit, question[0].request_id)


async def _write_grant(
    stack: Stack, grants: Store[GrantEntry], visit: Visit, question: tuple[Ask, str], decision_jws: str
) -> None:
    ask, now = question[0], datetime.now(UTC)
    expires_at = now + timedelta(seconds=ask.duration_s)
    entry = Entry(
        org=ask.org,
        sid=ask.sid,
        position=2,
        record_hash=signing.hash_of(decision_jws),
        recorded_at=now,
        expires_at=expires_at,
    )
    entry_jws = signing.sign(entry, read_raw(stack.keys, CONSENT_SEED))
    lies = {
        "state": RequestState.LIVE,
        "decision_jws": decision_jws,
        "entry_jws": entry_jws,
        "expires_at": expires_at,
    }
    key = f"{ask.org}.{visit.sid}.{ask.request_id}"
    await grants.change(key, lambda stored: stored.model_copy(update=lies))


async def test_a_person_who_says_no_is_not_overruled(stack: Stack, stage: Scene) -> None:
    async with person_at(_look_up(stack)) as person:
        _, sid = await _joined(stage, person)
        asked = await stage.technician.ask(sid)
        person.says(await person.question(), Answer.DENY)
        await person.sees(lambda view: not view.questions)
        ticket, url = await stage.technician.ticket(sid)
        await closed(await (await stage.viewer(url)).hello(ticket), NoGrant)
        assert await stage.technician.state_of(sid, asked.id) in {RequestState.ASKED, RequestState.DENIED}
        assert person.media.started == []
