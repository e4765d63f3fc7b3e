"""`python -m bench NAME`: one measurement; figures and how to repeat them are in docs/performance.md."""

import sys
from collections.abc import Callable

from bench import idle, media, picture, revoke, strokes

BENCHES: dict[str, Callable[[list[str]], None]] = {
    "media": media.main,
    "revoke": revoke.main,
    "idle": idle.main,
    "picture": picture.main,
    "input": strokes.main,
}


def main() -> None:
    """Run the named one; the rest of the command line is its own."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in BENCHES:
        sys.exit(f"usage: python -m bench {'|'.join(BENCHES)} [options]")
    BENCHES[name](sys.argv[2:])


if __name__ == "__main__":
    main()
