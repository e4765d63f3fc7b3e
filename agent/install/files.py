"""Files written beside other people's: whole or not at all, and only ever over one of ours."""

import os
from contextlib import suppress
from pathlib import Path

MARK = "Written by Beistand"
"""In every file of ours; a file of the same name without it belongs to somebody else."""


class NotOurs(OSError):
    """There is a file of that name, and it is not ours; it stays as it is."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not Beistand's and was left as it is")


def is_ours(path: Path) -> bool:
    """Whether a regular file of ours is there; a link never is, wherever it leads."""
    with suppress(OSError, UnicodeError):
        return path.is_file() and not path.is_symlink() and MARK in path.read_text(encoding="utf-8")
    return False


def write(path: Path, text: str) -> None:
    """Make or replace a file of ours at once. NotOurs; OSError."""
    if MARK not in text:
        raise ValueError("a file of ours bears the mark")
    if os.path.lexists(path) and not is_ours(path):
        raise NotOurs(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file of ours; what is not ours, or not there, stays so. OSError."""
    if is_ours(path):
        path.unlink(missing_ok=True)
