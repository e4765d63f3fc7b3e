"""The table of a request's life: complete about what must never happen."""

from itertools import product

import pytest

from agent.engine.grant import CAUSES, TABLE, TOLD, Do, Happening, Stage

pytestmark = pytest.mark.unit


def test_live_is_reached_in_one_way_only() -> None:
    ways = [pair for pair, step in TABLE.items() if step.after is Stage.LIVE]
    assert ways == [(Stage.RECORDING, Happening.RECORDED)]
    grants = [pair for pair, step in TABLE.items() if Do.GRANT in step.actions]
    assert grants == [(Stage.SHOWING, Happening.SHOWN), (Stage.ASKED, Happening.ALLOWED_STANDING)]
    opens = [pair for pair, step in TABLE.items() if Do.OPEN in step.actions]
    assert opens == ways


def test_a_yes_to_unattended_access_opens_nothing() -> None:
    steps = {happening: step for (stage, happening), step in TABLE.items() if stage is Stage.ENROLLING}
    assert all(step.after is Stage.OVER for step in steps.values())
    assert all(not {Do.OPEN, Do.GRANT} & set(step.actions) for step in steps.values())
    enrols = [pair for pair, step in TABLE.items() if Do.ENROL in step.actions]
    assert enrols == [(Stage.ENROLLING, Happening.RECORDED)]


def test_nothing_leads_out_of_over() -> None:
    assert not [stage for stage, _ in TABLE if stage is Stage.OVER]


def test_whatever_leaves_live_closes() -> None:
    for (stage, _), step in TABLE.items():
        assert (stage is Stage.LIVE) == (Do.CLOSE in step.actions)


def test_whatever_leaves_the_screen_releases_input() -> None:
    for (stage, _), step in TABLE.items():
        assert (stage is Stage.ASKED) == (Do.RELEASE in step.actions)


def test_every_signed_yes_that_does_not_live_is_taken_back() -> None:
    for (stage, happening), step in TABLE.items():
        if stage in (Stage.RECORDING, Stage.ENROLLING) and step.after is Stage.OVER:
            # Refused: nothing was recorded; the end of the session covers everything; what enrols, lives on.
            exempt = happening in (Happening.REFUSED, Happening.SESSION_OVER) or Do.ENROL in step.actions
            assert (Do.REVOKE in step.actions) != exempt


def test_what_revokes_has_a_cause_and_what_tells_has_words_or_is_silent_on_purpose() -> None:
    for (stage, happening), step in TABLE.items():
        if Do.REVOKE in step.actions:
            assert happening in CAUSES
        if (stage, happening) in TOLD:
            assert Do.TELL in step.actions
    assert set(TOLD) <= set(TABLE)


def test_every_stage_but_over_ends_with_the_session() -> None:
    for stage, happening in product(set(Stage) - {Stage.OVER}, [Happening.SESSION_OVER]):
        assert TABLE[stage, happening].after is Stage.OVER
