"""Runs cases one after the other against a deployment, and says what came of each."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from websockets.exceptions import WebSocketException

from beistand.conformance.case import Broken, Case, NotRun
from beistand.conformance.scene import Deployment, scene
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
