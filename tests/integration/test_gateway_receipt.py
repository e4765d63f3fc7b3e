"""The receipt over the gateway: for technicians after the end, for the customer's device by its signature."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.protocol import signing
from beistand.protocol.messages import Receipt
from beistand.protocol.records import ReceiptRequest
from services.gateway.domain import Role
from tests.integration.test_gateway_sessions import code_of, joined
from tests.support.agent_wire import AgentWire
from tests.support.core_services import running
from tests.support.gateway_stage import Stage, new_id, staged
from tests.support.receipts import checked, kinds

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(nats_server: EmbeddedServer, keys: Path) -> AsyncIterator[Stage]:
    bus = BusSettings(nats_url=nats_server.url, keys=keys)
    async with running(bus), staged(bus) as stage:
        yield stage


def _wanted(agent: AgentWire, *, seed: bytes | None = None) -> dict[str, str]:
    request = ReceiptRequest(org=agent.org, sid=agent.sid, asked_at=datetime.now(UTC))
    return {"org": agent.org, "session_id": agent.sid, "jws": signing.sign(request, seed or agent.seed)}


async def test_a_receipt_comes_after_the_end_to_those_it_concerns(stage: Stage) -> None:
    org = f"org-{new_id()[:8]}"
    technician, colleague = await stage.person(org=org), await stage.person(org=org)
    auditor = await stage.person(Role.AUDITOR, org=org)
    sid, agent = await joined(stage, technician)
    at = f"/v1/sessions/{sid}/receipt"
    async with agent:
        await agent.hello()
        await technician.http.post(
            f"/v1/sessions/{sid}/requests", json={"capability": "view", "reason": "printer"}
        )
        await agent.allow_next()
        assert code_of(await technician.http.get(at)) == (409, "wrong_state")
        early = await stage.http.post("/v1/receipts", json=_wanted(agent))
        assert code_of(early) == (409, "wrong_state")
        await technician.http.post(f"/v1/sessions/{sid}/end")
    answer = await technician.http.get(at)
    receipt = Receipt.model_validate_json(answer.content)
    checked(receipt)
    assert kinds(receipt) == ["hello", "ask", "decision"]
    assert answer.headers["cache-control"] == "no-store"
    assert (await auditor.http.get(at)).json()["records"] == answer.json()["records"]
    assert code_of(await colleague.http.get(at)) == (404, "not_found")
    assert code_of(await stage.http.get(at)) == (401, "unauthenticated")
    own = await stage.http.post("/v1/receipts", json=_wanted(agent))
    assert (own.status_code, own.json()["closing_jws"]) == (200, receipt.closing_jws)
    forged = await stage.http.post("/v1/receipts", json=_wanted(agent, seed=b"x" * 32))
    assert code_of(forged) == (403, "bad_signature")
