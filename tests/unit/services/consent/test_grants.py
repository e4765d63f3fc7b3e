"""Steps that are interrupted or told twice: what was left undone is done the next time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from beistand.protocol.capabilities import Capability
from beistand.protocol.errors import Unavailable, WrongState
from beistand.protocol.messages import GrantEntry, RequestState, SessionEntry
from services.consent import grants
from services.consent.adapters import Agenda, key_of
from services.consent.domain import Granted
from services.consent.grants import Parts
from tests.support.consented import Consented

pytestmark = pytest.mark.unit

SESSION = Consented()


@dataclass
class Shelf:
    """The stored requests of one session; reading the session fails as often as `failures` says."""

    stored: dict[str, GrantEntry] = field(default_factory=dict)
    failures: int = 0

    @property
    def grants(self) -> "Shelf":
        return self

    async def get(self, key: str) -> Any:
        return SimpleNamespace(value=self.stored[key]) if key in self.stored else None

    async def change(
        self, key: str, edit: Callable[[GrantEntry], GrantEntry]
    ) -> tuple[GrantEntry, GrantEntry]:
        before = self.stored[key]
        self.stored[key] = edit(before)
        return before, self.stored[key]

    async def requests(self, _: SessionEntry) -> list[GrantEntry]:
        return list(self.stored.values())

    async def session(self, _org: str, _sid: str) -> SessionEntry:
        if self.failures:
            self.failures -= 1
            raise Unavailable
        return SESSION.session()


@dataclass
class Wire:
    told: list[RequestState] = field(default_factory=list)

    async def announce(self, _org: str, _sid: str, data: Any) -> None:
        self.told.append(data.state)

    async def tell(self, *_: object) -> None: ...


def _parts(shelf: Shelf) -> Parts:
    made = SimpleNamespace(shelf=shelf, wire=Wire(), agenda=Agenda(), clock=lambda: SESSION.now)
    return cast("Parts", made)


def _question(capability: Capability) -> GrantEntry:
    unanswered = {"decision_jws": None, "entry_jws": None, "expires_at": None}
    return SESSION.grant(capability, stored={"state": RequestState.ASKED, **unanswered})


def _yes() -> Granted:
    return Granted("decision", "entry", SESSION.now + timedelta(hours=1))


async def test_a_yes_that_was_interrupted_is_looked_at_again_when_it_is_sent_again() -> None:
    """A view may end while control is being written; the store was away when that would have been noticed."""
    control = _question(Capability.CONTROL)
    shelf = Shelf({key_of(control): control}, failures=1)
    parts = _parts(shelf)
    with pytest.raises(Unavailable):
        await grants.answer(parts, control, _yes())
    with pytest.raises(WrongState):
        await grants.answer(parts, shelf.stored[key_of(control)], _yes())
    assert shelf.stored[key_of(control)].state is RequestState.REVOKED


async def test_a_yes_that_was_interrupted_is_told_in_the_end() -> None:
    view = _question(Capability.VIEW)
    shelf = Shelf({key_of(view): view}, failures=1)
    parts = _parts(shelf)
    with pytest.raises(Unavailable):
        await grants.answer(parts, view, _yes())
    await grants.answer(parts, view, _yes())
    assert cast("Wire", parts.wire).told == [RequestState.LIVE]


async def test_a_question_that_was_dropped_is_forgotten() -> None:
    dropped, other = _question(Capability.VIEW), _question(Capability.CONTROL)
    parts = _parts(Shelf({key_of(other): other}))
    late = SESSION.now + timedelta(hours=1)
    parts.agenda.note(dropped)
    parts.agenda.note(other)
    await grants.sweep(cast("Parts", SimpleNamespace(**{**vars(parts), "clock": lambda: late})))
    assert parts.agenda.due_at == {}
    assert not parts.agenda.has_open(SESSION.session())
