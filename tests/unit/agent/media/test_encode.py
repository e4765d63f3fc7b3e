"""The encoders: what goes in comes out, at every size, as sharp as promised, with the options asked for."""

import subprocess
import sys

import av
import numpy as np
import pytest
import simplejpeg

from agent.engine import vp9
from agent.engine.change import Pixels, changes, whole
from agent.engine.convert import Chroma
from agent.engine.encode import Encoder, EncoderUnavailable, Kind, Line, Plan, open_encoder
from agent.engine.h264 import H264
from agent.engine.video import VideoEncoder
from beistand.protocol import frames
from beistand.protocol.frames import Codec
from tests.support.scenes import page, with_panel

pytestmark = pytest.mark.unit

SIZE = (640, 360)
SHARP = {Kind.H264_444: 43.0, Kind.H264: 43.0, Kind.VP9: 43.0, Kind.JPEG: 43.0}
"""Luma of a resting picture, dB."""
MOVING = {Kind.H264_444: 31.0, Kind.H264: 31.0, Kind.VP9: 40.0, Kind.JPEG: 31.0}
"""While it scrolls."""
READABLE = {Kind.H264_444: 30.0, Kind.H264: 30.0, Kind.VP9: 36.0, Kind.JPEG: 30.0}
"""Of the first frame."""


class Eye:
    """Decodes what an encoder makes, as a viewer does; `luma`, `blue` and `red` are what it sees (0-255)."""

    def __init__(self, encoder: Encoder) -> None:
        self.codec = encoder.codec
        self.picture: Pixels = np.zeros((encoder.height, encoder.width, 3), np.uint8)
        names = {Codec.H264: "h264", Codec.VP9: "vp9"}
        self.decoder = av.CodecContext.create(names[self.codec], "r") if self.codec in names else None
        self.seen: av.VideoFrame | None = None

    def see(self, payload: bytes) -> None:
        if self.decoder is None:
            for patch in frames.parse_patches(payload):
                image = simplejpeg.decode_jpeg(patch.image, "BGR")
                self.picture[patch.y : patch.y + len(image), patch.x : patch.x + image.shape[1]] = image
            return
        (self.seen,) = self.decoder.decode(av.Packet(payload))

    def luma_psnr(self, shown: Pixels) -> float:
        """In dB, BT.601 limited range for video as it is decoded, full range for JPEG."""
        blue, green, red = (shown[..., channel].astype(float) for channel in range(3))
        if self.seen is None:
            wanted = 0.299 * red + 0.587 * green + 0.114 * blue
            got = self.picture.astype(float) @ (0.114, 0.587, 0.299)
        else:
            wanted = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
            got = self.seen.reformat(format="yuv444p").to_ndarray()[0].astype(float)
        wanted = wanted[: got.shape[0], : got.shape[1]]
        return float(10 * np.log10(255**2 / max(((got - wanted) ** 2).mean(), 1e-9)))

    def colour_psnr(self, shown: Pixels) -> float:
        got = self.picture if self.seen is None else self.seen.to_ndarray(format="bgr24")
        wanted = shown[: got.shape[0], : got.shape[1], :3]
        error = (got.astype(float) - wanted) ** 2
        return float(10 * np.log10(255**2 / max(error.mean(), 1e-9)))


def opened(kind: Kind, size: tuple[int, int] = SIZE, line: Line = Line.WIDE) -> tuple[Encoder, Eye]:
    encoder = open_encoder(Plan(kind, line), *size)
    return encoder, Eye(encoder)


def rest(encoder: Encoder, eye: Eye, shown: Pixels, size: int) -> None:
    for _ in range(encoder.refines_after(size)):
        eye.see(encoder.encode(shown, (), key=False))


@pytest.mark.parametrize("kind", Kind)
def test_a_page_is_readable_at_once_and_sharp_once_it_rests(kind):
    encoder, eye = opened(kind)
    shown = page(*SIZE)
    key = encoder.encode(shown, whole(shown), key=True)
    eye.see(key)
    assert eye.luma_psnr(shown) >= READABLE[kind]
    rest(encoder, eye, shown, len(key))
    assert eye.luma_psnr(shown) >= SHARP[kind]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("line", Line)
