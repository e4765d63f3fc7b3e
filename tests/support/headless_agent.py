"""The agent's engine as a process of its own, without windows, that a test can kill.

    python -m tests.support.headless_agent GATEWAY STATE [CODE]

With a code it joins, and allows what is asked. A line on stdin stops sharing; the end of stdin leaves.
"""

import sys
import time
from functools import partial
from pathlib import Path

from agent.engine import join, link, records_post
from agent.engine.engine import Engine
from agent.engine.gate import Gate
from agent.engine.kept import Kept
from agent.engine.visit import Parts
from agent.port import Answer, Phase, View
from tests.support.person import FakeInjector, FakeMedia


def main() -> None:
    """Run until stdin ends."""
    gateway, state, *code = sys.argv[1:]
    parts = Parts(
        gate=Gate(),
        media=FakeMedia(),
        injector=FakeInjector(),
        dial=link.dial,
        clock=time.monotonic,
        post=partial(records_post.post, gateway),
        kept=Kept(Path(state) / "outbox", gateway=gateway),
    )
    engine = Engine(look_up=partial(join.look_up, gateway), parts=parts)
    engine.start()
    engine.subscribe(partial(_answer, engine))
    if code:
        engine.look_up(code[0])
    for _ in sys.stdin:
        engine.stop_sharing()
    engine.close()
    engine.wait_closed(10)


def _answer(engine: Engine, view: View) -> None:
    if view.phase is Phase.CONFIRM:
        engine.join()
    for question in view.questions:
        engine.answer(question.request_id, Answer.ALLOW, text="May Tina?", language="en")
    if view.indicator_wanted:
        engine.indicator_shown(visible=True)


if __name__ == "__main__":
    main()
