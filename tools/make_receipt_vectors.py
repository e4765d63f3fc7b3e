"""Writes tests/vectors/receipts.json: genuine receipts with their story, and one for every way to tamper.

Usage: python -m tools.make_receipt_vectors. Keys, ids and times are fixed, so the file is the same each time;
a test fails while it is not fresh. Python and the console are tested on the same file.
"""

import base64
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nkeys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from beistand import story
from beistand.protocol import ids, receipt, signing
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
    Vouch,
)
from beistand.story_texts import TEXTS

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "tests" / "vectors" / "receipts.json"
TEXTS_TARGET = ROOT / "console" / "src" / "core" / "story-texts.gen.ts"
AGENT, OTHER_AGENT, CONSENT, OTHER_CONSENT, DEVICE = (bytes([number]) * 32 for number in (1, 2, 3, 4, 5))
ENROLMENT = "E" * 42 + "A"
START = datetime(2026, 3, 28, 22, 50, 0, tzinfo=UTC)
TINA, OLAF = ("T" * 21 + "A", "Tina Berg"), ("O" * 21 + "A", "Olaf Ö. Groß")
VIEW, CONTROL, LATER, AGAIN = (letter * 21 + "A" for letter in "VCLW")


class Writer:
    """A session being recorded: what the device and the consent service sign, one after the other."""

    def __init__(
        self, *, sid: str = "s" * 21 + "A", agent: bytes = AGENT, consent: bytes = CONSENT, org: str = "acme"
    ) -> None:
        self.about = {"org": org, "sid": sid}
        self.agent, self.consent = agent, consent
        self.records: list[dict[str, str]] = []
        self.asks: dict[str, tuple[Ask, str]] = {}
        self.seq, self.head = 0, GENESIS
        self.now = START

    def after(self, seconds: float) -> "Writer":
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        return self

    def device(self, kind: type[DeviceRecord], *, late: float = 0, **content: Any) -> None:
        """A record of the device; `late`: how long before it reached the server."""
        place = {"seq": self.seq, "prev": self.head, "device_time": self.now - timedelta(seconds=late)}
        jws = signing.sign(kind.model_validate({**self.about, **place, **content}), self.agent)
        self.take(jws, expires_in=_duration(content))
        self.seq, self.head = self.seq + 1, signing.hash_of(jws)

    def hello(self, **content: Any) -> None:
        """The customer joins."""
        usual = {"language": "en", "platform": "Linux", "agent_version": "0.1.0"}
        self.device(Hello, **{"agent_key": agent_key(self.agent), **usual, **content})

    def ask(
        self, request_id: str, capability: str, reason: str, who: tuple[str, str] = TINA, **more: Any
    ) -> None:
        """A question."""
        content = {
            "request_id": request_id,
            "technician_id": who[0],
            "technician_name": who[1],
            "organisation_name": "Acme IT",
            "capability": capability,
            "reason": reason,
            "nonce": request_id[::-1],
            "asked_at": self.now,
            "answer_within_s": 60,
            "duration_s": 3600,
            **more,
        }
        ask = Ask.model_validate({**self.about, **content})
        jws = signing.sign(ask, self.consent)
        self.asks[request_id] = (ask, jws)
        self.take(jws)

    def decide(self, request_id: str, outcome: str, by: str = "person", **changes: Any) -> None:
        """The answer to a question."""
        ask, jws = self.asks[request_id]
        same = ("nonce", "technician_id", "technician_name", "capability", "reason", "duration_s")
        answer = {
            "request_id": request_id,
            "ask_hash": signing.hash_of(jws),
            **{name: getattr(ask, name) for name in same},
            "outcome": outcome,
            "decided_by": by,
            "language": "en",
            "text_hash": signing.hash_of("what stood in the dialog"),
        }
        self.device(Decision, **{**answer, **changes})

    def revoke(self, cause: str, *grants: str, late: float = 0) -> None:
        """Access is over."""
        self.device(Revocation, late=late, grant_ids=grants, cause=cause)

    def sum_up(self, request_id: str, used_s: int, *, ago: float = 0, lasted: float | None = None) -> None:
        """What a grant was used for: over since `ago` seconds, after `lasted` seconds."""
        ask, _ = self.asks[request_id]
        until = self.now - timedelta(seconds=ago)
        counts = {"moves": 211, "clicks": 14, "wheel_steps": 3, "keys": 120, "characters": 35}
        content: dict[str, Any] = {
            "request_id": request_id,
            "technician_id": ask.technician_id,
            "capability": ask.capability,
            "since": until - timedelta(seconds=used_s if lasted is None else lasted),
            "until": until,
            "used_s": used_s,
            "input": (counts if used_s else {}) if ask.capability == "control" else None,
        }
        self.device(Activity, **content)

    def take(self, jws: str, *, expires_in: int | None = None, **changes: Any) -> None:
        """Countersign and keep a record."""
        expires_at = None if expires_in is None else self.now + timedelta(seconds=expires_in)
        place = {"position": len(self.records), "record_hash": signing.hash_of(jws), "recorded_at": self.now}
        entry = Entry.model_validate({**self.about, **place, "expires_at": expires_at, **changes})
        self.records.append({"jws": jws, "entry_jws": signing.sign(entry, self.consent)})

    def bundle(self, **changes: Any) -> dict[str, Any]:
        """The receipt; `changes` to what the closing says."""
        last = signing.hash_of(self.records[-1]["entry_jws"])
        content = {"count": len(self.records), "last_entry_hash": last, "chain_head": self.head}
        closing = Closing.model_validate({**self.about, **content, "closed_at": self.now, **changes})
        return {
            "format": "beistand-receipt/1",
            **self.about,
            "organisation_name": "Acme IT",
            "technician_name": "Tina Berg",
            "agent_key": agent_key(self.agent),
            "consent_key": b64(signing.public_key_of(self.consent)),
            "created_at": self.now.isoformat().replace("+00:00", "Z"),
            "records": list(self.records),
            "closing_jws": signing.sign(closing, self.consent),
        }


