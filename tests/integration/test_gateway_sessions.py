"""A session over the gateway's REST interface, with the real session and consent services behind it."""

from collections.abc import AsyncIterator

import pytest

from beistand.bus.settings import BusSettings
from tests.support.core_services import running
from tests.support.gateway_stage import Stage, staged

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(bus_settings: BusSettings) -> AsyncIterator[Stage]:
    async with running(bus_settings), staged(bus_settings, public_url="https://help.example") as stage:
        yield stage


async def test_a_new_session_has_a_code_and_a_link_that_no_server_sees(stage: Stage) -> None:
    technician = await stage.person()
    created = await technician.session()
    assert (created["state"], len(created["code"])) == ("waiting", 9)
    assert created["join_url"] == f"https://help.example/join#{created['code']}"
    read = await technician.http.get(f"/v1/sessions/{created['id']}")
    assert read.json() == {key: created[key] for key in created if key not in {"code", "join_url"}}
