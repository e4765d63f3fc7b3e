"""`python -m beistand`: the same as the `beistand` command."""

from beistand.cli.main import main

main()
