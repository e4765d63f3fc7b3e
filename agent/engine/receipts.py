"""The receipt after the end: asked for over HTTPS, held against the device's own copy, kept as a file.

The connection to the bus is cut with the session, whoever ended it; so the gateway is asked, with a signature
of the device. The own copy is on the disk first, and stays there unless the server's is proven to agree.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from agent.engine import web
from agent.engine.notebook import Notebook
from beistand.protocol.errors import BadSignature, BeistandError, RateLimited, Unavailable, WrongState
from beistand.protocol.messages import Receipt, ReceiptWanted

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
MAX_RECEIPT = 2 * 1024 * 1024
"""Largest receipt read, in bytes."""
PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Between the tries; the services may need a moment to see that the session is over."""


class Receipts(Protocol):
    """Where receipts come from and where they stay."""

    async def fetch(self, wanted: ReceiptWanted) -> Receipt:
        """The server's receipt; raises the BeistandError it names, or Unavailable."""

    def keep(self, name: str, text: str) -> Path:
        """Write a file of this name, for this person's eyes only. OSError."""

    def drop(self, path: Path) -> None:
        """A file that another one has replaced."""


class GatewayReceipts:
    """Receipts of a gateway, kept in a folder."""

    def __init__(self, gateway: str, folder: Path) -> None:
        self._url = f"{gateway}/v1/receipts"
        self._folder = folder

    async def fetch(self, wanted: ReceiptWanted) -> Receipt:
        """See `Receipts`."""
        answer = await web.post(self._url, wanted, timeout=TIMEOUT_S, limit=MAX_RECEIPT)
        try:
            return Receipt.model_validate_json(answer)
        except ValidationError:
            raise Unavailable("The support service gave no usable receipt.") from None

    def keep(self, name: str, text: str) -> Path:
        """See `Receipts`; whole or not at all."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path, draft = self._folder / name, self._folder / f".{name}.part"
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
        return path

    def drop(self, path: Path) -> None:
        """See `Receipts`."""
        path.unlink(missing_ok=True)


async def collect(
    receipts: Receipts, notebook: Notebook, wanted: ReceiptWanted, *, kept: Callable[[Path], None]
) -> None:
    """Keep the proof of a session that is over; `kept` is told where, again if it moves.

    File names: `<date>-<sid>.json` where both sides agree, `-own` while the server's copy is not here,
    `-disputed` (with the server's as `-disputed-server`) where it contradicts ours.
    """
    stem = f"{datetime.now(UTC).astimezone():%Y-%m-%d}-{wanted.session_id}"
    try:
        own = receipts.keep(f"{stem}-own.json", notebook.text(now=datetime.now(UTC)))
        kept(own)
        theirs = await _fetched(receipts, notebook, wanted)
        if theirs is None:
            return
        objection = notebook.dispute(theirs)
        if objection:
            log.error("receipt disputed", extra={"sid": wanted.session_id, "reason": objection})
            receipts.keep(f"{stem}-disputed-server.json", theirs.model_dump_json())
            final = receipts.keep(f"{stem}-disputed.json", notebook.text(now=datetime.now(UTC)))
        else:
            final = receipts.keep(f"{stem}.json", theirs.model_dump_json())
        receipts.drop(own)
        kept(final)
    except OSError as error:
        log.error("receipt not kept", extra={"sid": wanted.session_id, "error": error.strerror})


async def _fetched(receipts: Receipts, notebook: Notebook, wanted: ReceiptWanted) -> Receipt | None:
    """The server's receipt, or None if there is none to be had for now."""
    refused = False
    for pause in (*PAUSES_S, None):
        records = () if refused else notebook.untaken()
        try:
            return await receipts.fetch(wanted.model_copy(update={"records": records}))
        except (Unavailable, WrongState, RateLimited):
            if pause is None:
                break
            await asyncio.sleep(pause)
        except BadSignature:
            if refused:
                break
            refused = True  # it does not take our records: then its copy lacks them, and that is seen
        except BeistandError as error:
            log.warning("receipt refused", extra={"sid": wanted.session_id, "code": error.code})
            return None
    log.warning("no receipt of the server", extra={"sid": wanted.session_id})
    return None
