"""Uninstalling: first the key, so that nobody gets in whatever happens next; each step may be repeated.

An interrupted run leaves its journal; the next run takes every step again and completes it. The signed
records nobody has acknowledged and the receipts are the person's and stay, unless asked otherwise.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from agent.install import running
from agent.install.port import Presence

JOURNAL = "uninstall.journal"
KEPT = ("receipts", "outbox", "unattended/outbox")
"""What stays of the state directory: receipts, and signed records that wait to be handed over."""
_KEYS = ("unattended/device.key", "unattended/standing.json")


class Step(StrEnum):
    """One thing that goes."""

    KEY = "key"
    SESSION = "session"
    AUTOSTART = "autostart"
    LINKS = "links"
    STATE = "state"


ORDER = tuple(Step)
"""The person's part, in this order. The program goes after it: it can complete what was cut off."""


class Unfinished(Exception):
    """A step failed; those before it are done, another run begins again."""

    def __init__(self, step: Step, reason: Exception) -> None:
        super().__init__(f"stopped at {step}: {reason}")
        self.step = step


@dataclass(frozen=True)
class Belongings:
    """What one person has of Beistand on this machine."""

    state: Path
    autostart: Presence
    links: Presence | None
    sign_withdrawal: Callable[[], object]
    """Sign the permission's end and keep a copy to be handed over; harmless where there is none."""
    forget_receipts: bool = False


@dataclass(frozen=True)
class Done:
    """How it went."""

    resumed: bool
    """An earlier run had been cut off."""
    kept: tuple[Path, ...]
    """What is left in the state directory."""


def remove(mine: Belongings, *, after: Callable[[Step], None] = lambda _step: None) -> Done:
    """Take every step; `after` hears of each that is done. Unfinished."""
    journal = mine.state / JOURNAL
    resumed = journal.exists()
    for step in ORDER:
        try:
            _ACTIONS[step](mine)
            _note(journal, step)
        except Exception as error:
            raise Unfinished(step, error) from error
        after(step)
    _clear_up(journal)
    return Done(resumed, kept(mine.state))


def tidy(state: Path) -> None:
    """Remove the folders of what stays, where nothing is in them any more."""
    for name in KEPT:
        folder = state / name
        for emptied in (folder, *folder.parents[: len(Path(name).parts)]):
            _remove_if_empty(emptied)


def kept(state: Path) -> tuple[Path, ...]:
    """What is there of what stays."""
    return tuple(state / name for name in KEPT if (state / name).is_dir() and any((state / name).iterdir()))


def _key(mine: Belongings) -> None:
    """The key goes even where nothing could be signed with it any more."""
    try:
        if not mine.state.is_symlink():
            mine.sign_withdrawal()
    finally:
        for name in _KEYS:
            _erase(mine.state / name)


def _session(mine: Belongings) -> None:
    running.stop(mine.state)
    # It may have written while it ended.
    for name in _KEYS:
        _erase(mine.state / name)


def _autostart(mine: Belongings) -> None:
    mine.autostart.remove()


def _links(mine: Belongings) -> None:
    if mine.links is not None:
        mine.links.remove()


def _state(mine: Belongings) -> None:
    if mine.state.is_symlink():
        raise OSError(f"{mine.state} is a link")
    if not mine.state.is_dir():
        return
    stays = () if mine.forget_receipts else KEPT
    _prune(mine.state, frozenset(mine.state / name for name in stays) | {mine.state / JOURNAL})


_ACTIONS: Mapping[Step, Callable[[Belongings], None]] = MappingProxyType(
    {
        Step.KEY: _key,
        Step.SESSION: _session,
        Step.AUTOSTART: _autostart,
        Step.LINKS: _links,
        Step.STATE: _state,
    }
)


def _prune(folder: Path, stays: frozenset[Path]) -> None:
    """Remove everything in the folder but these; links are removed, never followed."""
    for entry in folder.iterdir():
        if entry in stays and not entry.is_symlink():
            continue
        if entry.is_symlink() or not entry.is_dir():
            entry.unlink(missing_ok=True)
        elif any(entry in path.parents for path in stays):
            _prune(entry, stays)
            _remove_if_empty(entry)
        else:
            shutil.rmtree(entry)


def _erase(path: Path) -> None:
    """Overwrite as far as the disk lets us, and remove."""
    if path.is_file() and not path.is_symlink():
        with suppress(OSError), path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
    path.unlink(missing_ok=True)


def _note(journal: Path, step: Step) -> None:
    if not journal.parent.is_dir():
        return
    with journal.open("a", encoding="ascii") as file:
        file.write(f"{step}\n")
        file.flush()
        os.fsync(file.fileno())


def _clear_up(journal: Path) -> None:
    journal.unlink(missing_ok=True)
    _remove_if_empty(journal.parent)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
