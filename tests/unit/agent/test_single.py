"""One agent per state directory; a second start hands over to the first."""

import queue
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.single import NAME, Instance, hand_over

pytestmark = pytest.mark.unit


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Instance]:
    instance = Instance.claim(tmp_path)
    assert instance is not None
    yield instance
    instance.close()


def test_the_second_start_hands_its_link_to_the_first(first: Instance, tmp_path: Path) -> None:
    heard: queue.Queue[str] = queue.Queue()
    assert Instance.claim(tmp_path) is None
    first.serve(heard.put)
    assert hand_over(tmp_path, "beistand://join/123456789")
    assert heard.get(timeout=5) == "beistand://join/123456789"
    assert hand_over(tmp_path, "")
    assert heard.get(timeout=5) == ""
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_who_does_not_know_the_word_is_not_heard(first: Instance, tmp_path: Path) -> None:
    heard: queue.Queue[str] = queue.Queue()
    first.serve(heard.put)
    port = int((tmp_path / NAME).read_text().splitlines()[1])
    for line in (b"wrong beistand://join/123456789\n", b"\xff\xfe\n", b"x" * 5000):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as door:
            door.sendall(line)
            door.shutdown(socket.SHUT_WR)
            try:
                answer = door.recv(10)
            except ConnectionResetError:
                answer = b""
        assert answer == b""
    assert hand_over(tmp_path, "")
    assert heard.get(timeout=5) == ""
    assert heard.empty()


def test_the_claim_dies_with_its_process(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from agent.single import Instance; "
        "claim = Instance.claim(pathlib.Path(sys.argv[1])); print('here', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"here\n"
        assert Instance.claim(tmp_path) is None
        assert not hand_over(tmp_path, "", within=0.2)  # it serves nobody
        other.kill()
    mine = Instance.claim(tmp_path)
    assert mine is not None
    mine.close()


def test_after_an_orderly_end_the_next_start_is_the_first(tmp_path: Path) -> None:
    for _ in range(2):
        instance = Instance.claim(tmp_path)
        assert instance is not None
        instance.serve(lambda _: None)
        instance.close()
    assert not hand_over(tmp_path, "", within=0.2)
