"""Devices over the gateway's REST interface, with the real session and consent services behind it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from nats.aio.client import Client

from beistand.bus.connection import connect
from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.protocol.messages import Joined
from beistand.protocol.terms import DEFAULT_TERM
from tests.support.agent_wire import AgentWire, agent_key_of
from tests.support.core_services import running
from tests.support.gateway_stage import Person, Stage, new_id, staged
from tests.support.standing_wire import Standing

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

REASON = {"reason": "The till prints nothing"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bus(nats_server: EmbeddedServer, keys: Path) -> BusSettings:
    return BusSettings(nats_url=nats_server.url, keys=keys)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(bus: BusSettings) -> AsyncIterator[Stage]:
    async with running(bus), staged(bus) as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def consent(bus: BusSettings, stage: Stage) -> AsyncIterator[Client]:
    assert stage.http.base_url
    client = await connect(bus, "consent")
    yield client
    await client.close()


@pytest_asyncio.fixture(loop_scope="module")
async def technician(stage: Stage) -> Person:
    return await stage.person(org=f"org-{new_id()[:8]}")


@pytest_asyncio.fixture(loop_scope="module")
async def device(bus: BusSettings, technician: Person, consent: Client) -> AsyncIterator[Standing]:
    made = Standing(bus.nats_url, technician.account.org, consent)
    await made.enrol()
    yield made
    if made.client is not None:
        await made.client.close()


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_the_whole_way(technician: Person, device: Standing) -> None:
    at = f"/v1/devices/{device.id}"
    listed = (await technician.http.get("/v1/devices")).json()["items"]
    assert [(each["id"], each["name"], each["online"]) for each in listed] == [(device.id, "Till 1", False)]
    assert code_of(await technician.http.post(f"{at}/sessions", json=REASON)) == (409, "device_offline")

    await device.connect()
    assert (await technician.http.get(at)).json()["online"]
    opened = await technician.http.post(f"{at}/sessions", json=REASON)
    assert opened.status_code == 201, opened.text
    assert opened.headers["location"] == f"/v1/sessions/{opened.json()['id']}"
    assert (await device.calls.get()).session_id == opened.json()["id"]

    assert (await technician.http.delete(at)).json()["state"] == "given_up"
    assert await device.gone.get()
    assert (await technician.http.get(opened.headers["location"])).json()["state"] == "ended"
    assert (await technician.http.post(f"{at}/sessions", json=REASON)).status_code == 403


async def test_a_start_sent_twice_is_one_session(technician: Person, device: Standing) -> None:
    await device.connect()
    at, key = f"/v1/devices/{device.id}/sessions", {"Idempotency-Key": new_id()}
    answers = [await technician.http.post(at, json=REASON, headers=key) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert device.calls.qsize() == 1


async def test_another_organisation_does_not_see_that_it_exists(stage: Stage, device: Standing) -> None:
    stranger = await stage.person(org=f"org-{new_id()[:8]}")
    await device.connect()
    unknown = f"/v1/devices/{new_id()}"
    at = f"/v1/devices/{device.id}"
    assert (await stranger.http.get("/v1/devices")).json()["items"] == []
    for here, nowhere in (
        (await stranger.http.get(at), await stranger.http.get(unknown)),
        (await stranger.http.delete(at), await stranger.http.delete(unknown)),
        (
            await stranger.http.post(f"{at}/sessions", json=REASON),
            await stranger.http.post(f"{unknown}/sessions", json=REASON),
        ),
    ):
        assert code_of(here) == (404, "not_found")
        assert _but_for_its_place(here) == _but_for_its_place(nowhere)
    assert device.calls.empty()
    assert device.gone.empty()


def _but_for_its_place(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.json().items() if name not in {"instance", "trace_id"}}


async def test_the_person_is_told_the_names_of_those_asked_for(stage: Stage, technician: Person) -> None:
    colleague = await stage.person(org=technician.account.org)
    stranger = await stage.person(org=f"org-{new_id()[:8]}")
    created = await technician.session()
    body = {"code": created["code"], "agent_key": agent_key_of(bytes(32))}
    joined = Joined.model_validate_json((await stage.http.post("/v1/join", json=body)).content)
    requests = f"/v1/sessions/{created['id']}/requests"

    async def asks(*names: str) -> httpx.Response:
        terms = {"technician_ids": names}
        wanted = {"capability": "unattended", "reason": "Nightly update", "terms": terms}
        return await technician.http.post(requests, json=wanted)

    async with AgentWire(joined, bytes(32)) as agent:
        await agent.hello()
        for unknown in (stranger.account.technician_id, new_id()):
            assert code_of(await asks(unknown)) == (400, "invalid_message")
        assert (await asks(colleague.account.technician_id)).status_code == 201
        asked, _ = await agent.question()
        assert asked.terms is not None
        named = {each.id: each.name for each in asked.terms.technicians}
        assert named[colleague.account.technician_id] == colleague.account.name
        assert stranger.account.technician_id not in named
        ends = datetime.now(UTC) + DEFAULT_TERM
        assert abs(asked.terms.until - ends) < timedelta(minutes=1)
