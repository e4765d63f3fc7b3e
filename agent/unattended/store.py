"""The folder of the standing permission: key, permission, records nobody has acknowledged, what to tell.

Fails closed: what is missing, damaged, changed, or not this person's alone is no permission, and its key is
destroyed.
"""

import base64
import binascii
import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from agent.engine.key import DeviceKey
from agent.port import Trouble, Visited
from agent.unattended import files
from agent.unattended.standing import MAX_BYTES, Standing, Unreadable, seal, unseal
from beistand.protocol.errors import WrongState
from beistand.protocol.messages import StandingUp
from beistand.protocol.records import Why

log = logging.getLogger(__name__)

FOLDER = "unattended"
MAX_VISITS = 100
"""Visits that wait to be seen, the newest."""
_MAX_NOTES = 4 * 1024 * 1024
_MAX_WAITING = 64


class Gone(Exception):
    """The key is not on disk any more: somebody else has taken the permission back."""


class Waiting(BaseModel):
    """A record that was not acknowledged yet, and what an answer to it is proven with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gateway: str = Field(max_length=300)
    consent_key: str = Field(max_length=100)
    record: StandingUp


@dataclass(frozen=True)
class Enrolled:
    """A permission that was found in order, and the key that stands for it."""

    standing: Standing
    key: DeviceKey


class Store:
    """One state directory's part of it. To be used by one thread."""

    def __init__(self, state: Path) -> None:
        self.folder = state / FOLDER
        self._key = self.folder / "device.key"
        self._standing = self.folder / "standing.json"
        self._visits = self.folder / "visits.json"
        self._troubles = self.folder / "troubles.json"
        self._outbox = self.folder / "outbox"

    # --- the permission --------------------------------------------------------------------------------

    def load(self) -> Enrolled | None:
        """The permission that holds; None without one. Never raises: what is not in order is destroyed."""
        if not self._is_there():
            return None
        try:
            files.check_folder(self.folder)
            key = DeviceKey(_seed(files.read(self._key, limit=100)))
            return Enrolled(unseal(files.read(self._standing, limit=MAX_BYTES), key.seed), key)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is no permission
            log.error("the standing permission cannot be read", extra={"reason": type(error).__name__})
            self.destroy()
            self.tell(Trouble.UNREADABLE)
            return None

    def begin(self, standing: Standing, key: DeviceKey) -> None:
        """A new permission; it counts once this has returned. OSError."""
        files.write(self._standing, seal(standing, key.seed))
        files.write(self._key, base64.urlsafe_b64encode(key.seed))

    def save(self, standing: Standing, key: DeviceKey) -> None:
        """What has changed beside the permission, on disk when this returns. OSError; Gone."""
        if not self.has_key():
            raise Gone
        files.write(self._standing, seal(standing, key.seed))

    def has_key(self) -> bool:
        """Whether nobody has taken the permission back beside this process, as uninstalling does."""
        with suppress(OSError):
            return self._key.exists()
        return False

    def destroy(self) -> None:
        """No permission and no key any more; what cannot be removed is logged. Never raises."""
        for path in (self._key, self._standing):
            try:
                files.erase(path)
            except OSError as error:
                log.error("not removed", extra={"file": path.name, "error": error.strerror})

    def _is_there(self) -> bool:
        with suppress(OSError):
            return any(path.is_symlink() or path.exists() for path in (self._key, self._standing))
        return True

    # --- records nobody has acknowledged ---------------------------------------------------------------

    def keep(self, waiting: Waiting) -> Path:
        """Have a record on disk until `settled`. OSError."""
        path = self._outbox / f"{time.time_ns():020}-{waiting.record.device_id}.json"
        files.write(path, waiting.model_dump_json().encode())
        return path

    def waiting(self) -> list[tuple[Path, Waiting]]:
        """The records to be handed over, oldest first; what cannot be read is passed over."""
        with suppress(OSError):
            return list(self._readable())
        return []

    def settled(self, path: Path) -> None:
        """The record was acknowledged."""
        with suppress(OSError):
            path.unlink()

    def _readable(self) -> Iterator[tuple[Path, Waiting]]:
        for path in sorted(self._outbox.glob("*.json"))[:_MAX_WAITING]:
            try:
                yield path, Waiting.model_validate_json(files.read(path, limit=MAX_BYTES))
            except (OSError, ValidationError):
                log.warning("a kept record cannot be read", extra={"file": path.name})

    # --- what the person has not been told yet ---------------------------------------------------------

    def visits(self) -> tuple[Visited, ...]:
        """Sessions that were over, or under way, when this program last ran."""
        return _VISITS.validate_json(self._notes(self._visits))

    def keep_visits(self, visits: tuple[Visited, ...]) -> None:
        """Until the person has seen them."""
        self._note(self._visits, _VISITS.dump_json(visits[-MAX_VISITS:]))

    def troubles(self) -> tuple[Trouble, ...]:
        """Why there is no permission any more."""
        return _TROUBLES.validate_json(self._notes(self._troubles))

    def tell(self, trouble: Trouble) -> None:
        """Until the person has seen it."""
        if trouble not in self.troubles():
            self.keep_troubles((*self.troubles(), trouble))

    def keep_troubles(self, troubles: tuple[Trouble, ...]) -> None:
        """These and no others."""
        self._note(self._troubles, _TROUBLES.dump_json(troubles))

    def _notes(self, path: Path) -> bytes:
        try:
            body = files.read(path, limit=_MAX_NOTES)
            (_VISITS if path == self._visits else _TROUBLES).validate_json(body)
        except FileNotFoundError:
            return b"[]"
        except (OSError, ValidationError):
            log.warning("notes cannot be read", extra={"file": path.name})
            return b"[]"
        return body

    def _note(self, path: Path, body: bytes) -> None:
        try:
            files.write(path, body)
        except OSError as error:
            log.error("notes cannot be written", extra={"file": path.name, "error": error.strerror})


_VISITS = TypeAdapter[tuple[Visited, ...]](tuple[Visited, ...])
_TROUBLES = TypeAdapter[tuple[Trouble, ...]](tuple[Trouble, ...])


def sign_withdrawal(state: Path, why: Why) -> StandingUp | None:
    """End the permission kept in `state` for good: sign its end, keep a copy to hand over, destroy the key.

    Needs no running engine, and no network. The signed record; None if there was no permission to end, and
    then there is none afterwards either.
    """
    store = Store(state)
    enrolled = store.load()
    if enrolled is None:
        return None
    return withdraw(store, enrolled, why)


def withdraw(store: Store, enrolled: Enrolled, why: Why) -> StandingUp | None:
    """The same for a permission at hand; None if its key is destroyed already."""
    standing, key = enrolled.standing, enrolled.key
    record = None
    with suppress(WrongState):
        record = standing.withdrawn(why, key=key, device_time=datetime.now(UTC))
    try:
        if record is not None:
            store.keep(waiting_for(standing, record))
    except OSError as error:
        log.error("the withdrawal could not be kept", extra={"error": error.strerror})
    finally:
        key.destroy()
        store.destroy()
    return record


def waiting_for(standing: Standing, record: StandingUp) -> Waiting:
    """A record of this permission's chain, to be handed over."""
    return Waiting(gateway=standing.kept.gateway, consent_key=standing.kept.consent_key, record=record)


def _seed(text: bytes) -> bytes:
    try:
        seed = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable from None
    if len(seed) != 32:
        raise Unreadable
    return seed
