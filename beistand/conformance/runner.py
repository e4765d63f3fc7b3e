"""Runs cases one after the other against a deployment, and says what came of each."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from websockets.exceptions import InvalidStatus, WebSocketException

from beistand.conformance.case import Broken, Case, NotRun
from beistand.conformance.scene import Deployment, Scene, scene
from beistand.protocol.errors import BeistandError

LONGEST_S = 60.0
LONGEST_SLOW_S = 700.0


class Outcome(StrEnum):
    """What came of a case. Whatever is not `kept` or `not_run` is a failure."""

    KEPT = "kept"
    BROKEN = "broken"
    FAILED = "failed"
    """It could not be carried out to its end, so it proves nothing."""
    NOT_RUN = "not_run"


@dataclass(frozen=True)
class Result:
    """One case's. `detail`: why, if it is not kept."""

    case: Case
    outcome: Outcome
    seconds: float
    detail: str = ""
    figures: dict[str, int] = field(default_factory=dict)


class Unreachable(Exception):
    """No case can be carried out from here; the text says why."""


async def probe(deployment: Deployment) -> None:
    """Whether all three doors open from here: API, bus and relay. Raises Unreachable."""
    try:
        async with asyncio.timeout(LONGEST_S), scene(deployment) as stage:
            visit = await stage.visit()
            _, url = await stage.technician.ticket(visit.sid)
            await _knock(stage, url)
    except (BeistandError, WebSocketException, OSError, TimeoutError) as error:
        raise Unreachable(f"no session can be opened here: {_told(error)}") from error


async def _knock(stage: Scene, url: str) -> None:
    try:
        await stage.viewer(url)
    except InvalidStatus as refusal:
        status, origin = refusal.response.status_code, stage.deployment.origin
        reason = f"the relay at {url} answers {status} to pages of {origin} (--origin names others)"
        raise Unreachable(reason) from None


async def run(deployment: Deployment, cases: Iterable[Case]) -> AsyncIterator[Result]:
    """The results as they come."""
    for case in cases:
        yield await run_one(deployment, case)


async def run_one(deployment: Deployment, case: Case) -> Result:
    """One case on a stage of its own."""
    began = time.monotonic()
    figures: dict[str, int] = {}
    try:
        await _act(deployment, case, figures)
    except NotRun as reason:
        outcome, detail = Outcome.NOT_RUN, str(reason)
    except Broken as broken:
        outcome, detail = Outcome.BROKEN, str(broken)
    except (BeistandError, WebSocketException, OSError, TimeoutError) as error:
        outcome, detail = Outcome.FAILED, _told(error)
    else:
        outcome, detail = Outcome.KEPT, ""
    return Result(case, outcome, time.monotonic() - began, detail, figures)


async def _act(deployment: Deployment, case: Case, figures: dict[str, int]) -> None:
    async with asyncio.timeout(LONGEST_SLOW_S if case.slow else LONGEST_S), scene(deployment) as stage:
        stage.figures = figures
        await case.act(stage)


def _told(error: Exception) -> str:
    if isinstance(error, BeistandError):
        return f"{error.code}: {error.detail}"
    if isinstance(error, TimeoutError):
        return "it did not come to an end in time"
    return f"{type(error).__name__}: {error}"
