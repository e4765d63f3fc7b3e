"""The real agent, whose windows hang for a while on SIGUSR1; FROZEN_FILE is there as soon as they do.

FROZEN_FILE=PATH python -m tests.e2e.agent_that_freezes agent [ITS OPTIONS]
"""

import os
import signal
import sys
import time
from pathlib import Path

from agent.app import main

FROZEN_S = 10.0


def _freeze(_number: int, _frame: object) -> None:
    """Python runs this on the main thread, which is Qt's."""
    Path(os.environ["FROZEN_FILE"]).touch()
    time.sleep(FROZEN_S)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _freeze)
    main(sys.argv[2:])