def agent_key(seed: bytes) -> str:
    """The public key of an agent in nkey form."""
    return str(nkeys.from_seed(nkeys.encode_seed(seed, nkeys.PREFIX_BYTE_USER)).public_key.decode())


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def whole_session(**settings: Any) -> Writer:
    """A session with everything in it, over midnight."""
    writer = Writer(**settings)
    writer.hello()
    writer.after(12.4).ask(VIEW, "view", "To see the printer settings.\u202e")
    writer.after(8.3).decide(VIEW, "granted")
    writer.after(60).ask(CONTROL, "control", "To change the paper size.")
    writer.after(5).decide(CONTROL, "denied")
    writer.after(95.7).ask(LATER, "control", "To change the paper size, as agreed.")
    writer.after(11).decide(LATER, "granted")
    writer.after(120).device(Pause, paused=True)
    writer.after(9.9).device(Pause, paused=False)
    writer.after(300).revoke("stop_control", LATER)
    writer.after(0.1).sum_up(LATER, 418, lasted=429.8)
    writer.after(2).hello()
    writer.after(40).ask(AGAIN, "view", "Second pair of eyes", OLAF)
    writer.after(60).decide(AGAIN, "timed_out", "timeout")
    writer.after(3600).revoke("stop_sharing", VIEW, late=3100)
    writer.after(0.1).sum_up(VIEW, 1192, ago=3100, lasted=1201.5)
    writer.after(4).device(End, cause="end_session")
    writer.after(0.5)
    return writer


def summed_up_after_the_end() -> Writer:
    """The end was signed and sent first; a yes that never went live was used for nothing."""
    writer = Writer()
    writer.hello()
    writer.after(5).ask(VIEW, "view", "Printer")
    writer.after(5).decide(VIEW, "granted")
    writer.after(5).ask(CONTROL, "control", "Printer")
    writer.after(5).decide(CONTROL, "granted")
    writer.after(0.2).device(End, cause="end_session")
    writer.after(0.1).sum_up(VIEW, 11, lasted=10.3)
    writer.sum_up(CONTROL, 0)
    return writer


def cut_off_session() -> Writer:
    """A session whose device was lost: no revocation, no end."""
    writer = Writer()
    writer.hello(platform="", language="de")
    writer.after(5).ask(VIEW, "view", "Fernwartung <b>Drucker</b>")
    writer.after(5).decide(VIEW, "granted", language="de")
    writer.after(5).ask(CONTROL, "control", "Papierformat")
    writer.after(5).decide(CONTROL, "granted", language="de")
    writer.after(30).ask(AGAIN, "view", "Zu zweit", OLAF)
    writer.after(1).decide(AGAIN, "denied", "policy", block=True)
    writer.after(30).device(Pause, paused=True)
    writer.after(4000)
    return writer


