"""A full page that scrolls on an X screen (`python -m bench.scroller DISPLAY RATE`), until it is killed."""

import itertools
import sys
import time

from bench.media import Desk


def main(display: str, rate: float) -> None:
    """Scroll."""
    desk = Desk(display, 1920, 1080)
    for step in itertools.count():
        desk.scroll(step)
        desk.display.sync()
        time.sleep(1 / rate)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
