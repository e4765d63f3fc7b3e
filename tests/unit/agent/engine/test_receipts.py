"""Keeping the proof: the own copy first, the agreed one in its place, a disputed one beside it."""

from pathlib import Path

import pytest

from agent.engine import receipts
from agent.engine.receipts import GatewayReceipts, collect
from beistand.protocol.errors import BadSignature, BeistandError, NotFound
from beistand.protocol.messages import Receipt, ReceiptWanted
from tests.support.questions import ORG, SID
from tests.unit.agent.engine.test_notebook import World

pytestmark = pytest.mark.unit


class Server(GatewayReceipts):
    """Real files; the server's answers as told."""

    def __init__(self, folder: Path, *answers: Receipt | BeistandError) -> None:
        super().__init__("http://127.0.0.1:1", folder)
        self.answers = list(answers)
        self.asked: list[ReceiptWanted] = []

    async def fetch(self, wanted: ReceiptWanted) -> Receipt:
        self.asked.append(wanted)
        answer = self.answers.pop(0)
        if isinstance(answer, BeistandError):
            raise answer
        return answer


async def _collected(server: Server, world: World) -> list[str]:
    kept: list[Path] = []
    wanted = ReceiptWanted(org=ORG, session_id=SID, jws="a-signed-request")
    await collect(server, world.notebook, wanted, kept=kept.append)
    return [path.name.split("-", 3)[3].removeprefix(SID) for path in kept]


def _text(folder: Path, ending: str) -> str:
    return next(path for path in folder.iterdir() if path.name.endswith(ending)).read_text()


def _files(folder: Path) -> set[str]:
    return {path.name.split("-", 3)[3].removeprefix(SID) for path in folder.iterdir()}


async def test_what_both_agree_on_replaces_the_own_copy(tmp_path: Path) -> None:
    world = World()
    server = Server(tmp_path, world.receipt())
    assert await _collected(server, world) == ["-own.json", ".json"]
    assert _files(tmp_path) == {".json"}
    assert server.asked[0].records == world.notebook.untaken()


async def test_a_server_that_lacks_a_record_is_disputed(tmp_path: Path) -> None:
    world = World()
    server = Server(tmp_path, world.receipt(records=world.lines[:-1]))
    assert await _collected(server, world) == ["-own.json", "-disputed.json"]
    assert _files(tmp_path) == {"-disputed.json", "-disputed-server.json"}
    assert world.lines[-1].jws in _text(tmp_path, "-disputed.json")
    assert world.lines[-1].jws not in _text(tmp_path, "-disputed-server.json")


async def test_a_server_that_refuses_our_records_is_asked_without_them(tmp_path: Path) -> None:
    world = World()
    server = Server(tmp_path, BadSignature(), world.receipt(records=world.lines[:-1]))
    assert (await _collected(server, world))[-1] == "-disputed.json"
    assert [len(wanted.records) for wanted in server.asked] == [2, 0]


async def test_without_a_server_the_own_copy_stays(tmp_path: Path) -> None:
    world = World()
    assert await _collected(Server(tmp_path, NotFound()), world) == ["-own.json"]
    assert _files(tmp_path) == {"-own.json"}


async def test_a_server_that_is_away_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "PAUSES_S", (0.0, 0.0))
    world = World()
    kept = GatewayReceipts("http://127.0.0.1:1", tmp_path)
    wanted = ReceiptWanted(org=ORG, session_id=SID, jws="a-signed-request")
    await collect(kept, world.notebook, wanted, kept=lambda _: None)
    assert _files(tmp_path) == {"-own.json"}


async def test_a_disk_that_takes_nothing_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert await _collected(Server(tmp_path / "file", NotFound()), World()) == []
