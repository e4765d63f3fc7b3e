"""One real stack for all cases, with two accounts: a technician, and a lead who sees all sessions."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from beistand.cli.stack import Stack, StackSettings
from beistand.conformance.scene import Deployment
from beistand.conformance.technician import origin_of, sign_in

LEAD = "lead"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Everything up, as `beistand up` starts it."""
    async with Stack(StackSettings.on_free_ports(tmp_path_factory.mktemp("stack"))) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def deployment(stack: Stack) -> Deployment:
    """The stack by its address and two sign-ins, which is all that the cases know of it."""
    password = secrets.token_urlsafe(12)
    await _add_lead(stack, password)
    return Deployment(
        gateway=stack.gateway_url,
        origin=origin_of(stack.gateway_url),
        account=await sign_in(stack.gateway_url, stack.user, stack.password),
        second=await sign_in(stack.gateway_url, LEAD, password),
    )


async def _add_lead(stack: Stack, password: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.gateway.users", "add", LEAD),
        *("--display", "Lena Lead", "--role", "lead", "--password-stdin"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env=stack.environment,
    )
    await process.communicate(password.encode())
    if process.returncode:
        pytest.fail("the lead's account could not be made")


@pytest.fixture
def password_file(stack: Stack) -> Path:
    """Where the technician's password is."""
    return stack.state / "technician.password"
