"""The table of permissions says what the state-ownership table of the architecture says, and no more."""

import re
from pathlib import Path

import pytest

from beistand.bus.permissions import (
    CALLOUT_SUBJECT,
    SERVICE_PERMISSIONS,
    SYSTEM_PERMISSIONS,
    Bucket,
    Permissions,
)
from beistand.bus.settings import SERVICES, ServiceName

pytestmark = pytest.mark.unit

ARCHITECTURE = Path(__file__).parents[3] / "docs" / "architecture.md"
BOTH_WRITE_TICKETS = {"session", "gateway", "relay"}
"""The relay redeems tickets: a conditional delete is a write."""


def writers(bucket: Bucket) -> set[str]:
    return {name for name, allowed in SERVICE_PERMISSIONS.items() if f"$KV.{bucket}.>" in allowed.publish}


def owners_in_the_docs() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|[^|]*\|([^|]*)\|", ARCHITECTURE.read_text(), re.MULTILINE)
    return {
        bucket: set(re.findall("|".join(SERVICES), cell)) for bucket, cell in rows if bucket in set(Bucket)
    }


def test_buckets_are_written_by_their_owner_only() -> None:
    expected = owners_in_the_docs() | {Bucket.TICKETS: BOTH_WRITE_TICKETS}
    assert {bucket: writers(bucket) for bucket in Bucket} == expected


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_holds_a_master_key(name: ServiceName) -> None:
    allowed = SERVICE_PERMISSIONS[name]
    subjects = (*allowed.publish, *allowed.subscribe)
    assert not {">", "$JS.>", "$JS.API.>", "$KV.>", "$SYS.>", "bst.>"} & set(subjects)
    assert not any(re.search(r"STREAM\.(UPDATE|DELETE|PURGE|MSG\.DELETE|RESTORE)", each) for each in subjects)
    assert "_INBOX.>" not in allowed.subscribe, "a service must not read others' answers"


def test_only_the_session_service_hears_who_wants_in() -> None:
    listeners = {name for name, each in SERVICE_PERMISSIONS.items() if CALLOUT_SUBJECT in each.subscribe}
    assert listeners == {"session"}


def test_only_the_agent_side_can_speak_for_the_customer() -> None:
    for allowed in SERVICE_PERMISSIONS.values():
        assert not any(subject.startswith(("bst.up", "bst.media")) for subject in allowed.publish)


def test_only_the_relay_sends_input() -> None:
    senders = {
        name
        for name, allowed in SERVICE_PERMISSIONS.items()
        if any(subject.startswith("bst.input") for subject in allowed.publish)
    }
    assert senders == {"relay"}


def test_the_system_user_can_only_kick_and_listen() -> None:
    assert (
        Permissions(
            publish=("$SYS.REQ.SERVER.*.KICK",),
            subscribe=("$SYS.ACCOUNT.APP.DISCONNECT", "_INBOX.system.>"),
        )
        == SYSTEM_PERMISSIONS
    )
