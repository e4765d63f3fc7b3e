"""The public door for signed records: the signature lets a stop in, and nothing else lets anything in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from beistand.bus.settings import BusSettings
from beistand.protocol.messages import Recorded
from beistand.protocol.records import Cause, End, Pause, Revocation
from services.gateway.domain import Limit
from tests.support import gateway_stage, relay_stage
from tests.support.gateway_stage import PLENTY
from tests.support.relay_stage import Stage, new_id

pytestmark = pytest.mark.integration

STRANGER = bytes(range(32))


@dataclass
class Scene:
    """A device that shares its picture, and the gateway's door."""

    stage: Stage
    http: httpx.AsyncClient

    async def post(self, kind: str, jws: str, **changes: Any) -> httpx.Response:
        place = {"org": self.stage.agent.org, "sid": self.stage.sid}
        return await self.http.post("/v1/agent/records", json={**place, "type": kind, "jws": jws, **changes})

    def revocation(self, *grants: str, **changes: Any) -> str:
        return self.stage.agent.sign(Revocation, grant_ids=grants, cause=Cause.STOP_SHARING, **changes)


@asynccontextmanager
async def scene_at(bus: BusSettings, **options: Any) -> AsyncIterator[Scene]:
    async with relay_stage.staged(bus) as stage, gateway_stage.staged(bus, **options) as gateway:
        yield Scene(stage, gateway.http)


@pytest.fixture
async def scene(bus_settings: BusSettings) -> AsyncIterator[Scene]:
    async with scene_at(bus_settings) as scene:
        yield scene


def refusal_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_revocation_cuts_is_recorded_and_may_be_repeated(scene: Scene) -> None:
    grant = await scene.stage.allow()
    async with scene.stage.watching() as viewer:
        jws = scene.revocation(grant)
        first = await scene.post("revocation", jws)
        assert await viewer.close_code() == 4403
    again = await scene.post("revocation", jws)
    entries = [
        scene.stage.agent.entry_of(Recorded.model_validate_json(answer.content), jws)
        for answer in (first, again)
    ]
    assert entries[0] is not None
    assert entries[0] == entries[1]


async def test_a_replayed_revocation_does_not_touch_a_new_grant(scene: Scene) -> None:
    old = await scene.stage.allow()
    jws = scene.revocation(old)
    await scene.post("revocation", jws)
    scene.stage.live.discard(old)
    new = await scene.stage.allow()
    async with scene.stage.watching() as viewer:
        assert (await scene.post("revocation", jws)).status_code == 200
        await viewer.until_frame(await scene.stage.frame(new, key=True))


async def test_an_old_pause_pauses_nothing(scene: Scene) -> None:
    grant = await scene.stage.allow()
    async with scene.stage.watching() as viewer:
        on = scene.stage.agent.sign(Pause, paused=True)
        assert (await scene.post("pause", on)).status_code == 200
        await viewer.until("relay.paused", paused=True)
        await scene.post("pause", scene.stage.agent.sign(Pause, paused=False))
        await viewer.until("relay.paused", paused=False)
        await scene.post("pause", on)
        await viewer.until_frame(await scene.stage.frame(grant, key=True))


@pytest.mark.parametrize("forgery", ["another key", "another session", "another kind", "nonsense"])
async def test_what_this_device_did_not_sign_changes_nothing(scene: Scene, forgery: str) -> None:
    grant = await scene.stage.allow()
    agent = scene.stage.agent
    jws = {
        "another key": lambda: scene.revocation(grant, seed=STRANGER),
        "another session": lambda: scene.revocation(grant, sid=new_id()),
        "another kind": lambda: agent.sign(End, cause=Cause.END_SESSION),
        "nonsense": lambda: "x" * 100,
    }[forgery]()
    async with scene.stage.watching() as viewer:
        assert refusal_of(await scene.post("revocation", jws))[1] == "bad_signature"
        await viewer.until_frame(await scene.stage.frame(grant, key=True))
        assert not viewer.texts("relay.stopped")


async def test_one_session_cannot_stop_another(bus_settings: BusSettings, scene: Scene) -> None:
    grant = await scene.stage.allow()
    async with relay_stage.staged(bus_settings) as other, scene.stage.watching() as viewer:
        jws = other.agent.sign(Revocation, grant_ids=(grant,), cause=Cause.STOP_SHARING)
        assert (await scene.post("revocation", jws)).json()["code"] == "bad_signature"
        place = {"org": other.agent.org, "sid": other.sid}
        assert (await scene.post("revocation", jws, **place)).status_code == 200
        await viewer.until_frame(await scene.stage.frame(grant, key=True))


async def test_an_end_ends(scene: Scene) -> None:
    await scene.stage.allow()
    async with scene.stage.watching() as viewer:
        jws = scene.stage.agent.sign(End, cause=Cause.END_SESSION)
        assert (await scene.post("end", jws)).status_code == 200
        assert await viewer.close_code() == 4410
    await scene.stage.agent.closed.wait()


async def test_nothing_that_lets_in_can_be_posted(scene: Scene) -> None:
    jws = scene.revocation(new_id())
    for kind in ("decision", "hello", "", "lease"):
        assert refusal_of(await scene.post(kind, jws)) == (400, "invalid_message")
    assert refusal_of(await scene.post("revocation", jws, sid="*")) == (400, "invalid_message")
    assert refusal_of(await scene.post("revocation", jws, sid=new_id())) == (404, "not_found")
    assert refusal_of(await scene.post("revocation", "x" * 100_000)) == (413, "too_large")


async def test_strangers_are_slowed_down(bus_settings: BusSettings) -> None:
    few = replace(PLENTY, record=Limit(attempts=2, window_s=600))
    async with scene_at(bus_settings, limits=few) as scene:
        answers = [await scene.post("revocation", "x" * 100) for _ in range(3)]
        assert [answer.status_code for answer in answers][:2] != [429, 429]
        assert refusal_of(answers[2]) == (429, "rate_limited")
        assert int(answers[2].headers["retry-after"]) > 0
