"""The customer's windows on a real X server with a window manager: found by name, used by real X events."""

import asyncio
import base64
import json
import pickle
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from Xlib import X
from Xlib.display import Display
from Xlib.ext import xtest

from agent.port import View
from agent.ui.samples import views
from agent.ui.texts import TEXTS
from demo.customer import Customer
from demo.desktop import Desktop, desktop, stop
from demo.waiting import until

pytestmark = pytest.mark.integration

SAMPLES = views("en", datetime.now(UTC))
Call = list[Any]


@dataclass
class Stage:
    """The windows of one process on one screen, and what they have asked of the engine."""

    screen: Desktop
    process: asyncio.subprocess.Process
    person: Customer
    calls: list[Call] = field(default_factory=list)

    def show(self, view: View) -> None:
        """Publish a view, as the engine does."""
        assert self.process.stdin is not None
        self.process.stdin.write(base64.b64encode(pickle.dumps(view)) + b"\n")

    def called(self, name: str) -> list[Call]:
        """The arguments of every call of `name` so far."""
        return [arguments for called, *arguments in self.calls if called == name]

    async def hears(self, name: str, is_it: Callable[[Call], bool] = lambda _: True) -> Call:
        """The arguments of the first such call, once it has come."""
        found = await until(name, lambda: [each for each in self.called(name) if is_it(each)])
        return found[0]

    async def until_ready(self) -> None:
        """The windows are there and listen."""
        await until("listening", lambda: self.called("listening"))
        await self.person.waits_for("join-code")

    async def presses(self, name: str) -> None:
        """Click a control by real X events."""
        await self.person.presses(name)

    async def read(self) -> None:
        """Collect what the process says until it is gone."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.calls.append(json.loads(line))


@pytest.fixture(params=[(1280, 800)])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    width, height = request.param
    async with (
        desktop(width=width, height=height, log=tmp_path / "desktop.log") as screen,
        windows_on(screen, tmp_path) as running,
    ):
        yield running
    assert (running.called("qt"), running.called("error")) == ([], [])
    assert running.called("close") == [[]]
    assert (tmp_path / "stderr.log").read_text() == ""
    assert json.loads(running.person.geometry_file.read_text()) == {}


@asynccontextmanager
async def windows_on(screen: Desktop, folder: Path) -> AsyncIterator[Stage]:
    geometry = folder / "geometry.json"
    with (folder / "stderr.log").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.agent_windows_host", str(geometry), "en"),
            env={**screen.environment, "QT_QPA_PLATFORM": "xcb"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    running = Stage(screen, process, Customer(screen, process, geometry))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(running.read(), name="windows-output")
        try:
            await running.until_ready()
            yield running
        finally:
            await stop(process)


def asking(name: str) -> View:
    """A sample with its question fresh: the sample's own clock started when it was made."""
    view = SAMPLES[name]
    return replace(view, questions=tuple(replace(each, deadline=monotonic() + 60) for each in view.questions))


async def test_a_person_types_the_code_and_joins(stage: Stage) -> None:
    assert stage.called("own_window")[0][0] > 0
    assert stage.called("set_language") == [["en"]]
    await stage.presses("join-code")
    await stage.screen.type("123456789")
    await stage.presses("join-submit")
    assert await stage.hears("look_up") == ["123456789"]
    stage.show(SAMPLES["04-confirm"])
    await stage.presses("join-confirm")
    await stage.hears("join")
    await stage.presses("join-decline")
    await stage.hears("decline")
    assert stage.person.sees("join-code") is None


async def test_chat_is_written_and_sent(stage: Stage) -> None:
    stage.show(SAMPLES["07-session-chat"])
    await stage.person.says("hello there")
    assert await stage.hears("send_chat") == ["hello there"]