def stopped_session() -> Writer:
    """The view is revoked and takes the control with it; the agent is closed."""
    writer = Writer()
    writer.hello()
    writer.after(5).ask(VIEW, "view", "Printer")
    writer.after(5).decide(VIEW, "granted")
    writer.after(5).ask(CONTROL, "control", "Printer")
    writer.after(5).decide(CONTROL, "granted")
    writer.after(30).revoke("indicator_lost", VIEW)
    writer.after(30).device(End, cause="agent_closed")
    return writer


def prepared_session() -> Writer:
    """The customer allows access for the time when nobody is there, in two ways."""
    writer = Writer()
    writer.hello()
    until = START + timedelta(days=14)
    writer.after(5).ask(LATER, "unattended", "Updates at night", terms={"until": until})
    writer.after(20).decide(LATER, "granted", terms={"until": until}, device_key=agent_key(DEVICE))
    narrow = {
        "technicians": [{"id": OLAF[0], "name": OLAF[1]}],
        "until": until,
        "days": [0, 4],
        "from_minute": 65,
        "to_minute": 1439,
    }
    writer.after(5).ask(AGAIN, "unattended", "Backups", OLAF, terms=narrow)
    writer.after(20).decide(AGAIN, "denied", terms=narrow)
    writer.after(5).device(End, cause="end_session")
    return writer


def visited_session(*, vouch: dict[str, Any] | None = None, signed_by: bytes | None = None) -> Writer:
    """Nobody was there: the device answered by what its person had allowed."""
    writer = Writer()
    writer.hello(vouch_jws=vouched(writer, signed_by=signed_by, **(vouch or {})))
    writer.after(1).ask(VIEW, "view", "Updates at night")
    writer.after(0.2).decide(VIEW, "granted", "policy", enrolment_hash=ENROLMENT)
    writer.after(1).ask(CONTROL, "control", "Updates at night")
    writer.after(0.2).decide(CONTROL, "granted", "policy", enrolment_hash=ENROLMENT)
    writer.after(400).revoke("technician", CONTROL)
    writer.after(1).device(End, cause="expired")
    return writer


def vouched(writer: Writer, *, signed_by: bytes | None = None, **changes: Any) -> str:
    """The enrolled device's word for this session's key."""
    content = {
        "device_id": ids.device_id(agent_key(DEVICE)),
        "device_key": agent_key(DEVICE),
        "enrolment_hash": ENROLMENT,
        "agent_key": agent_key(writer.agent),
        "vouched_at": writer.now,
    }
    vouch = Vouch.model_validate({**writer.about, **content, **changes})
    return signing.sign(vouch, signed_by or DEVICE)


def good() -> list[dict[str, Any]]:
    """Genuine receipts, each with the story that must be told."""
    sessions = {
        "a whole session": whole_session(),
        "the device was lost": cut_off_session(),
        "the sign was lost": stopped_session(),
        "summed up after the end": summed_up_after_the_end(),
        "allowed for when nobody is there": prepared_session(),
        "nobody was there": visited_session(),
    }
    return [_with_story(name, writer.bundle()) for name, writer in sessions.items()]


def tampered() -> list[dict[str, Any]]:
    """One receipt for every way to tamper; `records` may name records of the first genuine one by number."""
    return [*_changed_by_outsiders(), *_changed_header(), *_signed_nonsense()]


def _with_story(name: str, bundle: dict[str, Any]) -> dict[str, Any]:
    verdict = receipt.verify(json.dumps(bundle))
    told = {language: _story(verdict, texts) for language, texts in TEXTS.items()}
    return {"name": name, "bundle": bundle, "story": told}


def _story(verdict: receipt.Verdict, texts: Any) -> dict[str, Any]:
    lines = [
        [line.number, line.day, line.time, line.text, list(line.details)]
        for line in story.tell(verdict, texts, UTC)
    ]
    judged = story.judge(verdict, texts)
    judgement = {"sentence": judged.sentence, "note": judged.note, "keys": [list(key) for key in judged.keys]}
    return {"heading": list(story.heading(verdict, texts)), "lines": lines, "judgement": judgement}


