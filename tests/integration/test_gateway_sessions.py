"""A session over the gateway's REST interface, with the real session and consent services behind it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.protocol.messages import Joined
from services.gateway.domain import Role
from tests.support.agent_wire import AgentWire, agent_key_of
from tests.support.core_services import running
from tests.support.gateway_stage import Person, Stage, new_id, staged

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

SEED = bytes(range(32))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(nats_server: EmbeddedServer, keys: Path) -> AsyncIterator[Stage]:
    bus = BusSettings(nats_url=nats_server.url, keys=keys)
    async with running(bus), staged(bus, public_url="https://help.example") as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="module")
async def technician(stage: Stage) -> Person:
    return await stage.person(org=f"org-{new_id()[:8]}")


async def joined(stage: Stage, technician: Person) -> tuple[str, AgentWire]:
    """A session and the customer's device that joined it over the public door, not connected yet."""
    created = await technician.session()
    body = {"code": created["code"], "agent_key": agent_key_of(SEED)}
    answer = await stage.http.post("/v1/join", json=body)
    assert answer.status_code == 200, answer.text
    return created["id"], AgentWire(Joined.model_validate_json(answer.content), SEED)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_a_new_session_has_a_code_and_a_link_that_no_server_sees(technician: Person) -> None:
    answer = await technician.http.post("/v1/sessions")
    created = answer.json()
    assert (answer.status_code, created["state"], len(created["code"])) == (201, "waiting", 9)
    assert created["join_url"] == f"https://help.example/join#{created['code']}"
    assert answer.headers["location"] == f"/v1/sessions/{created['id']}"
    read = await technician.http.get(answer.headers["location"])
    assert read.json() == {key: created[key] for key in created if key not in {"code", "join_url"}}


async def test_the_whole_way(stage: Stage, technician: Person) -> None:
    sid, agent = await joined(stage, technician)
    at = f"/v1/sessions/{sid}"
    async with agent:
        await agent.hello()
        assert (await technician.http.get(at)).json()["state"] == "active"

        said = await technician.http.post(f"{at}/chat", json={"text": "Guten Tag"})
        assert (said.status_code, said.json()["author"]) == (201, "Tina")
        assert [line["text"] for line in (await technician.http.get(f"{at}/chat")).json()["items"]] == [
            "Guten Tag"
        ]

        asked = await technician.http.post(f"{at}/requests", json={"capability": "view", "reason": "printer"})
        assert (asked.status_code, asked.json()["state"]) == (201, "asked")
        await agent.allow_next()
        listed = (await technician.http.get(f"{at}/requests")).json()["items"]
        assert [(item["id"], item["state"]) for item in listed] == [(asked.json()["id"], "live")]

        handed_back = await technician.http.delete(f"{at}/requests/{asked.json()['id']}")
        assert (handed_back.json()["state"], handed_back.json()["closed_by"]) == ("revoked", "technician")

        ended = await technician.http.post(f"{at}/end")
        assert (ended.json()["state"], ended.json()["ended_by"]) == ("ended", "technician")
    assert code_of(await technician.http.post(f"{at}/chat", json={"text": "late"})) == (410, "session_ended")
    assert code_of(await technician.http.post(f"{at}/tickets")) == (410, "session_ended")
    assert (await technician.http.post(f"{at}/tickets", json={"audience": "events"})).status_code == 201


async def test_what_a_service_refuses_arrives_as_its_problem(technician: Person) -> None:
    created = await technician.session()
    at = f"/v1/sessions/{created['id']}"
    view = {"capability": "view", "reason": "printer"}
    assert code_of(await technician.http.post(f"{at}/requests", json=view)) == (409, "wrong_state")
    assert code_of(await technician.http.get(f"/v1/sessions/{new_id()}")) == (404, "not_found")
    assert code_of(await technician.http.get("/v1/sessions/not-an-id")) == (404, "not_found")
    assert code_of(await technician.http.delete(f"{at}/requests/{new_id()}"))[0] in {404, 409}


