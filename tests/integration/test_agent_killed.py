"""The agent is killed before anybody has acknowledged a stop: the next start delivers it, once."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from beistand.bus.settings import BusSettings
from beistand.protocol import signing
from beistand.protocol.records import Revocation
from tests.support import core_services, gateway_stage
from tests.support.gateway_stage import Person as Technician
from tests.support.person import until
from tests.support.proxy import road_to

pytestmark = pytest.mark.integration


@asynccontextmanager
async def agent(gateway: str, state: Path, *code: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The engine as a process; killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.headless_agent", gateway, str(state), *code),
        stdin=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _request(technician: Technician, sid: str) -> dict[str, Any]:
    items = (await technician.http.get(f"/v1/sessions/{sid}/requests")).json()["items"]
    return dict(items[0]) if items else {}


async def _revocations(technician: Technician, sid: str) -> int:
    answer = await technician.http.post(f"/v1/sessions/{sid}/end")
    assert answer.status_code == 200, answer.text
    receipt = await technician.http.get(f"/v1/sessions/{sid}/receipt")
    assert receipt.status_code == 200, receipt.text
    return sum(signing.type_of(each["jws"]) == Revocation.typ for each in receipt.json()["records"])


async def test_a_stop_nobody_heard_is_delivered_by_the_next_start_and_counts_once(
    bus_settings: BusSettings, tmp_path: Path
) -> None:
    outbox = tmp_path / "outbox"
    async with (
        road_to(bus_settings.nats_url) as road,
        core_services.running(bus_settings, agent_nats_urls=road.url),
        gateway_stage.staged(bus_settings) as stage,
        road_to(stage.url) as web,
    ):
        gateway = web.url.replace("nats://", "http://")
        technician = await stage.person()
        session = await technician.session()
        sid = session["id"]

        async def joined() -> bool:
            asked = {"capability": "view", "reason": "printer"}
            answer = await technician.http.post(f"/v1/sessions/{sid}/requests", json=asked)
            return answer.status_code == 201

        async def live() -> bool:
            return (await _request(technician, sid)).get("state") == "live"

        async with agent(gateway, tmp_path, session["code"]) as first:
            await until(joined)
            await until(live)
            road.freeze()
            web.cut()
            assert first.stdin is not None
            first.stdin.write(b"stop\n")

            async def kept() -> bool:
                return len(list(outbox.glob("*.record.json"))) == 2  # the stop, and what was done

            await until(kept)
            first.kill()
            await first.wait()
        files = list(outbox.iterdir())
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        assert outbox.stat().st_mode & 0o777 == 0o700
        copies = [Path(shutil.copy(file, tmp_path)) for file in files]
        (outbox / "1-broken.record.json").write_text("{")
        (outbox / "2-foreign.txt").write_text("not ours")
        (outbox / "3-link.record.json").symlink_to(copies[0])

        async def handed_over() -> bool:
            return not any(file.exists() for file in files)

        web.mend()
        async with agent(gateway, tmp_path):
            await until(handed_over)
        found = await _request(technician, sid)
        assert (found["state"], found["closed_by"], found["cause"]) == ("revoked", "customer", "stop_sharing")

        for copy in copies:
            shutil.copy(copy, outbox)  # killed after the answer, before the file was removed
        async with agent(gateway, tmp_path):
            await until(handed_over)
        assert {each.name for each in outbox.iterdir()} == {
            "1-broken.record.json",
            "2-foreign.txt",
            "3-link.record.json",
        }
        assert await _revocations(technician, sid) == 1
