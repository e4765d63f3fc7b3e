"""The time zone of this machine's clock, by its IANA name where it can be found out."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

_LOCALTIME, _TIMEZONE = Path("/etc/localtime"), Path("/etc/timezone")
_HOUR = timedelta(hours=1)


def name_of_this_machine() -> str:
    """Such as Europe/Berlin; where no name can be found, the offset of now in whole hours (Etc/GMT-1)."""
    return next((name for name in _candidates() if zone_of(name) is not None), "UTC")


def zone_of(name: str) -> tzinfo | None:
    """The zone of this name, if this machine knows it."""
    with suppress(Exception):  # zoneinfo raises OSError, ValueError, and others for odd names
        return ZoneInfo(name)
    return None


def of_this_machine() -> tzinfo:
    """The zone the person's clock shows now."""
    return zone_of(name_of_this_machine()) or ZoneInfo("UTC")


def _candidates() -> Iterator[str]:
    yield os.environ.get("TZ", "").removeprefix(":")
    with suppress(OSError):
        yield str(_LOCALTIME.resolve(strict=True)).rpartition("zoneinfo/")[2]
    with suppress(OSError):
        yield _TIMEZONE.read_text(encoding="ascii", errors="replace").strip()
    offset = datetime.now().astimezone().utcoffset() or timedelta()
    hours = round(offset / _HOUR)
    yield f"Etc/GMT{-hours:+d}" if hours else "UTC"
