"""What is said before pictures are loaded is not lost, and nothing is loaded unasked."""

import subprocess
import sys
import threading

from agent.engine.late_media import LateMedia
from beistand.protocol.messages import MediaDown
from tests.support.person import FakeMedia

PATIENCE_S = 5.0
STAYS = "s" * 22
AT_REST = "import agent.app, sys; print([name for name in ('numpy', 'av', 'mss') if name in sys.modules])"


class Placed(FakeMedia):
    """Pictures that say so when they are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = threading.Event()

    def desktop_place(self, x: int, y: int) -> tuple[int, int] | None:
        return x + 1, y + 1

    def close(self) -> None:
        super().close()
        self.closed.set()


class Loading:
    """Counts loads, and holds the first up until it is told."""

    def __init__(self) -> None:
        self.pictures = Placed()
        self.may_load = threading.Event()
        self.loads = 0

    def __call__(self) -> Placed:
        self.loads += 1
        assert self.may_load.wait(PATIENCE_S)
        return self.pictures


def test_nothing_is_loaded_before_a_session() -> None:
    loading = Loading()
    media = LateMedia(loading)
    media.close()
    assert (loading.loads, media.monitors(), media.desktop_place(1, 1)) == (0, (), None)


def test_what_is_said_meanwhile_is_said_in_order_and_once() -> None:
    loading = Loading()
    media = LateMedia(loading)
    media.prepare()
    media.prepare()
    media.start("gone", lambda _: None)
    media.start(STAYS, lambda _: None)
    media.credit(MediaDown(grant_id=STAYS, shown=1))
    media.stop("gone")
    assert not loading.pictures.started
    loading.may_load.set()
    while not media.desktop_place(1, 1):
        assert media.monitors() == ()
    media.stop(STAYS)
    media.close()
    pictures = loading.pictures
    assert loading.loads == 1
    assert pictures.is_prepared
    assert pictures.started == ["gone", STAYS]
    assert [each.shown for each in pictures.credits] == [1]
    assert not pictures.streams


def test_closed_while_it_loads() -> None:
    loading = Loading()
    media = LateMedia(loading)
    media.prepare()
    media.close()
    loading.may_load.set()
    assert loading.pictures.closed.wait(PATIENCE_S)


def test_an_agent_at_rest_has_neither_codecs_nor_arrays() -> None:
    run = subprocess.run([sys.executable, "-c", AT_REST], capture_output=True, check=True, text=True)
    assert run.stdout.strip() == "[]"
