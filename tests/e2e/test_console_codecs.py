"""Every encoding an agent has, painted in a real Chromium, and what comes broken: a right picture or none.

What is sent is made by the agent's own encoders; the last test has the agent itself send only JPEG.
"""

import asyncio
import io
import random

import av
import numpy as np
import numpy.typing as npt
import pytest
import simplejpeg
from playwright.async_api import Browser

from agent.engine.encode import Kind
from beistand.protocol import frames
from beistand.protocol.errors import InvalidMessage
from beistand.protocol.frames import Patch
from tests.e2e.pictures import Colour, Film
from tests.e2e.scene import Scene
from tests.e2e.watching import BLUE, HEIGHT, RED, WIDTH, Watching, watched

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

GREEN: Colour = (40, 150, 70)
ROUNDS, REFUSED, WRONG = 40, 60, 2
"""A page may give up after three frames in a row that are none: it does not get so many."""


def patch(x: int, y: int, width: int, height: int, colour: Colour) -> Patch:
    pixels = np.full((height, width, 3), colour, np.uint8)
    return Patch(x, y, simplejpeg.encode_jpeg(pixels, 95, "RGB", "444"))


async def test_jpeg_patches_are_painted_over_the_picture_before(watching: Watching) -> None:
    watching.film = Film(WIDTH, HEIGHT, Kind.JPEG)
    await watching.shows(RED, key=True)
    left = [patch(0, 0, WIDTH // 2, HEIGHT, BLUE), patch(100, 100, 300, 500, GREEN)]
    await watching.shows_payload(frames.pack_patches(left))
    assert await watching.sees(GREEN, across=0.2)
    assert await watching.sees(BLUE, across=0.4)
    assert await watching.sees(RED, across=0.7)
    assert "jpeg" in watching.side.transcript[0].codecs


async def test_a_browser_without_webcodecs_announces_and_paints_jpeg(chromium: Browser) -> None:
    async with watched(chromium, codec=Kind.JPEG, script="delete globalThis.VideoDecoder") as watching:
        assert watching.side.transcript[0].codecs == ("jpeg",)
        assert await watching.sees(RED)


async def test_patches_that_come_faster_than_they_are_drawn_are_all_painted(watching: Watching) -> None:
    watching.film = Film(WIDTH, HEIGHT, Kind.JPEG)
    await watching.shows(RED, key=True)
    step, seq = WIDTH // 16, 0
    for column in range(16):
        payload = frames.pack_patches([patch(column * step, 0, step, HEIGHT, BLUE if column % 2 else GREEN)])
        seq = await watching.side.shows(payload, WIDTH, HEIGHT, key=False, codec=frames.Codec.JPEG)
    while (await watching.side.hears("viewer.shown")).seq != seq:
        continue
    pixels = await canvas(watching)
    seen = [pixels[HEIGHT // 2, column * step + step // 2] for column in range(16)]
    meant = [BLUE if column % 2 else GREEN for column in range(16)]
    assert np.abs(np.array(seen, int) - np.array(meant, int)).max() <= 20


@pytest.mark.parametrize("kind", [Kind.H264, Kind.VP9])
async def test_only_the_part_that_changed_is_painted(watching: Watching, kind: Kind) -> None:
    watching.film = Film(WIDTH, HEIGHT, kind)
    await watching.shows(RED, key=True)
    assert await watching.sees(RED)
    left = frames.Area(0, 0, WIDTH // 2, HEIGHT)
    payload = watching.film.frame(BLUE)
    await watching.side.shows(payload, WIDTH, HEIGHT, key=False, codec=watching.film.codec, area=left)
    await watching.side.hears("viewer.shown")
    assert await watching.sees(BLUE, across=0.4)
    assert await watching.sees(RED, across=0.6)
    await watching.shows(BLUE)
    assert await watching.sees(BLUE, across=0.6)


async def test_parts_that_come_faster_than_they_are_drawn_are_all_painted(watching: Watching) -> None:
    await watching.shows(RED, key=True)
    step, seq = WIDTH // 16, 0
    for column in range(16):
        area = frames.Area(column * step, 0, step, HEIGHT)
        seq = await watching.side.shows(watching.film.frame(BLUE), WIDTH, HEIGHT, key=False, area=area)
    while (await watching.side.hears("viewer.shown")).seq != seq:
        continue
    pixels = await canvas(watching)
    seen = [pixels[HEIGHT // 2, column * step + step // 2] for column in range(16)]
    assert np.abs(np.array(seen, int) - np.array(BLUE, int)).max() <= 20


async def test_the_encoding_may_change_while_it_runs(watching: Watching) -> None:
    """H.264 -> JPEG -> VP9 -> H.264, with pictures still on their way: never a wrong or a missing one."""
    order = (Kind.JPEG, Kind.VP9, Kind.H264)
    for kind, colour, next_colour in zip(order, (BLUE, GREEN, RED), (GREEN, RED, BLUE), strict=True):
        leaving = watching.film
        await watching.side.shows(
            leaving.frame(next_colour), WIDTH, HEIGHT, key=False, codec=leaving.codec
        )  # still inside a decoder when the other encoding begins
        watching.film = Film(WIDTH, HEIGHT, kind)
        await watching.shows(colour, key=True)
        assert await watching.sees(colour), kind
        await watching.shows(next_colour)
        assert await watching.sees(next_colour), kind
    said = [message.type for message in watching.side.transcript]
    assert "viewer.refresh" not in said
    assert len(watching.side.viewers) == 1


async def test_the_size_may_change_with_the_encoding(watching: Watching) -> None:
    watching.film = Film(801, 603, Kind.JPEG)
    await watching.shows(BLUE, key=True)
    await watching.attribute('[data-testid="screen"][data-width="801"][data-height="603"]')
    assert (await canvas(watching)).shape == (603, 801, 3)
    assert await watching.sees(BLUE)


async def test_patches_that_cannot_be_are_not_painted(watching: Watching) -> None:
    watching.film = Film(WIDTH, HEIGHT, Kind.JPEG)
    for payload in (
        frames.pack_patches([patch(WIDTH - 8, 0, 16, 16, BLUE)]),  # outside
        frames.pack_patches([Patch(0, 0, b"\xff\xd8" + b"\x00" * 40)]),  # no image
        frames.pack_patches([Patch(0, 0, patch(0, 0, 64, 64, BLUE).image[:80])]),  # cut image
        frames.pack_patches([patch(0, 0, 64, 64, BLUE)])[:-3],  # cut frame
    ):
        await watching.shows(RED, key=True)
        await watching.side.shows(payload, WIDTH, HEIGHT, key=False, codec=frames.Codec.JPEG)
        await watching.side.hears("viewer.refresh")
        assert await watching.sees(RED)
    await watching.side.shows(
        payload, WIDTH, HEIGHT, key=True, codec=frames.Codec.JPEG
    )  # too little for a key frame
    await watching.side.hears("viewer.refresh")
    await watching.shows(BLUE, key=True)
    assert await watching.sees(BLUE)


async def test_a_picture_smaller_than_its_header_says_is_none(watching: Watching) -> None:
    """Or a few bytes would have the console make a canvas of a gigabyte."""
    for kind in (Kind.H264, Kind.VP9, Kind.JPEG):
        small = Film(64, 64, kind)
        await watching.side.shows(small.frame(BLUE, key=True), 16384, 16384, key=True, codec=small.codec)
        await watching.side.hears("viewer.refresh")
        assert await watching.sees(RED), kind
        await watching.shows(RED, key=True)


async def test_thousands_of_broken_frames_break_nothing(watching: Watching) -> None:
    """Headers that must be refused, and some that need not be but say what is wrong: the worker lives."""
    chance = random.Random(20261124)
    films = [Film(64, 64, kind) for kind in (Kind.H264, Kind.JPEG, Kind.VP9)]
    good = [(film.codec, film.frame(BLUE, key=True)) for film in films]
    for _ in range(ROUNDS):
        refused, wrong = [], []
        while len(refused) < REFUSED or len(wrong) < WRONG:
            message = broken(*chance.choice(good), chance)
            (wrong if is_frame(message) else refused).append(message)
        for message in (*refused[:REFUSED], *wrong[:WRONG]):
            await watching.side.viewers[-1].send_bytes(message)
        await goes_on(watching)
    assert await watching.sees(RED)
    assert len(watching.side.viewers) == 1


async def goes_on(watching: Watching) -> None:
    """As an agent does: a key frame, and another one whenever the console asks, until one is shown.

    What is wrong with a frame may come out while the next one is inside the decoder already.
    """
    film, side = watching.film, watching.side

    async def key_frame() -> int:
        return await side.shows(film.frame(RED, key=True), WIDTH, HEIGHT, key=True, codec=film.codec)

    seq = await key_frame()
    while (message := await side.hears("viewer.shown", "viewer.refresh")).type == "viewer.refresh" or (
        message.seq != seq
    ):
        if message.type == "viewer.refresh":
            seq = await key_frame()


def broken(codec: frames.Codec, payload: bytes, chance: random.Random) -> bytes:
    """A key frame with up to three bytes of its header wrong, and a part of its payload missing or not."""
    message = bytearray(frames.pack(frames.Header(codec, True, True, 0, 7, 0, 64, 64, 0)))
    for _ in range(chance.randint(0, 3)):
        message[chance.randrange(len(message))] = chance.choice((0, 1, 2, 3, 255, chance.randrange(256)))
    return bytes(message) + payload[: chance.randint(0, len(payload))]


def is_frame(message: bytes) -> bool:
    try:
        frames.parse(message)
    except InvalidMessage:
        return False
    return True


@pytest.mark.usefixtures("jpeg_only")
async def test_an_agent_that_has_only_jpeg_gives_a_right_picture(scene: Scene) -> None:
    await scene.meet()
    await scene.share()
    person = scene.technician
    scene.desktop.paint(0x2A8C50)
    async with asyncio.timeout(20):
        await person.page.evaluate(NEAR, [5, 5, [0x2A, 0x8C, 0x50]])


NEAR = """([x, y, colour]) => new Promise((done) => {
  const canvas = document.querySelector('[data-testid="screen"]');
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const look = () => {
    context.drawImage(canvas, -x, -y);
    const { data } = context.getImageData(0, 0, 1, 1);
    const isNear = colour.every((value, at) => Math.abs(value - data[at]) <= 8);
    isNear ? done() : requestAnimationFrame(look);
  };
  look();
})"""
"""Resolves once the canvas has about this colour there."""

PIXELS = """async () => {
  const canvas = document.querySelector('[data-testid="screen"]');
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  copy.getContext("2d").drawImage(canvas, 0, 0);
  const bytes = new Uint8Array(await (await copy.convertToBlob({ type: "image/png" })).arrayBuffer());
  return Array.from(bytes);
}"""


async def canvas(watching: Watching) -> npt.NDArray[np.uint8]:
    """What is on the canvas, RGB."""
    png = bytes(await watching.page.evaluate(PIXELS))
    with av.open(io.BytesIO(png), "r") as image:
        return next(image.decode(video=0)).to_ndarray(format="rgb24")


@pytest.fixture
def jpeg_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Agents started from now on have no other encoder."""
    monkeypatch.setenv("BEISTAND_AGENT_ENCODERS", "jpeg")
