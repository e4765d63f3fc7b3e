"""The device's own copy of a session's proof: what it signed, the questions it saw, the entries it was given.

Pure. No server is trusted about it: a receipt is held against this copy, record by record.
"""

import json
from datetime import datetime

from agent.engine import proof
from beistand.protocol import signing
from beistand.protocol.errors import BadSignature
from beistand.protocol.messages import Joined, Receipt
from beistand.protocol.records import Ask, Closing, Entry, Hello

MAX_BROUGHT = 16
"""Records that can be brought along when the receipt is asked for."""


class Notebook:
    """The copy of one session."""

    def __init__(self, joined: Joined, agent_key: str) -> None:
        self._joined = joined
        self._agent_key = agent_key
        self._consent_key = signing.raw_key(joined.consent_key)
        self._lines: dict[str, str | None] = {}
        """Record -> its proven entry, in the order in which the device came to know the records."""
        self._taken: set[str] = set()

    @property
    def has_begun(self) -> bool:
        """Whether the services took anything of this device's at all."""
        return bool(self._taken)

    def note(self, jws: str) -> None:
        """A record of ours, just signed, or a question that was proven."""
        self._lines.setdefault(jws, None)

    def taken(self, jws: str, entry_jws: str | None) -> None:
        """The services answered a record; only a proven entry shows that it is stored.

        A hello is stored by other hands later, so its answer has to do.
        """
        if signing.type_of(jws) == Hello.typ:
            self._taken.add(jws)
        try:
            org, sid = self._joined.org, self._joined.session_id
            proof.entry_of(entry_jws, self._consent_key, org=org, sid=sid, record_jws=jws)
        except BadSignature:
            return
        self._lines[jws] = entry_jws
        self._taken.add(jws)

    def untaken(self) -> tuple[str, ...]:
        """Our records the services may not have, oldest first."""
        return tuple(jws for jws in self._own() if jws not in self._taken)[:MAX_BROUGHT]

    def dispute(self, receipt: Receipt) -> str:
        """What in the server's receipt contradicts this copy; '' if nothing does."""
        try:
            return self._dispute(receipt)
        except BadSignature:
            return "a signature of the service does not hold"

    def text(self, *, now: datetime) -> str:
        """This copy as a file; what the device was not given is null."""
        joined = self._joined
        copy = {
            "format": "beistand-receipt/1",
            "org": joined.org,
            "sid": joined.session_id,
            "organisation_name": joined.organisation_name,
            "technician_name": joined.technician_name,
            "agent_key": self._agent_key,
            "consent_key": joined.consent_key,
            "created_at": now.isoformat(),
            "records": [{"jws": jws, "entry_jws": entry_jws} for jws, entry_jws in self._lines.items()],
            "closing_jws": None,
        }
        return json.dumps(copy, ensure_ascii=False)

    def _own(self) -> tuple[str, ...]:
        return tuple(jws for jws in self._lines if signing.type_of(jws) != Ask.typ)

    def _dispute(self, receipt: Receipt) -> str:
        joined = self._joined
        about = (receipt.org, receipt.sid, receipt.agent_key, receipt.consent_key)
        if about != (joined.org, joined.session_id, self._agent_key, joined.consent_key):
            return "it is about another session"
        if (receipt.organisation_name, receipt.technician_name) != (
            joined.organisation_name,
            joined.technician_name,
        ):
            return "it names other people"
        theirs = {line.jws: line.entry_jws for line in receipt.records}
        if tuple(jws for jws in theirs if signing.type_of(jws) != Ask.typ) != self._own():
            return "the device's records are not the ones it signed"
        for jws, entry_jws in self._lines.items():
            if jws not in theirs or entry_jws not in (None, theirs[jws]):
                return "a question or an entry is missing or changed"
        return self._dispute_order(receipt)

    def _dispute_order(self, receipt: Receipt) -> str:
        """Every line proven at its place, nothing after the last one."""
        org, sid = receipt.org, receipt.sid
        for position, line in enumerate(receipt.records):
            entry: Entry = proof.entry_of(
                line.entry_jws, self._consent_key, org=org, sid=sid, record_jws=line.jws
            )
            if entry.position != position:
                return "the records are not in their order"
            if signing.type_of(line.jws) == Ask.typ:
                proof.ask_of(line.jws, self._consent_key, org=org, sid=sid)
        closing = signing.verify(receipt.closing_jws, self._consent_key, Closing)
        last = receipt.records[-1]
        if (closing.org, closing.sid, closing.count) != (org, sid, len(receipt.records)):
            return "the closing is about something else"
        if closing.last_entry_hash != signing.hash_of(last.entry_jws):
            return "the closing is about something else"
        if closing.chain_head != signing.hash_of(self._own()[-1]):
            return "the closing is about something else"
        return ""
