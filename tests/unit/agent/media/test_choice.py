"""Which encoder is taken: one that everybody decodes, the best of the build, and never back and forth."""

import pytest

from agent.engine.choice import DEAR_S, NEEDS, PATIENCE, Choice
from agent.engine.encode import EncoderUnavailable, Kind, Line, Plan

pytestmark = pytest.mark.unit

ALL = tuple(NEEDS.values())
SAFARI = (NEEDS[Kind.H264], NEEDS[Kind.JPEG])
FREE = (NEEDS[Kind.VP9], NEEDS[Kind.JPEG])


def best(choice: Choice, *viewers: tuple[str, ...]) -> Kind:
    return choice.plan(viewers, Line.WIDE).kind


@pytest.mark.parametrize(
    ("viewers", "kind"),
    [
        ([], Kind.H264_444),
        ([()], Kind.H264),
        ([ALL], Kind.H264_444),
        ([ALL, SAFARI], Kind.H264),
        ([FREE], Kind.VP9),
        ([FREE, SAFARI], Kind.JPEG),
        ([("jpeg",)], Kind.JPEG),
        ([("av01.0.08M.08",)], Kind.H264_444),
    ],
)
def test_the_best_that_everybody_decodes(viewers, kind):
    assert best(Choice(tuple(Kind), cores=8), *viewers) is kind


def test_where_no_encoder_suits_all_it_suits_most():
    choice = Choice((Kind.H264, Kind.VP9), cores=8)
    assert best(choice, SAFARI, FREE, FREE) is Kind.VP9


def test_the_order_of_the_build_counts():
    assert best(Choice((Kind.VP9, Kind.H264), cores=8), ALL) is Kind.VP9


def test_a_build_without_gpl_code_never_chooses_any():
    choice = Choice((Kind.VP9, Kind.JPEG), cores=8)
    assert {best(choice, viewer) for viewer in (ALL, SAFARI, FREE, ())} <= {Kind.VP9, Kind.JPEG}


def test_fine_colours_are_for_machines_with_cores_to_spare_or_without_anything_else():
    assert best(Choice(tuple(Kind), cores=2), ALL) is Kind.H264
    assert best(Choice((Kind.H264_444,), cores=2), ALL) is Kind.H264_444


def test_fine_colours_that_cost_too_much_for_long_are_over_for_good():
    choice = Choice(tuple(Kind), cores=8)
    for _ in range(PATIENCE - 1):
        choice.took(Kind.H264_444, DEAR_S)
    choice.took(Kind.H264_444, DEAR_S / 2)
    assert best(choice, ALL) is Kind.H264_444
    for _ in range(PATIENCE):
        choice.took(Kind.H264_444, DEAR_S)
    assert best(choice, ALL) is Kind.H264
    for _ in range(2 * PATIENCE):
        choice.took(Kind.H264, 1.0)
    assert best(choice, ALL) is Kind.H264


def test_what_does_not_open_is_not_tried_again_and_nothing_left_is_an_error():
    choice = Choice((Kind.H264, Kind.JPEG), cores=2)
    choice.failed(Kind.H264)
    assert choice.plan([ALL], Line.THIN) == Plan(Kind.JPEG, Line.THIN)
    choice.failed(Kind.JPEG)
    with pytest.raises(EncoderUnavailable):
        choice.plan([ALL], Line.WIDE)
