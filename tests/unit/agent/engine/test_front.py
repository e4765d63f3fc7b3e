"""Phases, chat, notices, and the view the windows get."""

from itertools import product

import pytest

from agent.engine import event as e
from agent.engine.front import PHASES, Front, view_of
from agent.engine.guard import Guard
from agent.engine.meter import Usage
from agent.engine.ruling import apply
from agent.port import ChatEntry, Notice, Phase, View
from beistand.protocol.errors import WrongState
from beistand.protocol.messages import Party
from beistand.protocol.records import InputCounts
from tests.support.questions import NOW, ORG, SID, an_id, answered, asked, recorded

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("before", "after"), list(product(Phase, Phase)))
def test_every_pair_of_phases_is_in_the_table_or_refused(before: Phase, after: Phase) -> None:
    front = Front(phase=before, problem="unavailable")
    if after in PHASES[before]:
        assert front.moved(after, organisation="Acme") == Front(phase=after, organisation="Acme")
        return
    with pytest.raises(WrongState):
        front.moved(after)


def test_nothing_leads_back_from_the_end_into_the_session() -> None:
    assert PHASES[Phase.ENDED] == {Phase.CODE}


def test_a_technician_who_comes_in_finds_nothing_of_what_was_before() -> None:
    front = Front.called(organisation="Acme", technician="Tina", reason="update")
    view = view_of(front, None, now=0.0)
    assert (view.phase, view.is_unattended, view.visit_reason) == (Phase.JOINING, True, "update")
    assert front.is_busy
    assert front.moved(Phase.ENDED).is_unattended
    free = [phase for phase in Phase if not Front(phase=phase).is_busy]
    assert free == [Phase.CODE, Phase.ENDED]


def test_chat_lines_come_once_and_get_delivered() -> None:
    mine = ChatEntry("1", Party.CUSTOMER, "", "Hello", NOW, delivered=False)
    front = Front().chatted(mine).chatted(mine)
    assert front.chat == (mine,)
    assert front.delivered("1").chat[0].delivered
    assert not front.delivered("2").chat[0].delivered


def test_the_view_without_a_session() -> None:
    assert view_of(Front(), None, now=0) == View()
    assert view_of(Front().troubled("code_refused"), None, now=0).problem == "code_refused"
    assert view_of(Front().told(Notice.SHARING_STOPPED), None, now=0).notices == ("sharing_stopped",)


def _guard(*events: e.Event) -> Guard:
    guard = Guard(ORG, SID, "en")
    for event in events:
        guard, _ = apply(guard, event, now=0)
    return guard


def test_the_view_of_a_session() -> None:
    guard = _guard(
        *(asked(), answered(), e.IndicatorShown(), recorded()),
        *(asked("more", technician_id=an_id("Bob"), technician_name="Bob"), e.AskedEnd()),
    )
    view = view_of(Front(phase=Phase.SESSION), guard, now=10.4)
    [access], [question] = view.accesses, view.questions
    assert (access.grant_id, access.technician, access.seconds_left) == (an_id("view"), "Tina", 3590)
    assert access.since == NOW
    assert (question.technician, question.deadline) == ("Bob", 60)
    assert view.indicator_wanted
    assert view.confirming_end


def test_the_view_tells_what_passed_so_far() -> None:
    guard = _guard(asked(), answered(), e.IndicatorShown(), recorded())
    used = Usage(3, opened_ago=7.9, input=InputCounts(clicks=2))
    [access] = view_of(Front(), guard, now=8, usage=lambda _: used).accesses
    assert (access.lasted_s, access.input) == (7, InputCounts(clicks=2))


def test_after_the_end_the_view_holds_no_access() -> None:
    guard = _guard(asked(), answered(), e.IndicatorShown(), recorded(), e.ConfirmedEnd())
    view = view_of(Front(phase=Phase.ENDED), guard, now=0)
    assert (view.accesses, view.questions, view.indicator_wanted) == ((), (), False)