async def test_sessions_come_in_pages_newest_first(technician: Person) -> None:
    created = [(await technician.session())["id"] for _ in range(5)]
    seen, after = [], None
    while True:
        query = {"limit": 2} | ({"after": after} if after else {})
        page = (await technician.http.get("/v1/sessions", params=query)).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        after = page.get("next")
        if not after:
            break
    assert seen == created[::-1]


async def test_everybody_sees_what_their_role_sees_and_no_other_organisation(stage: Stage) -> None:
    org = f"org-{new_id()[:8]}"
    owner = await stage.person(org=org)
    sid = (await owner.session())["id"]
    at = f"/v1/sessions/{sid}"
    for role in (Role.LEAD, Role.AUDITOR, Role.ADMIN):
        other = await stage.person(role, org=org)
        assert (await other.http.get(at)).status_code == 200
        assert [item["id"] for item in (await other.http.get("/v1/sessions")).json()["items"]] == [sid]
    colleague, stranger = await stage.person(org=org), await stage.person(Role.ADMIN, org="elsewhere")
    for outsider in (colleague, stranger):
        assert code_of(await outsider.http.get(at)) == (404, "not_found")
        assert code_of(await outsider.http.post(f"{at}/end")) == (404, "not_found")
        assert code_of(await outsider.http.post(f"{at}/tickets", json={"audience": "events"})) == (
            404,
            "not_found",
        )
        assert sid not in (await outsider.http.get("/v1/sessions")).text


async def test_the_same_idempotency_key_gets_the_same_answer(stage: Stage, technician: Person) -> None:
    headers = {"Idempotency-Key": new_id()}
    first = await technician.http.post("/v1/sessions", headers=headers)
    again = await technician.http.post("/v1/sessions", headers=headers)
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert len((await technician.http.get("/v1/sessions")).json()["items"]) == 1

    somebody_else = await stage.person(org=technician.account.org)
    theirs = await somebody_else.http.post("/v1/sessions", headers=headers)
    assert theirs.json()["id"] != first.json()["id"]


async def test_many_at_once_with_one_key_make_one_session(technician: Person) -> None:
    headers = {"Idempotency-Key": new_id()}
    answers = await asyncio.gather(
        *(technician.http.post("/v1/sessions", headers=headers) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len((await technician.http.get("/v1/sessions")).json()["items"]) == 1


async def test_one_key_is_no_answer_to_another_request(stage: Stage, technician: Person) -> None:
    sid, agent = await joined(stage, technician)
    headers = {"Idempotency-Key": new_id()}
    async with agent:
        await agent.hello()
        at = f"/v1/sessions/{sid}/chat"
        first = await technician.http.post(at, json={"text": "once"}, headers=headers)
        again = await technician.http.post(at, json={"text": "once"}, headers=headers)
        other = await technician.http.post(at, json={"text": "something else"}, headers=headers)
        assert again.json() == first.json()
        assert code_of(other) == (409, "wrong_state")
        assert len((await technician.http.get(at)).json()["items"]) == 1


async def test_a_refusal_is_not_kept_for_a_key(stage: Stage, technician: Person) -> None:
    sid, agent = await joined(stage, technician)
    at, headers = f"/v1/sessions/{sid}/chat", {"Idempotency-Key": new_id()}
    assert code_of(await technician.http.post(at, json={"text": "hi"}, headers=headers)) == (
        409,
        "wrong_state",
    )
    async with agent:
        await agent.hello()
        assert (await technician.http.post(at, json={"text": "hi"}, headers=headers)).status_code == 201


async def test_no_join_code_stands_readable_in_the_store(stage: Stage, technician: Person) -> None:
    answer = await technician.http.post("/v1/sessions", headers={"Idempotency-Key": new_id()})
    code = answer.json()["code"]
    limits = await stage.watcher.client.jetstream().key_value("limits")
    stored = [(await limits.get(key)).value or b"" for key in await limits.keys()]
    assert stored
    assert not any(code.encode() in value for value in stored)