async def test_the_question_comes_with_input_held_and_a_yes_is_the_persons(stage: Stage) -> None:
    stage.show(asking("08-ask-view"))
    await stage.person.waits_for("consent-deny")
    assert stage.person.sees("consent-allow") is None
    await stage.presses("consent-allow")
    _, answer, text, language = await stage.hears("answer")
    assert (answer, language) == ("allow", "en")
    question = SAMPLES["08-ask-view"].questions[0]
    for fact in (question.technician, question.organisation, TEXTS["en"].ask_scam, "1 hour"):
        assert fact in text
    await stage.hears("release_input")
    await stage.person.is_rid_of("consent-deny")


async def test_a_click_where_allow_will_be_hits_nothing_in_the_first_moment(stage: Stage) -> None:
    stage.show(asking("08-ask-view"))
    x, y, width, height = await stage.person.waits_for("consent-allow")
    stage.show(SAMPLES["07-session-chat"])
    await stage.person.is_rid_of("consent-deny")
    again = asking("08-ask-view")
    stage.show(replace(again, questions=(replace(again.questions[0], request_id="second"),)))
    await stage.person.waits_for("consent-deny")
    stage.screen.click(x + width // 2, y + height // 2)
    await stage.person.waits_for("consent-allow")
    assert stage.called("answer") == []


@pytest.mark.parametrize("key", ["Return", "Escape", "space"])
async def test_a_key_in_haste_is_a_no(stage: Stage, key: str) -> None:
    stage.show(asking("08-ask-view"))
    await stage.person.waits_for("consent-allow")
    stage.screen.press(key)
    assert (await stage.hears("answer"))[1] == "deny"


async def test_a_no_can_last(stage: Stage) -> None:
    stage.show(asking("08-ask-view"))
    await stage.person.waits_for("consent-allow")
    await stage.presses("consent-block")
    await stage.person.is_rid_of("consent-allow")
    await stage.presses("consent-deny")
    assert (await stage.hears("answer"))[1] == "block"


async def test_a_question_out_of_time_leaves_the_answer_to_the_engine(stage: Stage) -> None:
    view = asking("08-ask-view")
    stage.show(replace(view, questions=(replace(view.questions[0], deadline=monotonic() + 1.5),)))
    await stage.person.waits_for("consent-allow")
    await stage.person.is_rid_of("consent-allow")
    assert stage.person.sees("consent-deny") is not None
    assert stage.called("answer") == []


async def test_the_bar_is_proven_visible_and_its_buttons_stop(stage: Stage) -> None:
    stage.show(SAMPLES["12-controlled"])
    assert await stage.hears("indicator_shown") == [True]
    for name in ("stop-control", "bar.stop-sharing", "main.end-session", "bar.end-session"):
        await stage.presses(name)
    await stage.hears("stop_control")
    await stage.hears("stop_sharing")
    await until("two ways to the end", lambda: len(stage.called("ask_end")) == 2)
    stage.show(SAMPLES["14-stopped"])
    await stage.hears("indicator_shown", lambda told: told == [False])
    await stage.person.is_rid_of("stop-sharing")


async def test_a_covered_bar_comes_back_to_the_top(stage: Stage) -> None:
    stage.show(SAMPLES["10-viewing"])
    assert await stage.hears("indicator_shown") == [True]
    x, y, width, height = await stage.person.waits_for("bar.stop-sharing")
    cover = Cover(stage.screen.name)
    try:
        cover.appear()
        await until("the bar above the cover", lambda: topmost(stage.screen) != cover.id)
        stage.screen.click(x + width // 2, y + height // 2)
        await stage.hears("stop_sharing")
        assert [False] not in stage.called("indicator_shown")
    finally:
        cover.close()


async def test_the_bar_is_pulled_along_the_edge_but_never_off_it(stage: Stage) -> None:
    stage.show(SAMPLES["10-viewing"])
    x, y, _, height = await stage.person.waits_for("bar.stop-sharing")
    before = x
    _drag(stage.screen, start=(x - 12, y + height // 2), end=(1279, 700))
    moved = await until("the bar moved", lambda: _elsewhere(stage, before))
    assert moved[1] == y
    end = await stage.person.waits_for("bar.end-session")
    assert end[0] + end[2] <= 1280


async def test_the_end_question_and_both_its_answers(stage: Stage) -> None:
    stage.show(SAMPLES["13-ending"])
    await stage.hears("hold_input", lambda told: told == ["ending"])
    await stage.presses("cancel-end")
    await stage.hears("cancel_end")
    await stage.presses("confirm-end")
    await stage.hears("confirm_end")
    stage.show(SAMPLES["16-ended-customer"])
    await stage.hears("release_input", lambda told: told == ["ending"])
    assert stage.person.sees("end-session") is None
    await stage.presses("start-over")
    await stage.hears("start_over")
    await stage.presses("quit")
    assert await asyncio.wait_for(stage.process.wait(), 10) == 0


async def test_the_language_changes_at_once(stage: Stage) -> None:
    stage.show(SAMPLES["10-viewing"])
    await stage.person.waits_for("chat-input")
    before = topmost(stage.screen)
    await stage.presses("language")
    await until("the list of languages", lambda: topmost(stage.screen) != before)
    stage.screen.press("Up")
    stage.screen.press("Return")
    await stage.hears("set_language", lambda told: told == ["de"])
    stage.show(asking("11-ask-control"))
    await stage.person.waits_for("consent-deny")
    stage.screen.press("Escape")
    _, _, text, language = await stage.hears("answer")
    assert language == "de"
    assert "Ohne Antwort gilt: Nein." in text


@pytest.mark.parametrize("stage", [(1280, 800), (1024, 600)], indirect=True)
async def test_every_control_of_every_view_is_wholly_on_the_screen(stage: Stage) -> None:
    display = Display(stage.screen.name)
    geometry = display.screen().root.get_geometry()
    width, height = geometry.width, geometry.height
    display.close()
    for name, landmark in LANDMARKS.items():
        stage.show(asking(name))
        await stage.person.waits_for(landmark)
        found = json.loads(stage.person.geometry_file.read_text())
        for control, (x, y, wide, high) in found.items():
            assert 0 <= x <= x + wide <= width, (name, control)
            assert 0 <= y <= y + high <= height, (name, control)


LANDMARKS = {
    "02-code-problem": "join-submit",
    "04-confirm": "join-confirm",
    "07-session-chat": "chat-send",
    "08-ask-view": "consent-allow",
    "12-controlled": "main.stop-control",
    "13-ending": "confirm-end",
    "15-reconnecting": "main.end-session",
    "19-long": "consent-allow",
    "18-ended-lost": "start-over",
}


class Cover:
    """A window of another program that covers the top of the screen and asks no window manager."""

    def __init__(self, name: str) -> None:
        self._display = Display(name)
        self._window = self._display.screen().root.create_window(
            *(0, 0, 1280, 200, 0, X.CopyFromParent),
            override_redirect=True,
            background_pixel=0x303030,
        )

    @property
    def id(self) -> int:
        return int(self._window.id)

    def appear(self) -> None:
        self._window.map()
        self._window.configure(stack_mode=X.Above)
        self._display.sync()

    def close(self) -> None:
        self._display.close()


def topmost(screen: Desktop) -> int:
    """The topmost child of the root window."""
    display = Display(screen.name)
    try:
        return int(display.screen().root.query_tree().children[-1].id)
    finally:
        display.close()


def _drag(screen: Desktop, *, start: tuple[int, int], end: tuple[int, int]) -> None:
    display = Display(screen.name)
    screen.move(*start)
    xtest.fake_input(display, X.ButtonPress, 1)
    display.sync()
    screen.move(*end)
    xtest.fake_input(display, X.ButtonRelease, 1)
    display.sync()
    display.close()


def _elsewhere(stage: Stage, before: int) -> tuple[int, int, int, int] | None:
    found = stage.person.sees("bar.stop-sharing")
    return found if found is not None and found[0] > before else None