def _bad(
    name: str, problem: str, index: int | None, *, expect: dict[str, str] | None = None, **changes: Any
) -> dict[str, Any]:
    return {"name": name, "problem": problem, "index": index, "expect": expect or {}, "changes": changes}


def _changed_by_outsiders() -> list[dict[str, Any]]:
    """What can be done to a file without any key."""
    base = whole_session().bundle()
    records: list[dict[str, str]] = base["records"]
    every: list[Any] = list(range(len(records)))
    foreign = whole_session(sid="f" * 21 + "A", agent=OTHER_AGENT).bundle()
    same_device = whole_session(sid="f" * 21 + "A").bundle()

    def replaced(index: int, **fields: str | None) -> list[Any]:
        return [*every[:index], {**records[index], **fields}, *every[index + 1 :]]

    def flipped(index: int, part: str = "jws") -> list[Any]:
        return replaced(index, **{part: _flipped(records[index][part])})

    swapped_entry = replaced(4, entry_jws=records[5]["entry_jws"])
    other_key = signing.sign(_record(records[6]["jws"], Decision, AGENT), OTHER_AGENT)
    other_ask = signing.sign(_record(records[1]["jws"], Ask, CONSENT), OTHER_CONSENT)
    unused_bits = replaced(9, jws=_flipped_end(records[9]["jws"]))
    transplanted = replaced(7, jws=same_device["records"][7]["jws"])
    whole_swap = [*every[:4], 5, 4, *every[6:]]
    return [
        _bad("a flipped byte in an answer", "signature", 2, records=flipped(2)),
        _bad("a flipped byte in a question", "signature", 3, records=flipped(3)),
        _bad("another spelling of a signature", "signature", 9, records=unused_bits),
        _bad("a flipped byte in a countersignature", "entry", 6, records=flipped(6, "entry_jws")),
        _bad("a header of no known kind", "kind", 7, records=replaced(7, jws="e30" + records[7]["jws"])),
        _bad("the first record dropped", "position", 0, records=every[1:]),
        _bad("a record dropped", "position", 5, records=[*every[:5], *every[6:]]),
        _bad("two records swapped", "position", 4, records=whole_swap),
        _bad("a record doubled", "position", 8, records=[*every[:8], 7, *every[8:]]),
        _bad("cut off after the last summary", "truncated", 16, records=every[:16]),
        _bad("everything cut off", "truncated", 0, records=[]),
        _bad("a record of another session", "foreign", 7, records=replaced(7, **foreign["records"][7])),
        _bad("a record of another session of the same device", "foreign", 7, records=transplanted),
        _bad("an answer signed with another key", "signature", 6, records=replaced(6, jws=other_key)),
        _bad("a question signed with another key", "signature", 1, records=replaced(1, jws=other_ask)),
        _bad("a countersignature of another record", "entry", 4, records=swapped_entry),
        _bad("a record that was never countersigned", "entry", 12, records=replaced(12, entry_jws=None)),
        _bad("a copy that was never closed", "closing", None, closing_jws=None),
        _bad("the closing of another session", "closing", None, closing_jws=same_device["closing_jws"]),
        _bad("a flipped byte in the closing", "closing", None, closing_jws=_flipped(base["closing_jws"])),
        _bad("a closing that is an entry", "closing", None, closing_jws=records[0]["entry_jws"]),
    ]


def _changed_header() -> list[dict[str, Any]]:
    """Other keys than those signed with, or expected; what is no receipt."""
    others = whole_session(agent=OTHER_AGENT, consent=OTHER_CONSENT).bundle()
    key, consent = others["agent_key"], others["consent_key"]
    return [
        _bad("another device's key", "signature", 0, agent_key=key),
        _bad("another service's key", "entry", 0, consent_key=consent),
        _bad("another session's id", "foreign", 0, sid="x" * 21 + "A"),
        _bad("another organisation", "foreign", 0, org="evil"),
        _bad("not the expected device", "agent_key", None, expect={"agent_key": key}),
        _bad("not the expected service", "consent_key", None, expect={"consent_key": consent}),
        _bad("a field that nobody knows", "unreadable", None, remark="hello"),
        _bad("another format", "unreadable", None, format="beistand-receipt/2"),
        _bad("a key with a wrong checksum", "unreadable", None, agent_key=key[:-1] + "A"),
        _bad("records that are no records", "unreadable", None, records=[{"jws": "a"}]),
        _bad("no time zone", "unreadable", None, created_at="2026-03-28T22:50:00"),
    ]


