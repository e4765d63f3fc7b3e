"""The frame header: the shared vectors, round trips, and that nothing malformed is ever parsed."""

import json
from contextlib import suppress
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beistand.protocol import frames
from beistand.protocol.errors import InvalidMessage
from beistand.protocol.frames import HEADER, MAX_CHUNK, MAX_CHUNKS, MAX_SIDE, Area, Codec, Header

pytestmark = pytest.mark.unit

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (resources.files("beistand.protocol") / "frames.vectors.json").read_text("utf-8")
)
SAMPLE = Header(Codec.H264, True, True, 0, 1, 0, 1920, 1080, 0)
whole_headers = st.builds(
    Header,
    codec=st.sampled_from(Codec),
    is_key=st.booleans(),
    is_last=st.booleans(),
    monitor=st.integers(0, 255),
    seq=st.integers(1, 2**32 - 1),
    captured_us=st.integers(0, 2**64 - 1),
    width=st.integers(1, MAX_SIDE),
    height=st.integers(1, MAX_SIDE),
    chunk=st.integers(0, MAX_CHUNKS - 1),
)


@st.composite
def headers_of_parts(draw: st.DrawFn) -> Header:
    header = draw(whole_headers)
    x, y = draw(st.integers(0, header.width - 1)), draw(st.integers(0, header.height - 1))
    size = draw(st.integers(1, header.width - x)), draw(st.integers(1, header.height - y))
    return replace(header, is_key=False, area=Area(x, y, *size))


headers = st.one_of(whole_headers, headers_of_parts())


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda vector: vector["name"])
def test_valid_vectors(vector: dict[str, Any]) -> None:
    raw, fields = bytes.fromhex(vector["hex"]), vector["header"]
    expected = Header(
        Codec(fields["codec"]),
        fields["isKey"],
        fields["isLast"],
        fields["monitor"],
        fields["seq"],
        fields["capturedUs"],
        fields["width"],
        fields["height"],
        fields["chunk"],
        Area(**fields["area"]) if fields["area"] else None,
    )
    assert frames.parse(raw) == expected
    assert raw[HEADER.size :].hex() == vector["payloadHex"]
    assert frames.pack(expected) == raw[: HEADER.size]


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda vector: vector["name"])
def test_invalid_vectors(vector: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage):
        frames.parse(bytes.fromhex(vector["hex"]))


@given(headers, st.binary(min_size=1, max_size=64))
def test_round_trip(header: Header, payload: bytes) -> None:
    assert frames.parse(frames.pack(header) + payload) == header
    assert frames.parse(memoryview(frames.pack(header) + payload)) == header


@given(st.binary(max_size=64))
def test_anything_is_parsed_or_refused(raw: bytes) -> None:
    try:
        header = frames.parse(raw)
    except InvalidMessage:
        return
    assert frames.pack(header) == raw[: HEADER.size]


@given(headers, st.integers(0, HEADER.size - 1), st.integers(0, 255))
def test_one_changed_byte_is_another_header_or_none(header: Header, offset: int, value: int) -> None:
    raw = bytearray(frames.pack(header) + b"x")
    is_same = raw[offset] == value
    raw[offset] = value
    try:
        assert (frames.parse(bytes(raw)) == header) is is_same
    except InvalidMessage:
        assert not is_same


def test_a_chunk_has_a_largest_size() -> None:
    frames.parse(frames.pack(SAMPLE) + bytes(MAX_CHUNK))
    with pytest.raises(InvalidMessage):
        frames.parse(frames.pack(SAMPLE) + bytes(MAX_CHUNK + 1))


@pytest.mark.parametrize("size", [1, MAX_CHUNK - 1, MAX_CHUNK, MAX_CHUNK + 1, 3 * MAX_CHUNK + 7])
def test_chunks_join_to_the_frame(size: int) -> None:
    payload = bytes(index % 251 for index in range(size))
    parts = list(frames.chunks(SAMPLE, payload))
    parsed = [frames.parse(part) for part in parts]
    assert b"".join(part[HEADER.size :] for part in parts) == payload
    assert [header.chunk for header in parsed] == list(range(len(parts)))
    assert [header.is_last for header in parsed] == [False] * (len(parts) - 1) + [True]
    assert {replace(header, chunk=0, is_last=True) for header in parsed} == {SAMPLE}


@pytest.mark.parametrize("size", [0, MAX_CHUNK * MAX_CHUNKS + 1])
def test_a_frame_that_fits_no_chunks_is_refused(size: int) -> None:
    with pytest.raises(InvalidMessage):
        list(frames.chunks(SAMPLE, bytes(size)))


patches = st.lists(
    st.builds(frames.Patch, st.integers(0, 16383), st.integers(0, 16383), st.binary(min_size=1, max_size=40)),
    min_size=1,
    max_size=5,
)


@given(patches)
def test_patches_survive_the_way(given_patches: list[frames.Patch]) -> None:
    assert frames.parse_patches(frames.pack_patches(given_patches)) == given_patches


@given(patches, st.data())
def test_cut_patches_are_refused(given_patches: list[frames.Patch], data: st.DataObject) -> None:
    packed = frames.pack_patches(given_patches)
    ends = {len(frames.pack_patches(given_patches[:count])) for count in range(1, len(given_patches) + 1)}
    cut = data.draw(st.integers(0, len(packed) - 1).filter(lambda at: at not in ends))
    with pytest.raises(InvalidMessage):
        frames.parse_patches(packed[:cut])


@given(st.binary(max_size=200))
def test_whatever_comes_is_patches_or_refused(payload: bytes) -> None:
    with suppress(InvalidMessage):
        assert frames.pack_patches(frames.parse_patches(payload)) == payload


def test_too_many_patches_are_refused() -> None:
    many = [frames.Patch(0, 0, b"x")] * (frames.MAX_PATCHES + 1)
    with pytest.raises(InvalidMessage):
        frames.parse_patches(frames.pack_patches(many))
