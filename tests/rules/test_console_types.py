"""The console speaks the contract: its generated types are fresh and cover what a browser can meet."""

import pytest

from beistand.protocol import messages, typescript
from beistand.protocol.frames import Codec

pytestmark = pytest.mark.rules


def test_the_generated_types_are_fresh() -> None:
    written = typescript.TARGET.read_text(encoding="utf-8")
    assert written == typescript.render(), "run: make types"


def test_every_event_type_has_its_data() -> None:
    declared = messages.CloudEvent.model_fields["type"].annotation
    assert set(typescript.EVENT_DATA) == set(declared.__args__)  # type: ignore[union-attr]


@pytest.mark.parametrize("union", sorted(typescript.UNIONS))
def test_every_member_of_a_union_is_generated(union: str) -> None:
    generated = typescript.render()
    line = next(line for line in generated.splitlines() if line.startswith(f"export type {union} ="))
    for member in line.split("=")[1].strip(" ;").split(" | "):
        assert f"export interface {member} " in generated


def test_every_codec_is_generated() -> None:
    assert all(f"{codec.name}: {codec.value}" in typescript.render() for codec in Codec)