def _signed_nonsense() -> list[dict[str, Any]]:
    """Receipts whose every signature is right: a device or a service that does not keep to the rules."""
    cases = [
        ("no hello first", "hello", 0, _no_hello()),
        ("a hello of another key", "hello", 0, _hello_of_another()),
        ("a gap in the device's chain", "chain", 1, _gap()),
        ("a fork in the device's chain", "chain", 2, _fork()),
        ("an answer without a question", "no_ask", 1, _no_ask()),
        ("an answer to another reason", "answer", 2, _answer(reason="Something else.")),
        ("an answer for another technician", "answer", 2, _answer(technician_id=OLAF[0])),
        ("an answer for more than was asked", "answer", 2, _answer(capability="control")),
        ("an answer for longer than was asked", "answer", 2, _answer(duration_s=7200)),
        ("an answer to another text of the question", "answer", 2, _answer(ask_hash="A" * 43)),
        ("an answer with another nonce", "answer", 2, _answer(nonce="N" * 21 + "A")),
        ("a yes that no person gave", "answer", 2, _answer(decided_by="policy")),
        ("a yes by running out of time", "answer", 2, _answer(decided_by="timeout")),
        ("a second answer", "repeated", 3, _answered_twice()),
        ("a question asked twice", "repeated", 2, _asked_twice()),
        ("a countersignature that lasts longer", "entry", 2, _lasting_longer()),
        ("a revocation of what was never asked", "unknown_grant", 1, _revoked_unknown()),
        ("a revocation of what was denied", "unknown_grant", 3, _revoked_denied()),
        ("a record after the end", "after_end", 2, _after_end()),
        ("a second end", "after_end", 2, _after_end(End, cause="agent_closed")),
        ("a summary of what was never asked", "unknown_grant", 2, _summed_up(request_id=CONTROL, at=None)),
        ("a summary of what was not answered", "unknown_grant", 2, _summed_up(at=None)),
        ("a summary of what was denied", "unknown_grant", 3, _summed_up(at="denied")),
        ("a summary for another technician", "activity", 3, _summed_up(technician_id=OLAF[0])),
        ("a summary of another kind of access", "activity", 3, _summed_up(capability="control")),
        ("a view that was used for input", "activity", 3, _summed_up(input={"keys": 1})),
        ("control without its counts", "activity", 5, _summed_up_control(input=None)),
        ("a use longer than the access", "activity", 3, _summed_up(used_s=12)),
        ("a use that ends before it begins", "activity", 3, _summed_up(until=START, since=START, used_s=2)),
        ("a use longer than was allowed", "activity", 3, _summed_up(used_s=3601, lasted=4000)),
        ("a second summary", "repeated", 4, _summed_up_twice()),
        ("an access that goes on after its summary", "activity", 4, _revoked_after_summary()),
        ("a count that nobody can hold", "signature", 5, _summed_up_control(input={"keys": 2**53})),
        ("less than nothing", "signature", 5, _summed_up_control(input={"keys": -1})),
        ("what was typed", "signature", 5, _summed_up_control(input={"keys": 1, "text": "secret"})),
        ("a summary by another device", "signature", 3, _summed_up(seed=OTHER_AGENT)),
        ("an entry of another session", "foreign", 1, _foreign_entry()),
        ("a record without its place", "position", 1, _misplaced()),
        ("a countersignature at the end of time", "entry", 2, _at_the_end_of_time()),
        ("a countersignature of the wrong kind", "entry", 1, _wrong_kind()),
        ("a header that says more than it may", "signature", 1, _other_header(kid="1")),
        ("a header with another algorithm", "signature", 1, _other_header(alg="EdDSA")),
        ("questions that no device ever saw", "hello", None, _nobody_there()),
        ("a yes by another permission", "answer", 2, _another_permission()),
        ("a yes of the device's own to more", "answer", 2, _more_by_rules()),
        ("a word by another key", "hello", 0, visited_session(signed_by=OTHER_AGENT)),
        ("a word for another session", "hello", 0, visited_session(vouch={"sid": "f" * 21 + "A"})),
        ("a word for another key", "hello", 0, visited_session(vouch={"agent_key": agent_key(DEVICE)})),
        ("a word with a chosen name", "hello", 0, visited_session(vouch={"device_id": "x" * 21 + "A"})),
    ]
    whole = [_bad(name, problem, index, **writer.bundle()) for name, problem, index, writer in cases]
    short = whole_session()
    return [
        *whole,
        _bad("a closing that counts less", "closing", 16, **short.bundle(count=16)),
        _bad("a closing that speaks of another session", "closing", None, **short.bundle(sid="f" * 21 + "A")),
        _bad("a closing with another head", "closing", None, **short.bundle(chain_head="A" * 43)),
        _bad("a closing after another entry", "closing", None, **short.bundle(last_entry_hash="A" * 43)),
    ]


