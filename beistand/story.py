"""A checked receipt as a story for people: who asked what and why, what was answered, used and stopped.

Pure; the console tells the same story (console/src/core/story.ts), held together by the test vectors. Nothing
that no signature covers is told, and no text from others can break out of its line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from beistand.protocol.capabilities import REQUIRES
from beistand.protocol.receipt import Event, Verdict
from beistand.protocol.records import (
    Activity,
    Ask,
    DecidedBy,
    Decision,
    DeviceRecord,
    End,
    Hello,
    Outcome,
    Pause,
    Revocation,
    expiry,
)
from beistand.protocol.terms import Terms

SKEW_S = 30
"""A device's time that differs from the server's by more is worth telling."""


@dataclass(frozen=True)
class Line:
    """One thing that happened. `day`: heading if it is the first of its day, else empty."""

    number: int | None
    """The record, counted from 1 as people do."""
    day: str
    time: str
    text: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    """What the story amounts to: the sentence, what it rests on, and the keys to compare (name, key)."""

    ok: bool
    sentence: str
    note: str
    keys: tuple[tuple[str, str], ...]


def tell(verdict: Verdict, texts: Mapping[str, str], zone: tzinfo | None = None) -> tuple[Line, ...]:
    """The story of everything that was checked; times in `zone` (None: the system's)."""
    teller = _Teller(texts, zone)
    for event in verdict.events:
        teller.happened(event)
    if verdict.closing is not None:
        teller.closed(verdict.closing.closed_at, verdict.closing.count)
    return tuple(teller.lines)


def judge(verdict: Verdict, texts: Mapping[str, str]) -> Judgement:
    """Genuine or not, and what that means."""
    if verdict.problem is None and verdict.bundle is not None:
        return _genuine(verdict, texts)
    wrong = texts[f"wrong.{verdict.problem}"]
    if verdict.index is None:
        return _not_genuine(texts["not_genuine"].format(wrong=wrong), texts["nothing"])
    number = verdict.index + 1
    sentence = texts["not_genuine_record"].format(number=number, wrong=wrong)
    note = texts["up_to"].format(number=number) if verdict.index else texts["nothing"]
    return _not_genuine(sentence, note)


def heading(verdict: Verdict, texts: Mapping[str, str]) -> tuple[str, str]:
    """The title, and which session it is about (empty if nothing is known for sure)."""
    if not verdict.events:
        return texts["title"], ""
    record = verdict.events[0].record
    return texts["title"], texts["session"].format(sid=record.sid, org=record.org)


def plain(text: str) -> str:
    """Text from others on one line, without anything invisible, reordering or moving the cursor."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def span(seconds: int) -> str:
    """A length of time: `8 s`, `6 min 50 s`, `1 h 5 min`; never negative."""
    minutes, rest = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def _not_genuine(sentence: str, note: str) -> Judgement:
    return Judgement(ok=False, sentence=sentence, note=note, keys=())


def _genuine(verdict: Verdict, texts: Mapping[str, str]) -> Judgement:
    if verdict.bundle is None:
        raise ValueError("a genuine receipt has a bundle")
    agent = (texts["agent_key"], verdict.bundle.agent_key)
    consent = (texts["consent_key"], verdict.bundle.consent_key)
    note, keys = {
        (True, True): ("known_keys", ()),
        (True, False): ("own_consent_key", (consent,)),
        (False, True): ("own_agent_key", (agent,)),
        (False, False): ("own_keys", (agent, consent)),
    }[verdict.expected_agent, verdict.expected_consent]
    sentence = texts["genuine"].format(count=len(verdict.events))
    return Judgement(ok=True, sentence=sentence, note=texts[note], keys=keys)


@dataclass(frozen=True)
class _Access:
    """A grant while it lasts; times in whole seconds of the server's clock."""

    decision: Decision
    since: datetime
    until: datetime
    paused_before: int


class _Teller:
    """Goes through the events and remembers what is going on."""

    def __init__(self, texts: Mapping[str, str], zone: tzinfo | None) -> None:
        self.lines: list[Line] = []
        self._texts = texts
        self._zone = zone
        self._day = ""
        self._greeted = False
        self._ended = False
        self._asked: dict[str, datetime] = {}
        self._live: dict[str, _Access] = {}
        self._unknown: dict[str, Decision] = {}
        """Granted, and no word yet on how it was used."""
        self._paused_s = 0
        self._paused_since: datetime | None = None

    def happened(self, event: Event) -> None:
        """Add the line of one record."""
        text, details = self._told(event)
        if isinstance(event.record, DeviceRecord):
            details = (*details, *self._clock_note(event.record.device_time, event.entry.recorded_at))
        self._add(event.index + 1, event.entry.recorded_at, text, details)

    def closed(self, at: datetime, count: int) -> None:
        """Add the last line."""
        details = self._finished(tuple(self._live), at)
        details += tuple(self._about(decision, "unknown") for decision in self._unknown.values())
        if not self._ended:
            details += (self._texts["closed.no_end"],)
        self._add(None, at, self._texts["closed"].format(count=count), details)

    def _told(self, event: Event) -> tuple[str, tuple[str, ...]]:
        at = event.entry.recorded_at
        match event.record:
            case Hello() as hello:
                return self._hello(hello), ()
            case Ask() as ask:
                return self._ask(ask, at)
            case Decision() as decision:
                return self._decision(decision, event)
            case Revocation() as revocation:
                details = self._finished(self._with_dependents(revocation.grant_ids), at)
                return self._texts[f"revoked.{revocation.cause}"], details
            case Pause() as pause:
                return self._pause(pause, at)
            case End() as end:
                self._ended = True
                text = self._texts.get(f"ended.{end.cause}", self._texts["ended.other"])
                return text, self._finished(tuple(self._live), at)
            case Activity() as activity:
                return self._activity(activity)

    def _hello(self, hello: Hello) -> str:
        if self._greeted:
            return self._texts["rejoined"]
        self._greeted = True
        platform, version = plain(hello.platform), plain(hello.agent_version)
        return self._texts["joined" if platform else "joined.plain"].format(
            platform=platform, version=version
        )

    def _ask(self, ask: Ask, at: datetime) -> tuple[str, tuple[str, ...]]:
        self._asked[ask.request_id] = at
        text = self._texts[f"{ask.capability}.ask"].format(
            technician=plain(ask.technician_name), organisation=plain(ask.organisation_name)
        )
        reason = self._texts["reason"].format(reason=plain(ask.reason))
        answer = span(ask.answer_within_s)
        if ask.terms is None:
            return text, (reason, self._texts["terms"].format(duration=span(ask.duration_s), answer=answer))
        return text, (reason, self._standing(ask.terms, answer))

    def _standing(self, terms: Terms, answer: str) -> str:
        """The terms of a yes given in advance."""
        week = self._texts["weekdays"].split()
        who = ", ".join(plain(technician.name) for technician in terms.technicians)
        return self._texts["standing"].format(
            until=self._date(terms.until),
            time=self._clock(terms.until),
            days=", ".join(week[day] for day in terms.days),
            begin=_minute(terms.from_minute),
            end=_minute(terms.to_minute),
            who=who or self._texts["everybody"],
            answer=answer,
        )

    def _decision(self, decision: Decision, event: Event) -> tuple[str, tuple[str, ...]]:
        at = event.entry.recorded_at
        by_policy = decision.decided_by is DecidedBy.POLICY
        is_granted = decision.outcome is Outcome.GRANTED
        policy = "by_rules" if is_granted else "policy"
        answer = policy if by_policy else str(decision.outcome)
        text = self._texts[f"{decision.capability}.{answer}"].format(
            technician=plain(decision.technician_name)
        )
        details = [self._texts[policy]] if by_policy else []
        if decision.decided_by is DecidedBy.PERSON:
            details.append(
                self._texts["shown"].format(
                    language=self._texts[f"language.{decision.language}"],
                    after=span(_between(self._asked[decision.request_id], at)),
                )
            )
        if is_granted:
            until = event.entry.expires_at or expiry(at, decision.duration_s)
            self._live[decision.request_id] = _Access(decision, at, until, self._paused_until(at))
            self._unknown[decision.request_id] = decision
            details.append(self._texts["until"].format(until=self._clock(until)))
        if decision.block:
            details.append(self._texts["blocked"])
        return text, tuple(details)

    def _pause(self, pause: Pause, at: datetime) -> tuple[str, tuple[str, ...]]:
        if pause.paused:
            self._paused_since = self._paused_since or at
            return self._texts["paused"], ()
        self._paused_s = self._paused_until(at)
        self._paused_since = None
        return self._texts["resumed"], ()

    def _activity(self, activity: Activity) -> tuple[str, tuple[str, ...]]:
        decision = self._unknown.pop(activity.request_id)
        counts = {} if activity.input is None else activity.input.model_dump()
        if not activity.used_s and not any(counts.values()):
            return self._about(decision, "idle"), ()
        text = self._about(decision, "activity", used=span(activity.used_s))
        return text, (self._texts["input"].format(**counts),) if counts else ()

    def _about(self, decision: Decision, what: str, **fields: str) -> str:
        text = self._texts[f"{decision.capability}.{what}"]
        return text.format(technician=plain(decision.technician_name), **fields)

    def _paused_until(self, at: datetime) -> int:
        """Seconds of the session so far in which everything was held."""
        running = 0 if self._paused_since is None else max(0, _between(self._paused_since, at))
        return self._paused_s + running

    def _with_dependents(self, ids: Iterable[str]) -> tuple[str, ...]:
        """These grants and what cannot go on without them."""
        named = tuple(ids)
        ended = [self._live[name].decision for name in named if name in self._live]
        resting = [
            name
            for name, access in self._live.items()
            if any(_rests_on(access.decision, over) for over in ended)
        ]
        return tuple(dict.fromkeys([*named, *resting]))

    def _finished(self, ids: Iterable[str], at: datetime) -> tuple[str, ...]:
        return tuple(self._used(self._live.pop(name), at) for name in ids if name in self._live)

    def _used(self, access: _Access, at: datetime) -> str:
        end = min(access.until, at)
        paused = max(0, self._paused_until(end) - access.paused_before)
        used = max(0, _between(access.since, end) - paused)
        name = f"{access.decision.capability}.used{'_paused' if paused else ''}"
        return self._texts[name].format(
            technician=plain(access.decision.technician_name),
            used=span(used),
            since=self._clock(access.since),
            paused=span(paused),
        )

    def _clock_note(self, device: datetime, server: datetime) -> tuple[str, ...]:
        if abs(_between(device, server)) <= SKEW_S:
            return ()
        return (self._texts["device_time"].format(time=f"{self._date(device)}, {self._clock(device)}"),)

    def _add(self, number: int | None, at: datetime, text: str, details: tuple[str, ...]) -> None:
        day = self._date(at)
        self.lines.append(Line(number, "" if day == self._day else day, self._clock(at), text, details))
        self._day = day

    def _clock(self, at: datetime) -> str:
        return f"{self._local(at):%H:%M:%S}"

    def _date(self, at: datetime) -> str:
        local = self._local(at)
        return self._texts["day"].format(
            weekday=self._texts["weekdays"].split()[local.weekday()],
            day=local.day,
            month=self._texts["months"].split()[local.month - 1],
            year=local.year,
            zone=_zone(local),
        )

    def _local(self, at: datetime) -> datetime:
        try:
            return at.astimezone(self._zone)
        except (OverflowError, ValueError, OSError):
            return at  # a device may say any time, also one at the edge of the calendar


def _rests_on(access: Decision, over: Decision) -> bool:
    return REQUIRES.get(access.capability) is over.capability and access.technician_id == over.technician_id


def _zone(local: datetime) -> str:
    offset = local.utcoffset()
    minutes = 0 if offset is None else round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def _between(start: datetime, end: datetime) -> int:
    """Whole seconds, of times cut to whole seconds as they are shown."""
    return int((end.replace(microsecond=0) - start.replace(microsecond=0)).total_seconds())


def _minute(of_day: int) -> str:
    return f"{of_day // 60:02}:{of_day % 60:02}"
