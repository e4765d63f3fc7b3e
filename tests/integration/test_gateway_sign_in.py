"""Signing in with local accounts: the command that makes them, tokens, limits, and what every role may do."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from beistand.bus.server import EmbeddedServer
from beistand.bus.settings import BusSettings
from beistand.bus.store import Stored
from services.gateway.accounts import Account
from services.gateway.domain import PERMISSIONS, Limit, Permission, Role
from services.gateway.users import put
from tests.support.gateway_stage import CHEAP, PLENTY, Stage, new_id, staged

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

PASSWORD = "correct horse battery"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(nats_server: EmbeddedServer, keys: Path) -> AsyncIterator[Stage]:
    bus = BusSettings(nats_url=nats_server.url, keys=keys)
    async with staged(bus) as stage:
        yield stage


def name() -> str:
    return f"tina-{secrets.token_hex(6)}"


async def users(bus: BusSettings, *arguments: str, password: str = "", **changes: str) -> tuple[int, str]:
    """Run `python -m services.gateway.users` for real; its exit status and everything it said."""
    environment = {**os.environ, "BEISTAND_NATS_URL": bus.nats_url, "BEISTAND_KEYS": str(bus.keys)} | changes
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.gateway.users",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
    )
    said, _ = await process.communicate(f"{password}\n".encode())
    return process.returncode or 0, said.decode().strip()


async def add(
    bus: BusSettings, user: str, *, password: str = PASSWORD, role: str = "technician"
) -> tuple[int, str]:
    return await users(
        bus, "add", user, "--display", "Tina Test", "--role", role, "--password-stdin", password=password
    )


async def sign_in(stage: Stage, user: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
    return await stage.http.post(
        "/v1/auth/token", json={"username": user, "password": password}, headers=headers
    )


async def present(stage: Stage, user: str) -> Stored[Account]:
    stored = await stage.users.get(user)
    assert stored is not None
    return stored


async def test_an_account_from_the_command_line_signs_in(stage: Stage, bus_settings: BusSettings) -> None:
    user = name()
    assert await add(bus_settings, user) == (0, f"added {user} (technician, beistand)")
    assert await add(bus_settings, user, role="lead") == (0, f"updated {user} (lead, beistand)")
    answer = await sign_in(stage, user.upper())
    token = answer.json()
    assert (answer.status_code, token["token_type"], token["expires_in"]) == (200, "bearer", 28800)
    assert answer.headers["cache-control"] == "no-store"
    with_token = {"Authorization": f"Bearer {token['access_token']}"}
    # No service runs here: being let through shows as "unavailable".
    assert (await stage.http.get("/v1/sessions", headers=with_token)).status_code == 503


async def test_adding_again_changes_what_differs_and_nothing_else(stage: Stage) -> None:
    user = (await stage.person(password=PASSWORD)).account.user
    first = await present(stage, user)
    again = first.value.model_copy(update={"technician_id": new_id()})
    assert await put(stage.users, CHEAP, again, PASSWORD) == (first.value, False)
    assert await present(stage, user) == first

    token = (await sign_in(stage, user)).json()["access_token"]
    promoted = again.model_copy(update={"role": Role.LEAD})
    changed, _ = await put(stage.users, CHEAP, promoted, "another long password")
    assert (changed.technician_id, changed.role) == (first.value.technician_id, Role.LEAD)
    assert (await sign_in(stage, user)).status_code == 401
    assert (await sign_in(stage, user, "another long password")).status_code == 200
    headers = {"Authorization": f"Bearer {token}"}
    assert (await stage.http.get("/v1/sessions", headers=headers)).status_code == 401


async def test_a_removed_account_is_out_at_once(stage: Stage, bus_settings: BusSettings) -> None:
    person = await stage.person()
    assert (await person.http.get("/v1/sessions")).status_code == 503
    assert await users(bus_settings, "remove", person.account.user) == (0, f"removed {person.account.user}")
    assert (await person.http.get("/v1/sessions")).status_code == 401
    status, said = await users(bus_settings, "remove", person.account.user)
    assert (status, said) == (1, f"There is no account {person.account.user}.")


@pytest.mark.parametrize(
    ("user", "password", "role"),
    [("tina", "short", "technician"), ("ti na", PASSWORD, "technician"), ("tina", PASSWORD, "boss")],
)
async def test_a_wrong_account_is_refused_without_a_trace_of_the_password(
    bus_settings: BusSettings, user: str, password: str, role: str
) -> None:
    status, said = await add(bus_settings, user, password=password, role=role)
    assert status != 0
    assert "Traceback" not in said
    assert password not in said


async def test_a_missing_setting_is_named(bus_settings: BusSettings) -> None:
    status, said = await users(bus_settings, "remove", "tina", BEISTAND_KEYS="/nowhere")
    assert status == 2
    assert said.startswith("BEISTAND_KEYS: ")


async def test_wrong_and_unknown_are_one_answer(stage: Stage) -> None:
    user = (await stage.person(password=PASSWORD)).account.user
    answers = [
        await sign_in(stage, user, "wrong horse battery"),
        await sign_in(stage, name()),
        await sign_in(stage, "*"),
        await sign_in(stage, "../../etc"),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert answers[0].json()["code"] == "unauthenticated"


async def test_tries_are_limited_by_address_and_name(bus_settings: BusSettings) -> None:
    limits = replace(PLENTY, sign_in=Limit(attempts=3, window_s=600))
    async with staged(bus_settings, limits=limits) as stage:
        user = (await stage.person(password=PASSWORD)).account.user
        for _ in range(3):
            assert (await sign_in(stage, user, "wrong horse battery")).status_code == 401
        refused = await sign_in(stage, user)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert 0 < int(refused.headers["retry-after"]) <= 600
        assert (await sign_in(stage, name())).status_code == 401
        # Pretending to be a proxy does not help.
        assert (await sign_in(stage, user, **{"X-Forwarded-For": "203.0.113.9"})).status_code == 429


async def test_a_success_begins_to_count_anew(bus_settings: BusSettings) -> None:
    limits = replace(PLENTY, sign_in=Limit(attempts=2, window_s=600))
    async with staged(bus_settings, limits=limits) as stage:
        user = (await stage.person(password=PASSWORD)).account.user
        for _ in range(4):
            assert (await sign_in(stage, user)).status_code == 200


async def test_many_names_from_one_address_are_limited_too(bus_settings: BusSettings) -> None:
    limits = replace(PLENTY, sign_in_address=Limit(attempts=3, window_s=600))
    async with staged(bus_settings, limits=limits, trusted_proxies="127.0.0.0/8") as stage:
        network = f"2001:db8:{secrets.token_hex(2)}"
        for host in range(3):
            behind = {"X-Forwarded-For": f"{network}::{host}"}
            assert (await sign_in(stage, name(), **behind)).status_code == 401
        assert (await sign_in(stage, name(), **{"X-Forwarded-For": f"{network}::9"})).status_code == 429
        elsewhere = {"X-Forwarded-For": f"2001:db8:{secrets.token_hex(2)}:1::1"}
        assert (await sign_in(stage, name(), **elsewhere)).status_code == 401


ROUTES = {
    Permission.CREATE_SESSION: ("POST", "/v1/sessions", None),
    Permission.READ_SESSION: ("GET", "/v1/sessions/{sid}", None),
    Permission.END_SESSION: ("POST", "/v1/sessions/{sid}/end", None),
    Permission.READ_REQUESTS: ("GET", "/v1/sessions/{sid}/requests", None),
    Permission.ASK_CUSTOMER: ("POST", "/v1/sessions/{sid}/requests", {"capability": "view", "reason": "r"}),
    Permission.WITHDRAW_REQUEST: ("DELETE", "/v1/sessions/{sid}/requests/{sid}", None),
    Permission.READ_CHAT: ("GET", "/v1/sessions/{sid}/chat", None),
    Permission.SEND_CHAT: ("POST", "/v1/sessions/{sid}/chat", {"text": "t"}),
    Permission.FOLLOW_EVENTS: ("POST", "/v1/sessions/{sid}/tickets", {"audience": "events"}),
    Permission.READ_DEVICES: ("GET", "/v1/devices/{sid}", None),
    Permission.OPEN_DEVICE: ("POST", "/v1/devices/{sid}/sessions", {"reason": "r"}),
    Permission.GIVE_UP_DEVICE: ("DELETE", "/v1/devices/{sid}", None),
    Permission.VIEW_SCREEN: ("POST", "/v1/sessions/{sid}/tickets", {"audience": "relay"}),
}


async def test_every_permission_has_its_route_below() -> None:
    assert set(ROUTES) == set(Permission)


@pytest.mark.parametrize("role", Role)
async def test_a_role_may_what_its_row_says(stage: Stage, role: Role) -> None:
    person = await stage.person(role)
    for permission, (method, path, body) in ROUTES.items():
        answer = await person.http.request(method, path.format(sid=new_id()), json=body)
        # Without services behind, "unavailable" is what a permitted request gets.
        expected = (503, "unavailable") if permission in PERMISSIONS[role] else (403, "forbidden")
        assert (answer.status_code, answer.json()["code"]) == expected, permission