def _started(*, asked: bool = True) -> Writer:
    writer = Writer()
    writer.hello()
    if asked:
        writer.after(5).ask(VIEW, "view", "To see the printer settings.")
    return writer.after(5)


def _another_permission() -> Writer:
    writer = Writer()
    writer.hello(vouch_jws=vouched(writer))
    writer.ask(VIEW, "view", "Updates at night")
    writer.decide(VIEW, "granted", "policy", enrolment_hash="A" * 43)
    return writer


def _more_by_rules() -> Writer:
    writer = Writer()
    writer.hello(vouch_jws=vouched(writer))
    terms = {"until": START + timedelta(days=1)}
    writer.ask(VIEW, "unattended", "Updates at night", terms=terms)
    writer.decide(VIEW, "granted", "policy", enrolment_hash=ENROLMENT, terms=terms)
    return writer


def _no_hello() -> Writer:
    writer = Writer()
    writer.device(Pause, paused=True)
    return writer


def _hello_of_another() -> Writer:
    writer = Writer()
    writer.hello(agent_key=agent_key(OTHER_AGENT))
    return writer


def _gap() -> Writer:
    writer = _started(asked=False)
    writer.seq += 1
    writer.device(Pause, paused=True)
    return writer


def _fork() -> Writer:
    writer = _started(asked=False)
    head = writer.head
    writer.device(Pause, paused=True)
    writer.head = head
    writer.device(Pause, paused=False)
    return writer


def _no_ask() -> Writer:
    writer = _started(asked=False)
    other = _started()
    writer.asks = other.asks
    writer.decide(VIEW, "granted")
    return writer


def _answer(*, outcome: str = "granted", **changes: Any) -> Writer:
    writer = _started()
    writer.decide(VIEW, outcome, **changes)
    return writer


def _answered_twice() -> Writer:
    writer = _answer(outcome="denied")
    writer.decide(VIEW, "granted")
    return writer


def _asked_twice() -> Writer:
    writer = _started()
    writer.ask(VIEW, "view", "Again")
    return writer


def _lasting_longer() -> Writer:
    writer = _answer()
    jws = writer.records.pop()["jws"]
    writer.take(jws, expires_in=3601)
    return writer


def _revoked_unknown() -> Writer:
    writer = _started(asked=False)
    writer.revoke("stop_sharing", VIEW)
    return writer


def _revoked_denied() -> Writer:
    writer = _answer(outcome="denied")
    writer.revoke("stop_sharing", VIEW)
    return writer


def _after_end(kind: type[DeviceRecord] = Pause, **content: Any) -> Writer:
    writer = _started(asked=False)
    writer.device(End, cause="end_session")
    writer.device(kind, **(content or {"paused": False}))
    return writer


def _summed_up(
    *, at: str | None = "granted", seed: bytes = AGENT, lasted: float = 10, **changes: Any
) -> Writer:
    """A summary after an answer (None: after the question alone), changed."""
    writer = _started() if at is None else _answer(outcome=at)
    writer.after(10)
    content = {
        "request_id": VIEW,
        "technician_id": TINA[0],
        "capability": "view",
        "since": writer.now - timedelta(seconds=lasted),
        "until": writer.now,
        "used_s": 10,
    }
    _sign_anything(writer, {**content, **changes}, seed=seed)
    return writer


