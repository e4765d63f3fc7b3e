"""The gate: format, lint, types, import contracts, unit and rule tests, console types and tests.

Usage: python -m tools.check   (through `make check`); runs all of it and fails if any part fails.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools.setup import ROOT, node_environment

BIN = Path(sys.executable).parent
PYTEST = [sys.executable, "-m", "pytest", "-q"]
STEPS: tuple[tuple[str, list[str], Path], ...] = (
    ("format", [str(BIN / "ruff"), "format", "--check", "-q", "."], ROOT),
    ("lint", [str(BIN / "ruff"), "check", "-q", "."], ROOT),
    ("types", [str(BIN / "mypy"), "--no-error-summary"], ROOT),
    ("import contracts", [str(BIN / "lint-imports"), "--no-logo"], ROOT),
    ("console types", ["npm", "run", "--silent", "check"], ROOT / "console"),
    ("console tests", ["npm", "test", "--silent"], ROOT / "console"),
    ("unit and rule tests", [*PYTEST, "-n", "2", "--dist", "loadfile", "tests/unit", "tests/rules"], ROOT),
)


def main() -> int:
    """0 if every step passed."""
    environment = node_environment()
    failed = [name for name, command, folder in STEPS if not _passes(name, command, folder, environment)]
    if failed:
        sys.stdout.write(f"check: failed: {', '.join(failed)}\n")
    return 1 if failed else 0


def _passes(name: str, command: list[str], folder: Path, environment: dict[str, str]) -> bool:
    started = time.monotonic()
    program = shutil.which(command[0], path=environment["PATH"]) or command[0]
    sys.stdout.write(f"check: {name}\n")
    sys.stdout.flush()
    result = subprocess.run(
        [program, *command[1:]], cwd=folder, env={**os.environ, **environment}, check=False
    )
    verdict = "ok" if result.returncode == 0 else "FAILED"
    sys.stdout.write(f"check: {name}: {verdict}, {time.monotonic() - started:.1f} s\n")
    sys.stdout.flush()
    return result.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
