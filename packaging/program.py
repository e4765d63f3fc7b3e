"""The packaged program's entry: the customer's commands and no others: nothing else has to be inside."""

import sys

from beistand.cli import main

COMMANDS = ("agent", "verify", "uninstall", "version")


def run() -> None:
    """As `beistand` does; a command that is not packaged is one line and exit code 2."""
    given = sys.argv[1:]
    if given and given[0] not in {*COMMANDS, "-h", "--help"}:
        main.fail(f"{given[0]!r} is not part of the installed program; it has: {', '.join(COMMANDS)}", code=2)
    main.main(given)


if __name__ == "__main__":
    run()
