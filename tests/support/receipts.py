"""The rules of a receipt, checked step by step in plain sight; for tests of those who make one."""

import base64

from beistand.protocol import signing
from beistand.protocol.messages import Receipt
from beistand.protocol.records import (
    GENESIS,
    Activity,
    Ask,
    Closing,
    Decision,
    DeviceRecord,
    End,
    Entry,
    Hello,
    Pause,
    Record,
    Revocation,
)

DEVICE: dict[str, type[DeviceRecord]] = {
    kind.typ: kind for kind in (Hello, Decision, Revocation, Pause, End, Activity)
}


def kinds(receipt: Receipt) -> list[str]:
    """The kinds of its records in order: hello, ask, decision, ..."""
    types = [signing.type_of(line.jws) for line in receipt.records]
    return [each.removeprefix("beistand-").removesuffix("+jws") for each in types]


def checked(receipt: Receipt) -> list[Record]:
    """Its records, or AssertionError / BadSignature for what does not hold."""
    consent = base64.urlsafe_b64decode(receipt.consent_key + "=")
    device = signing.public_key_of_agent(receipt.agent_key)
    records: list[Record] = []
    seq, head = 0, GENESIS
    for position, line in enumerate(receipt.records):
        entry = signing.verify(line.entry_jws, consent, Entry)
        assert (entry.org, entry.sid, entry.position) == (receipt.org, receipt.sid, position)
        assert entry.record_hash == signing.hash_of(line.jws)
        kind = signing.type_of(line.jws)
        if kind == Ask.typ:
            records.append(signing.verify(line.jws, consent, Ask))
            continue
        record = signing.verify(line.jws, device, DEVICE[kind])
        assert (record.org, record.sid, record.seq, record.prev) == (receipt.org, receipt.sid, seq, head)
        seq, head = seq + 1, signing.hash_of(line.jws)
        records.append(record)
    first = records[0]
    assert isinstance(first, Hello)
    assert first.agent_key == receipt.agent_key
    _check_answers(receipt, records)
    closing = signing.verify(receipt.closing_jws, consent, Closing)
    assert (closing.org, closing.sid, closing.count) == (receipt.org, receipt.sid, len(records))
    assert closing.last_entry_hash == signing.hash_of(receipt.records[-1].entry_jws)
    assert closing.chain_head == head
    return records


def _check_answers(receipt: Receipt, records: list[Record]) -> None:
    asks: dict[str, Ask] = {}
    for line, record in zip(receipt.records, records, strict=True):
        if isinstance(record, Ask):
            asks[signing.hash_of(line.jws)] = record
        if isinstance(record, Decision):
            ask = asks[record.ask_hash]
            assert (record.nonce, record.technician_id) == (ask.nonce, ask.technician_id)
            assert (record.capability, record.reason) == (ask.capability, ask.reason)
            assert record.duration_s == ask.duration_s
