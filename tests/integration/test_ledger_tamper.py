"""Nobody takes from the ledger: not a service, not even an administrator of the stream."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from beistand.bus import child, streams
from beistand.bus.server import find_program
from beistand.bus.settings import SERVICES, ServiceName
from beistand.protocol import subjects
from tests.integration.conftest import Connect, eventually
from tests.support.agent_wire import AgentWire
from tests.support.core_services import Technician, receipt_of
from tests.support.receipts import kinds

pytestmark = pytest.mark.integration


@pytest.fixture
def service_settings() -> dict[str, Any]:
    """A question may follow a no at once."""
    return {"consent_pause_s": 0}


async def test_the_stream_keeps_everything_for_good(service_client: Connect) -> None:
    client = await service_client("consent")
    config = (await client.jetstream().stream_info("LEDGER")).config
    assert (config.deny_delete, config.deny_purge) == (True, True)
    limits = (config.max_msgs, config.max_bytes, config.max_age, config.max_msgs_per_subject)
    assert all((limit or -1) <= 0 for limit in limits)
    assert config.storage == "file"
    assert not config.allow_rollup_hdrs


@pytest.mark.parametrize("name", SERVICES)
async def test_no_service_can_delete_purge_or_shrink(
    name: ServiceName, technician: Technician, agent: AgentWire, service_client: Connect
) -> None:
    client = await service_client(name)
    for verb, body in (
        ("MSG.DELETE", b'{"seq": 1}'),
        ("PURGE", b"{}"),
        ("DELETE", b""),
        ("UPDATE", b'{"name": "LEDGER", "subjects": ["bst.ledger.*.*"], "max_msgs": 1}'),
    ):
        with pytest.raises(NatsError):
            await client.request(f"$JS.API.STREAM.{verb}.LEDGER", body, timeout=0.2)
    await technician.end(agent.sid)
    assert kinds(await receipt_of(technician, agent.sid)) == ["hello"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"consent"}))
async def test_nobody_else_writes_or_reads_it(
    name: ServiceName, technician: Technician, agent: AgentWire, service_client: Connect
) -> None:
    client = await service_client(name)
    subject = subjects.ledger(agent.org, agent.sid)
    for asked in (subject, "$JS.API.STREAM.MSG.GET.LEDGER"):
        with pytest.raises(NatsError):
            await client.request(asked, b'{"seq": 1}', timeout=0.2)
    await technician.end(agent.sid)
    assert kinds(await receipt_of(technician, agent.sid)) == ["hello"]


async def test_a_stream_like_it_refuses_even_its_administrator(tmp_path: Path) -> None:
    """Without our permissions: the stream's own settings refuse."""
    ports = tmp_path / "ports"
    ports.mkdir()
    command = [find_program(), "-js", "-sd", str(tmp_path / "js"), "-p", "-1", "-a", "127.0.0.1"]
    process = await child.start([*command, "--ports_file_dir", str(ports)], log_file=tmp_path / "log")
    try:
        client = await _administrator(ports)
        js = client.jetstream()
        await js.add_stream(streams._ledger(1))
        await js.publish("bst.ledger.acme.x", b"a record")
        with pytest.raises(NatsError):
            await js.delete_msg("LEDGER", 1)
        with pytest.raises(NatsError):
            await js.purge_stream("LEDGER")
        assert (await js.get_msg("LEDGER", 1)).data == b"a record"
        await client.close()
    finally:
        await child.stop(process)


async def _administrator(ports: Path) -> Client:
    urls: list[str] = []

    async def is_written() -> bool:
        with suppress(json.JSONDecodeError, StopIteration):
            urls[:] = json.loads(_only_file(ports))["nats"]
        return bool(urls)

    await eventually(is_written)
    return await nats.connect(urls[0])


def _only_file(directory: Path) -> str:
    return next(directory.iterdir()).read_text()
