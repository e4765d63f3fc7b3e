"""The bar counts as visible only while that is proven; every proof is told, every loss once."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QWidget

from agent.ui.watch import PROVE_TRIES, IndicatorWatch, State

pytestmark = pytest.mark.unit


class Screen:
    """Whether the bar can be seen, and what was told."""

    def __init__(self) -> None:
        self.is_seen = True
        self.told: list[bool] = []

    def is_visible(self, _window: int) -> bool:
        return self.is_seen

    def tell(self, *, visible: bool) -> None:
        self.told.append(visible)


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def watch(screen: Screen) -> Iterator[IndicatorWatch]:
    bar = QWidget()
    made = IndicatorWatch(bar, is_visible=screen.is_visible, tell=screen.tell)
    yield made
    made.stop()


def test_every_proof_is_told_and_nothing_before_the_first(watch: IndicatorWatch, screen: Screen) -> None:
    watch.start()
    assert screen.told == []
    watch.check()
    watch.check()
    assert (watch.state, screen.told) == (State.SEEN, [True, True])


def test_every_proof_is_told_while_the_bar_is_seen(watch: IndicatorWatch, screen: Screen) -> None:
    watch.start()
    for _ in range(3):
        watch.check()
    assert (watch.state, screen.told) == (State.SEEN, [True] * 3)


def test_a_proof_after_the_stop_tells_nothing(watch: IndicatorWatch, screen: Screen) -> None:
    watch.check()
    assert (watch.state, screen.told) == (State.OFF, [])


def test_a_bar_that_never_appears_is_told_once(watch: IndicatorWatch, screen: Screen) -> None:
    screen.is_seen = False
    watch.start()
    for _ in range(PROVE_TRIES + 5):
        watch.check()
    assert (watch.state, screen.told) == (State.LOST, [False])


def test_one_miss_is_a_doubt_two_are_a_loss(watch: IndicatorWatch, screen: Screen) -> None:
    watch.start()
    watch.check()
    screen.is_seen = False
    watch.check()
    assert (watch.state, screen.told) == (State.DOUBTED, [True])
    watch.check()
    assert (watch.state, screen.told) == (State.LOST, [True, False])


def test_a_raised_bar_was_never_lost(watch: IndicatorWatch, screen: Screen) -> None:
    watch.start()
    watch.check()
    screen.is_seen = False
    watch.check()
    screen.is_seen = True
    watch.check()
    assert (watch.state, screen.told) == (State.SEEN, [True, True])


def test_a_lost_bar_that_comes_back_is_told(watch: IndicatorWatch, screen: Screen) -> None:
    watch.start()
    for is_seen in (True, False, False, True):
        screen.is_seen = is_seen
        watch.check()
    assert screen.told == [True, False, True]


def test_stopping_ends_what_was_seen(watch: IndicatorWatch, screen: Screen) -> None:
    watch.start()
    watch.check()
    watch.stop()
    watch.stop()
    assert (watch.state, screen.told) == (State.OFF, [True, False])


def test_an_error_in_the_check_counts_as_not_seen(screen: Screen) -> None:
    def broken(_window: int) -> bool:
        raise OSError

    bar = QWidget()
    watch = IndicatorWatch(bar, is_visible=broken, tell=screen.tell)
    watch.start()
    for _ in range(PROVE_TRIES):
        with pytest.raises(OSError):  # noqa: PT011
            watch.check()
    watch.stop()  # or its timer goes on in the next test
    assert screen.told == [False]
