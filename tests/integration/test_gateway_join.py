"""The customer's public door: what a code opens, how often strangers may try, and whose address counts."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from services.gateway.domain import Limit
from tests.support.agent_wire import agent_key_of
from tests.support.core_services import running
from tests.support.gateway_stage import PLENTY, Stage, staged

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

FEW = Limit(attempts=3, window_s=600)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(nats_server: EmbeddedServer, keys: Path) -> AsyncIterator[Stage]:
    bus = BusSettings(nats_url=nats_server.url, keys=keys)
    async with running(bus), staged(bus) as stage:
        yield stage


def somebody() -> str:
    """An address nobody had before: counters outlive a test."""
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


async def join(stage: Stage, code: str, *, key: str | None = None, **headers: str) -> httpx.Response:
    body = {"code": code, "agent_key": key or agent_key_of(secrets.token_bytes(32))}
    return await stage.http.post("/v1/join", json=body, headers=headers)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_a_code_tells_who_asks_and_how_to_get_in(stage: Stage) -> None:
    technician = await stage.person()
    created = await technician.session()
    told = (await join(stage, created["code"])).json()
    assert told["session_id"] == created["id"]
    assert (told["organisation_name"], told["technician_name"]) == ("Beistand Demo", "Tina")
    assert told["nats_urls"]
    assert (await technician.http.get(f"/v1/sessions/{created['id']}")).json()["state"] == "waiting"


async def test_wrong_used_up_and_unknown_are_one_answer(stage: Stage) -> None:
    technician = await stage.person()
    code = (await technician.session())["code"]
    wrong = code[:4] + f"{(int(code[4:]) + 1) % 100_000:05}"
    answers = [await join(stage, wrong) for _ in range(5)]
    answers += [await join(stage, code), await join(stage, "000000000")]
    assert {(*code_of(answer), answer.text) for answer in answers} == {(404, "code_refused", answers[0].text)}


@pytest.mark.parametrize("code", ["", "12345678", "1234567890", "12345678a", "١٢٣٤٥٦٧٨٩", "123456789\n"])
async def test_what_is_no_code_is_not_looked_up(stage: Stage, code: str) -> None:
    assert code_of(await join(stage, code)) == (400, "invalid_message")


@pytest.mark.parametrize("key", ["U" + "A" * 55, "A" * 56, "U" * 10])
async def test_what_is_no_key_is_refused(stage: Stage, key: str) -> None:
    assert code_of(await join(stage, "123456789", key=key)) == (400, "invalid_message")


async def test_tries_are_limited_by_address(bus_settings: BusSettings) -> None:
    limits = replace(PLENTY, join=FEW)
    async with (
        running(bus_settings),
        staged(bus_settings, limits=limits, trusted_proxies="127.0.0.1") as stage,
    ):
        one, other = {"X-Forwarded-For": somebody()}, {"X-Forwarded-For": somebody()}
        answers = [code_of(await join(stage, "000000000", **one)) for _ in range(3)]
        assert answers == [(404, "code_refused")] * 3
        refused = await join(stage, "000000000", **one)
        assert code_of(refused) == (429, "rate_limited")
        assert 0 < int(refused.headers["retry-after"]) <= 600
        assert code_of(await join(stage, "000000000", **other)) == (404, "code_refused")
        # What stands left of the address our own proxy saw is the caller's invention.
        pretending = {"X-Forwarded-For": f"{somebody()}, {one['X-Forwarded-For']}"}
        assert code_of(await join(stage, "000000000", **pretending)) == (429, "rate_limited")


async def test_joining_is_no_failed_try(bus_settings: BusSettings) -> None:
    limits = replace(PLENTY, join=FEW)
    async with (
        running(bus_settings),
        staged(bus_settings, limits=limits, trusted_proxies="127.0.0.1") as stage,
    ):
        technician, office = await stage.person(), {"X-Forwarded-For": somebody()}
        for _ in range(5):
            code = (await technician.session())["code"]
            assert (await join(stage, code, **office)).status_code == 200


async def test_without_a_trusted_proxy_the_socket_counts(bus_settings: BusSettings) -> None:
    async with staged(bus_settings, limits=replace(PLENTY, join=Limit(attempts=1, window_s=600))) as stage:
        answers = [
            code_of(await join(stage, "000000000", **{"X-Forwarded-For": somebody()})) for _ in range(2)
        ]
        assert answers[1] == (429, "rate_limited")


async def test_many_addresses_together_are_limited_too(
    bus_settings: BusSettings, caplog: pytest.LogCaptureFixture
) -> None:
    limits = replace(PLENTY, join_everywhere=Limit(attempts=1, window_s=600))
    async with staged(bus_settings, limits=limits, trusted_proxies="127.0.0.1") as stage:
        answers = [
            code_of(await join(stage, "000000000", **{"X-Forwarded-For": somebody()})) for _ in range(2)
        ]
        assert answers[1] == (429, "rate_limited")
    alarms = [vars(record) for record in caplog.records if record.getMessage() == "attempts limited"]
    assert {(alarm["what"], alarm["everywhere"]) for alarm in alarms} == {("join", True)}