def test_what_scrolls_and_is_dragged_is_what_is_seen(kind, line):
    encoder, eye = opened(kind, line=line)
    before = page(*SIZE)
    key = encoder.encode(before, whole(before), key=True)
    eye.see(key)
    rest(encoder, eye, before, len(key))
    for step in range(1, 5):
        shown = with_panel(page(*SIZE, scrolled=39 * step), 40 * step, 100)
        made = encoder.encode(shown, changes(before, shown), key=False)
        eye.see(made)
        before = shown
    assert eye.luma_psnr(shown) >= (MOVING[kind] if line is Line.WIDE else 18.0)
    rest(encoder, eye, shown, len(made))
    assert eye.luma_psnr(shown) >= (SHARP[kind] if line is Line.WIDE else 36.0)


@pytest.mark.parametrize("kind", Kind)
def test_a_key_press_is_a_small_frame_and_looks_right(kind):
    encoder, eye = opened(kind)
    before = page(*SIZE)
    key = encoder.encode(before, whole(before), key=True)
    eye.see(key)
    rest(encoder, eye, before, len(key))
    after = before.copy()
    after[100:113, 200:207] = (10, 200, 30, 0)
    made = encoder.encode(after, changes(before, after), key=False)
    eye.see(made)
    assert len(made) < len(key) / 8
    assert eye.luma_psnr(after) > 38


def test_full_chroma_keeps_coloured_text_crisp():
    shown = np.full((96, 128, 4), 255, np.uint8)
    shown[::2, ::2] = (0, 0, 255, 0)
    seen = {}
    for kind in (Kind.H264, Kind.H264_444):
        encoder, eye = opened(kind, (128, 96))
        key = encoder.encode(shown, whole(shown), key=True)
        eye.see(key)
        for _ in range(8):
            eye.see(encoder.encode(shown, (), key=False))
        seen[kind] = eye.colour_psnr(shown)
    assert seen[Kind.H264_444] > seen[Kind.H264] + 6


@pytest.mark.parametrize("kind", [Kind.H264, Kind.H264_444, Kind.VP9])
@pytest.mark.parametrize(("width", "height"), [(641, 361), (65, 64)])
def test_odd_sizes_lose_their_last_pixel(kind, width, height):
    encoder, eye = opened(kind, (width, height))
    shown = page(width, height)
    eye.see(encoder.encode(shown, whole(shown), key=True))
    assert (encoder.width, encoder.height) == (width & ~1, height & ~1) == (eye.seen.width, eye.seen.height)


def test_jpeg_keeps_odd_sizes():
    encoder, eye = opened(Kind.JPEG, (641, 361))
    shown = page(641, 361)
    eye.see(encoder.encode(shown, whole(shown), key=True))
    eye.see(encoder.encode(shown, (), key=False))
    assert eye.picture.shape == (361, 641, 3)
    assert eye.luma_psnr(shown) > 43


@pytest.mark.parametrize("kind", Kind)
def test_a_key_frame_needs_nothing_before_it(kind):
    encoder, _ = opened(kind)
    shown = page(*SIZE)
    encoder.encode(shown, whole(shown), key=True)
    eye = Eye(encoder)
    eye.see(encoder.encode(shown, (), key=True))
    assert eye.luma_psnr(shown) > 25
    if eye.seen is not None:
        assert eye.seen.key_frame


def test_h264_says_its_parameters_before_each_key_frame():
    encoder, _ = opened(Kind.H264)
    shown = page(*SIZE)
    for _ in range(2):
        assert encoder.encode(shown, (), key=True).startswith(b"\0\0\0\1\x67")


@pytest.mark.parametrize("kind", [Kind.H264, Kind.VP9])
def test_every_frame_in_is_a_frame_out_and_no_key_frame_comes_by_itself(kind):
    encoder, eye = opened(kind, (64, 64))
    shown = page(64, 64)
    eye.see(encoder.encode(shown, whole(shown), key=True))
    for _ in range(300):
        eye.see(encoder.encode(shown, (), key=False))
        assert not eye.seen.key_frame