def _summed_up_control(**changes: Any) -> Writer:
    writer = _answer()
    writer.ask(CONTROL, "control", "Printer")
    writer.decide(CONTROL, "granted")
    content = {
        "request_id": CONTROL,
        "technician_id": TINA[0],
        "capability": "control",
        "since": writer.now,
        "until": writer.now,
        "used_s": 1,
        "input": {},
    }
    _sign_anything(writer, {**content, **changes})
    return writer


def _summed_up_twice() -> Writer:
    writer = _summed_up()
    writer.sum_up(VIEW, 10)
    return writer


def _revoked_after_summary() -> Writer:
    writer = _summed_up()
    writer.revoke("stop_sharing", VIEW)
    return writer


def _sign_anything(writer: Writer, content: dict[str, Any], *, seed: bytes = AGENT) -> None:
    """A summary that says what no honest device would say, unchecked by the model."""
    place = {"seq": writer.seq, "prev": writer.head, "device_time": writer.now}
    said = json.dumps({**writer.about, **place, **content}, default=datetime.isoformat)
    jws = _with_header({"alg": "Ed25519", "typ": Activity.typ}, said, seed)
    writer.take(jws)
    writer.seq, writer.head = writer.seq + 1, signing.hash_of(jws)


def _foreign_entry() -> Writer:
    writer = _started()
    jws = writer.records.pop()["jws"]
    writer.take(jws, sid="f" * 21 + "A")
    return writer


def _misplaced() -> Writer:
    writer = _started()
    jws = writer.records.pop()["jws"]
    writer.take(jws, position=2)
    return writer


def _at_the_end_of_time() -> Writer:
    writer = _started()
    writer.now = datetime(9999, 12, 31, 23, 0, tzinfo=UTC)
    writer.decide(VIEW, "denied")
    return writer


def _nobody_there() -> Writer:
    writer = Writer()
    writer.ask(VIEW, "view", "Anybody?")
    return writer


def _wrong_kind() -> Writer:
    writer = _started()
    entry = _record(writer.records[1]["entry_jws"], Entry, CONSENT)
    writer.records[1]["entry_jws"] = _with_header(
        {"alg": "Ed25519", "typ": Closing.typ}, entry.model_dump_json(), CONSENT
    )
    return writer


def _other_header(**changes: str) -> Writer:
    writer = _started(asked=False)
    place = {"seq": 1, "prev": writer.head, "device_time": writer.now}
    pause = Pause.model_validate({**writer.about, **place, "paused": True})
    writer.take(_with_header({"alg": "Ed25519", "typ": Pause.typ, **changes}, pause.model_dump_json(), AGENT))
    return writer


def _with_header(header: dict[str, str], said: str, seed: bytes) -> str:
    """A text signed under any header: what `signing` would not write."""
    signed = f"{b64(json.dumps(header).encode())}.{b64(said.encode())}"
    return f"{signed}.{b64(Ed25519PrivateKey.from_private_bytes(seed).sign(signed.encode()))}"


def _record(jws: str, kind: type[Record], seed: bytes) -> Record:
    return signing.verify(jws, signing.public_key_of(seed), kind)


def _duration(content: dict[str, Any]) -> int | None:
    granted = content.get("outcome") == "granted"
    return int(content["duration_s"]) if granted else None


def _flipped(jws: str) -> str:
    """One character of the payload changed."""
    head, payload, signature = jws.split(".")
    other = "A" if payload[40] != "A" else "B"
    return ".".join((head, payload[:40] + other + payload[41:], signature))


def _flipped_end(jws: str) -> str:
    """Only the unused bits at the end of the signature changed: the same bytes, another text."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return jws[:-1] + letters[letters.index(jws[-1]) ^ 1]


def render() -> str:
    """The vectors' file."""
    return json.dumps({"good": good(), "bad": tampered()}, indent=1, ensure_ascii=False) + "\n"


def render_texts() -> str:
    """The console's copy of the phrases."""
    tables = {language: dict(texts) for language, texts in TEXTS.items()}
    body = json.dumps(tables, indent=2, ensure_ascii=False)
    origin = "// Generated by tools/make_receipt_vectors.py from beistand/story_texts.py; do not edit."
    return f"{origin}\nexport const STORY_TEXTS = {body} as const;\n"


def main() -> int:
    """Write both files."""
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(render(), encoding="utf-8")
    TEXTS_TARGET.write_text(render_texts(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
