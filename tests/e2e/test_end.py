"""A confirmed end is an end: no picture, chat, ticket, code or credential works afterwards."""

import httpx
import pytest

from tests.e2e.scene import Scene

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def api(scene: Scene) -> httpx.AsyncClient:
    stack = scene.stack
    async with httpx.AsyncClient(base_url=stack.gateway_url) as anonymous:
        answer = await anonymous.post(
            "/v1/auth/token", json={"username": stack.user, "password": stack.password}
        )
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    return httpx.AsyncClient(base_url=stack.gateway_url, headers=bearer)


async def newest(client: httpx.AsyncClient) -> str:
    items = (await client.get("/v1/sessions")).json()["items"]
    return str(items[0]["id"])


async def test_the_customers_end_closes_every_door(scene: Scene) -> None:
    await scene.meet()
    await scene.share()
    client = await api(scene)
    async with client:
        sid = await newest(client)
        await scene.customer.presses("end-session")
        await scene.customer.presses("confirm-end")
        await scene.technician.waits_for_state("ended")
        await scene.technician.sees_nothing()
        refused = {
            "chat": await client.post(f"/v1/sessions/{sid}/chat", json={"text": "hello?"}),
            "ask": await client.post(
                f"/v1/sessions/{sid}/requests", json={"capability": "view", "reason": "again"}
            ),
            "ticket": await client.post(f"/v1/sessions/{sid}/tickets", json={}),
        }
        join = {"code": scene.code, "agent_key": "U" + "A" * 55}
        refused["join"] = await client.post("/v1/join", json=join)
    statuses = {name: answer.status_code for name, answer in refused.items()}
    assert statuses["chat"] == statuses["ask"] == statuses["ticket"] == 410
    assert statuses["join"] in {400, 404}


async def test_the_technicians_end_ends_it_on_the_customers_screen_too(scene: Scene) -> None:
    await scene.meet()
    await scene.share()
    await scene.technician.ends_session()
    await scene.technician.waits_for_state("ended")
    await scene.customer.is_rid_of("stop-sharing")
    await scene.customer.is_rid_of("chat-input")
    await scene.technician.sees_nothing()


async def test_a_killed_agent_leaves_no_picture(scene: Scene) -> None:
    await scene.meet()
    await scene.share()
    scene.customer.process.kill()
    await scene.technician.sees_nothing()


async def test_a_frozen_agent_leaves_no_picture(scene: Scene) -> None:
    await scene.meet()
    await scene.share()
    with scene.customer.frozen():
        await scene.technician.sees_nothing()