@pytest.mark.parametrize("chroma", Chroma)
def test_x264_runs_with_the_options_asked_for(chroma):
    """It writes its settings into the first key frame; unknown ones would be dropped with a warning."""
    shown = page(64, 64)
    written = H264(64, 64, chroma=chroma).encode(shown, whole(shown), key=True)
    wanted = ["cabac=1", "me=umh", "me_range=128", "8x8dct=1", "crf=23.0", "bframes=0", "threads=1"]
    wanted += ["keyint=infinite", "qpmax=32", "vbv_maxrate=20000", "vbv_bufsize=1000", "rc_lookahead=0"]
    assert [option for option in wanted if option.encode() not in written] == []
    thin = H264(64, 64, chroma=chroma, line=Line.THIN).encode(shown, whole(shown), key=True)
    assert b"vbv_maxrate=3000 vbv_bufsize=300" in thin


@pytest.mark.parametrize("name", ["libx264", "libvpx-vp9"])
def test_an_option_that_is_not_taken_is_an_error(name):
    with pytest.raises(EncoderUnavailable, match="no-such"):
        VideoEncoder(name, 64, 64, options={"no-such": "1"}, chroma=Chroma.HALF)


def test_an_option_out_of_range_is_an_error():
    with pytest.raises(EncoderUnavailable):
        VideoEncoder("libvpx-vp9", 64, 64, options={"cpu-used": "99"}, chroma=Chroma.HALF)


def test_a_build_without_an_encoder_says_so():
    with pytest.raises(EncoderUnavailable, match="without libnone"):
        VideoEncoder("libnone", 64, 64, options={}, chroma=Chroma.HALF)


@pytest.mark.parametrize("option", ["crf", "deadline", "tune-content"])
def test_each_of_libvpxs_options_makes_a_difference(option):
    """libvpx writes its settings nowhere: without the option the stream is another one."""

    def made(options: dict[str, str]) -> list[int]:
        encoder = VideoEncoder("libvpx-vp9", *SIZE, options=options, chroma=Chroma.HALF)
        shown = [page(*SIZE, scrolled=30 * step) for step in range(4)]
        return [len(encoder.encode(each, whole(each), key=False)) for each in shown]

    asked = vp9.options(Line.WIDE)
    assert made(asked) != made({key: value for key, value in asked.items() if key != option})


@pytest.mark.parametrize("kind", [Kind.H264, Kind.H264_444, Kind.VP9])
def test_the_stream_says_how_its_colours_are_meant(kind):
    encoder, eye = opened(kind, (64, 64))
    shown = page(64, 64)
    eye.see(encoder.encode(shown, whole(shown), key=True))
    assert eye.seen.colorspace in (5, 6)  # BT.601
    assert eye.seen.color_range == 1  # limited


def test_a_thin_line_gets_smaller_key_frames():
    shown = page(1280, 720)
    for kind in (Kind.H264, Kind.VP9, Kind.JPEG):
        wide, thin = (
            len(opened(kind, (1280, 720), line)[0].encode(shown, whole(shown), key=True)) for line in Line
        )
        assert thin < wide * 0.9


def test_jpeg_needs_no_video_library_and_vp9_never_touches_x264():
    """What a package free of GPL code relies on: nothing of PyAV is loaded for JPEG, no x264 for VP9."""
    program = """
import sys
sys.modules["av"] = None
import numpy
from agent.engine.encode import EncoderUnavailable, Kind, Plan, open_encoder
from agent.engine.stream import ScreenMedia
picture = numpy.zeros((64, 64, 4), numpy.uint8)
assert open_encoder(Plan(Kind.JPEG), 64, 64).encode(picture, (), key=True)
for kind in (Kind.H264, Kind.H264_444, Kind.VP9):
    try:
        open_encoder(Plan(kind), 64, 64)
    except EncoderUnavailable:
        continue
    raise SystemExit(f"{kind} without PyAV")
del sys.modules["av"]
import av
real = av.CodecContext
class Watched:
    def create(name, mode):
        if name == "libx264":
            raise SystemExit("x264 was touched")
        return real.create(name, mode)
av.CodecContext = Watched
assert open_encoder(Plan(Kind.VP9), 64, 64).encode(picture, (), key=True)
assert "agent.engine.h264" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
