"""Small files for one person's eyes only: read with suspicion, written whole or not at all."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_OWNED = hasattr(os, "geteuid")
"""Where files have no such owners and modes, the folder's own protection has to do (Windows profiles)."""


class NotOurs(OSError):
    """The file belongs to somebody else, others can read or change it, or it is no file at all."""


def read(path: Path, *, limit: int) -> bytes:
    """A file's bytes; OSError if it is missing, too large, a link, or not ours alone."""
    descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        _check(os.fstat(file.fileno()), is_right=stat.S_ISREG)
        body = file.read(limit + 1)
    if len(body) > limit:
        raise NotOurs("too large")
    return body


def write(path: Path, body: bytes) -> None:
    """Replace a file at once; on disk when this returns."""
    private_folder(path.parent)
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _settle(path.parent)


def erase(path: Path) -> None:
    """Overwrite as far as the disk lets us, and remove; harmless if it is not there."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | _FLAGS)
        with os.fdopen(descriptor, "wb") as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                file.write(bytes(min(4096, os.fstat(file.fileno()).st_size)))
                file.flush()
                os.fsync(file.fileno())
    with suppress(FileNotFoundError):
        path.unlink()
    with suppress(OSError):
        _settle(path.parent)


def private_folder(folder: Path) -> None:
    """Make the folder; NotOurs if it is there and not ours alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_folder(folder)


def check_folder(folder: Path) -> None:
    """NotOurs unless the folder is ours alone; OSError if it is missing."""
    _check(os.lstat(folder), is_right=stat.S_ISDIR)


def _check(found: os.stat_result, *, is_right: Callable[[int], bool]) -> None:
    if not is_right(found.st_mode):
        raise NotOurs("not what it must be")
    if _OWNED and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
        raise NotOurs("not ours alone")


def _settle(folder: Path) -> None:
    """Have a rename survive a power cut, where folders can be synchronised."""
    if not _OWNED:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
