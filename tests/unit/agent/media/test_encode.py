"""The encoder: what goes in comes out, at every size, with the options that were asked for."""

import av
import numpy as np
import pytest

from agent.engine.change import Pixels, changes, whole
from agent.engine.encode import H264
from beistand.protocol.frames import Codec

pytestmark = pytest.mark.unit


def picture(width: int, height: int, *, seed: int = 1) -> Pixels:
    """Blocks of random colours with sharp edges, much like a desktop."""
    colours = np.random.default_rng(seed).integers(0, 255, (height // 16 + 1, width // 16 + 1, 4), np.uint8)
    blocks = colours.repeat(16, axis=0).repeat(16, axis=1)
    return np.ascontiguousarray(blocks[:height, :width])


def decoded(decoder: av.CodecContext, payload: bytes) -> list[av.VideoFrame]:
    return list(decoder.decode(av.Packet(payload)))


def luma_psnr(frame: av.VideoFrame, shown: Pixels) -> float:
    """Compared as the viewer sees it: luma of both, BT.601 limited range."""
    height, width = frame.height, frame.width
    blue, green, red = (shown[:height, :width, channel].astype(float) for channel in range(3))
    wanted = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    got = frame.to_ndarray(format="yuv420p")[:height].astype(float)
    return float(10 * np.log10(255**2 / max(((got - wanted) ** 2).mean(), 1e-9)))


def test_every_frame_in_is_a_frame_out_and_looks_the_same():
    encoder, decoder = H264(640, 360), av.CodecContext.create("h264", "r")
    before = picture(640, 360)
    (first,) = decoded(decoder, encoder.encode(before, whole(before), key=True))
    after = before.copy()
    after[100:140, 200:260] = (10, 200, 30, 0)
    (second,) = decoded(decoder, encoder.encode(after, changes(before, after), key=False))
    assert first.key_frame
    assert not second.key_frame
    assert luma_psnr(first, before) > 35
    assert luma_psnr(second, after) > 35


@pytest.mark.parametrize(("width", "height"), [(641, 361), (1366, 768), (65, 64)])
def test_odd_sizes_lose_their_last_pixel(width, height):
    encoder, decoder = H264(width, height), av.CodecContext.create("h264", "r")
    shown = picture(width, height)
    (frame,) = decoded(decoder, encoder.encode(shown, whole(shown), key=True))
    assert (encoder.width, encoder.height) == (width & ~1, height & ~1) == (frame.width, frame.height)


def test_a_key_frame_needs_nothing_before_it():
    encoder = H264(320, 240)
    shown = picture(320, 240)
    encoder.encode(shown, whole(shown), key=True)
    payload = encoder.encode(shown, (), key=True)
    (frame,) = decoded(av.CodecContext.create("h264", "r"), payload)
    assert frame.key_frame
    assert payload.startswith(b"\0\0\0\1\x67")  # the sequence parameter set


def test_no_key_frame_comes_by_itself():
    encoder = H264(64, 64)
    shown = picture(64, 64)
    encoder.encode(shown, whole(shown), key=True)
    decoder = av.CodecContext.create("h264", "r")
    decoded(decoder, encoder.encode(shown, (), key=True))
    later = [decoded(decoder, encoder.encode(shown, (), key=False)) for _ in range(300)]
    assert not any(frame.key_frame for frames in later for frame in frames)


def test_the_encoder_runs_with_the_options_asked_for():
    """x264 writes its settings into the first key frame; unknown ones would be dropped with a warning."""
    encoder = H264(64, 64)
    shown = picture(64, 64)
    written = encoder.encode(shown, whole(shown), key=True)
    wanted = ["cabac=1", "me=umh", "me_range=128", "8x8dct=1", "crf=23.0", "bframes=0", "threads=1"]
    wanted += ["keyint=infinite", "qpmax=32", "vbv_maxrate=20000", "vbv_bufsize=1000", "rc_lookahead=0"]
    assert [option for option in wanted if option.encode() not in written] == []


def test_the_stream_says_how_its_colours_are_meant():
    encoder, decoder = H264(64, 64), av.CodecContext.create("h264", "r")
    shown = picture(64, 64)
    (frame,) = decoded(decoder, encoder.encode(shown, whole(shown), key=True))
    assert frame.colorspace in (5, 6)  # BT.601
    assert frame.color_range == 1  # limited
    assert encoder.codec is Codec.H264
