// A checked receipt as a story for people. The same words as `beistand verify`: the phrases are generated from
// beistand/story_texts.py, and the test vectors hold both tellers together.
import type { Language } from "./language.ts";
import type { Terms } from "./protocol.gen.ts";
import type { Activity, Ask, Decision, Hello, Pause, Revocation } from "./receipt-shapes.ts";
import type { StoryEvent, Verdict } from "./receipt.ts";
import { STORY_TEXTS } from "./story-texts.gen.ts";

/** Minutes that local time is ahead of UTC at a moment (milliseconds since 1970). */
export type Zone = (at: number) => number;

/** `number`: the record, counted from 1. `day`: heading if this is the first line of its day, else empty. */
export interface StoryLine {
  readonly number: number | undefined;
  readonly day: string;
  readonly time: string;
  readonly text: string;
  readonly details: readonly string[];
}

export interface Judgement {
  readonly ok: boolean;
  readonly sentence: string;
  readonly note: string;
  /** Keys to compare: name and key. */
  readonly keys: readonly (readonly [string, string])[];
}

type Told = readonly [text: string, details: readonly string[]];

interface Access {
  readonly decision: Decision;
  readonly since: number;
  readonly until: number;
  readonly pausedBefore: number;
}

const SKEW_S = 30;

export function tell(verdict: Verdict, language: Language, zone: Zone): readonly StoryLine[] {
  const teller = new Teller(language, zone);
  verdict.events.forEach((event) => teller.happened(event));
  if (verdict.closing !== undefined) {
    teller.closed(Date.parse(verdict.closing.closed_at), verdict.closing.count);
  }
  return teller.lines;
}

export function judge(verdict: Verdict, language: Language): Judgement {
  const { problem, index, bundle, expected, events } = verdict;
  if (problem === undefined && bundle !== undefined) {
    const agent = [phrase(language, "agent_key"), bundle.agent_key] as const;
    const consent = [phrase(language, "consent_key"), bundle.consent_key] as const;
    const [isAgent, isConsent] = [expected.agent_key !== undefined, expected.consent_key !== undefined];
    const note = isAgent ? (isConsent ? "known_keys" : "own_consent_key") : isConsent ? "own_agent_key" : "own_keys";
    const keys = [...(isAgent ? [] : [agent]), ...(isConsent ? [] : [consent])];
    return { ok: true, sentence: phrase(language, "genuine", { count: events.length }), note: phrase(language, note), keys };
  }
  const wrong = phrase(language, `wrong.${problem ?? "unreadable"}`);
  if (index === undefined) {
    return { ok: false, sentence: phrase(language, "not_genuine", { wrong }), note: phrase(language, "nothing"), keys: [] };
  }
  const number = index + 1;
  const sentence = phrase(language, "not_genuine_record", { number, wrong });
  return { ok: false, sentence, note: phrase(language, index > 0 ? "up_to" : "nothing", { number }), keys: [] };
}

/** The title, and which session it is about (empty if nothing is known for sure). */
export function heading(verdict: Verdict, language: Language): readonly [string, string] {
  const record = verdict.events[0]?.record;
  const session = record === undefined ? "" : phrase(language, "session", { sid: record.sid, org: record.org });
  return [phrase(language, "title"), session];
}

/** Text from others on one line, without anything invisible or reordering. */
export function plain(text: string): string {
  return text.replace(/[\p{C}\p{Z}]+/gu, " ").trim();
}

/** A length of time: `8 s`, `6 min 50 s`, `1 h 5 min`; never negative. */
export function span(seconds: number): string {
  const total = Math.max(0, seconds);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(total / 3600), "h"], [Math.floor(total / 60) % 60, "min"], [total % 60, "s"],
  ];
  return parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(" ") || "0 s";
}

function phrase(language: Language, name: string, fields: Readonly<Record<string, string | number>> = {}): string {
  const texts: Readonly<Record<string, string>> = STORY_TEXTS[language];
  return (texts[name] ?? "").replace(/\{(\w+)\}/g, (_, field: string) => String(fields[field] ?? ""));
}

class Teller {
  readonly lines: StoryLine[] = [];
  readonly #language: Language;
  readonly #zone: Zone;
  readonly #asked = new Map<string, number>();
  readonly #live = new Map<string, Access>();
  /** Granted, and no word yet on how it was used. */
  readonly #unknown = new Map<string, Decision>();
  #day = "";
  #isGreeted = false;
  #isEnded = false;
  #pausedSeconds = 0;
  #pausedSince: number | undefined;

  constructor(language: Language, zone: Zone) {
    this.#language = language;
    this.#zone = zone;
  }

  happened({ index, record, entry }: StoryEvent): void {
    const at = Date.parse(entry.recorded_at);
    const [text, details] = this.#told({ index, record, entry }, at);
    const note = record.kind === "ask" ? [] : this.#clockNote(Date.parse(record.device_time), at);
    this.#add(index + 1, at, text, [...details, ...note]);
  }

  closed(at: number, count: number): void {
    const details = [...this.#finished([...this.#live.keys()], at)];
    this.#unknown.forEach((decision) => details.push(this.#about(decision, "unknown")));
    if (!this.#isEnded) {
      details.push(this.#say("closed.no_end"));
    }
    this.#add(undefined, at, this.#say("closed", { count }), details);
  }

  #told({ record, entry }: StoryEvent, at: number): Told {
    switch (record.kind) {
      case "hello":
        return [this.#hello(record), []];
      case "ask":
        return this.#ask(record, at);
      case "decision":
        return this.#decision(record, at, entry.expires_at == null ? undefined : Date.parse(entry.expires_at));
      case "revocation":
        return [this.#say(`revoked.${record.cause}`), this.#finished(this.#withDependents(record), at)];
      case "pause":
        return this.#pause(record, at);
      case "end": {
        this.#isEnded = true;
        const text = this.#say(`ended.${record.cause}`) || this.#say("ended.other");
        return [text, this.#finished([...this.#live.keys()], at)];
      }
      case "activity":
        return this.#activity(record);
    }
  }

  #hello(hello: Hello): string {
    if (this.#isGreeted) {
      return this.#say("rejoined");
    }
    this.#isGreeted = true;
    const [platform, version] = [plain(hello.platform), plain(hello.agent_version)];
    return this.#say(platform === "" ? "joined.plain" : "joined", { platform, version });
  }

  #ask(ask: Ask, at: number): Told {
    this.#asked.set(ask.request_id, at);
    const [technician, organisation] = [plain(ask.technician_name), plain(ask.organisation_name)];
    const answer = span(ask.answer_within_s);
    const terms = ask.terms == null ? this.#say("terms", { duration: span(ask.duration_s), answer }) : this.#standing(ask.terms, answer);
    const details = [this.#say("reason", { reason: plain(ask.reason) }), terms];
    return [this.#say(`${ask.capability}.ask`, { technician, organisation }), details];
  }

  /** The terms of a yes given in advance. */
  #standing(terms: Terms, answer: string): string {
    const week = this.#say("weekdays").split(" ");
    const until = Date.parse(terms.until);
    const who = (terms.technicians ?? []).map(({ name }) => plain(name)).join(", ");
    return this.#say("standing", {
      until: this.#date(until),
      time: this.#clock(until),
      days: (terms.days ?? [0, 1, 2, 3, 4, 5, 6]).map((day) => week[day] ?? "").join(", "),
      begin: minute(terms.from_minute ?? 0),
      end: minute(terms.to_minute ?? 24 * 60),
      who: who === "" ? this.#say("everybody") : who,
      answer,
    });
  }

  #decision(decision: Decision, at: number, expiresAt: number | undefined): Told {
    const isPolicy = decision.decided_by === "policy";
    const policy = decision.outcome === "granted" ? "by_rules" : "policy";
    const name = `${decision.capability}.${isPolicy ? policy : decision.outcome}`;
    const details = isPolicy ? [this.#say(policy)] : [];
    if (decision.decided_by === "person") {
      const after = span(between(this.#asked.get(decision.request_id) ?? at, at));
      details.push(this.#say("shown", { language: this.#say(`language.${decision.language}`), after }));
    }
    if (decision.outcome === "granted") {
      const until = expiresAt ?? at + decision.duration_s * 1000;
      this.#live.set(decision.request_id, { decision, since: at, until, pausedBefore: this.#pausedUntil(at) });
      this.#unknown.set(decision.request_id, decision);
      details.push(this.#say("until", { until: this.#clock(until) }));
    }
    if (decision.block === true) {
      details.push(this.#say("blocked"));
    }
    return [this.#say(name, { technician: plain(decision.technician_name) }), details];
  }

  #pause(pause: Pause, at: number): Told {
    if (pause.paused) {
      this.#pausedSince ??= at;
      return [this.#say("paused"), []];
    }
    this.#pausedSeconds = this.#pausedUntil(at);
    this.#pausedSince = undefined;
    return [this.#say("resumed"), []];
  }

  #activity({ request_id, used_s, input }: Activity): Told {
    const decision = this.#unknown.get(request_id);
    this.#unknown.delete(request_id);
    const counts = { moves: 0, clicks: 0, wheel_steps: 0, keys: 0, characters: 0, ...input };
    if (decision === undefined) {
      return ["", []];
    }
    if (used_s === 0 && Object.values(counts).every((count) => count === 0)) {
      return [this.#about(decision, "idle"), []];
    }
    const details = input == null ? [] : [this.#say("input", counts)];
    return [this.#about(decision, "activity", { used: span(used_s) }), details];
  }

  #about(decision: Decision, what: string, fields: Readonly<Record<string, string>> = {}): string {
    return this.#say(`${decision.capability}.${what}`, { technician: plain(decision.technician_name), ...fields });
  }

  /** Seconds of the session so far in which everything was held. */
  #pausedUntil(at: number): number {
    return this.#pausedSeconds + (this.#pausedSince === undefined ? 0 : Math.max(0, between(this.#pausedSince, at)));
  }

  /** The named grants and what cannot go on without them. */
  #withDependents({ grant_ids }: Revocation): readonly string[] {
    const over = grant_ids.map((id) => this.#live.get(id)?.decision).filter((decision) => decision?.capability === "view");
    const resting = [...this.#live]
      .filter(([, { decision }]) => decision.capability === "control")
      .filter(([, { decision }]) => over.some((view) => view?.technician_id === decision.technician_id))
      .map(([id]) => id);
    return [...grant_ids, ...resting];
  }

  #finished(ids: readonly string[], at: number): readonly string[] {
    const details: string[] = [];
    for (const id of ids) {
      const access = this.#live.get(id);
      if (access !== undefined) {
        this.#live.delete(id);
        details.push(this.#used(access, at));
      }
    }
    return details;
  }

  #used({ decision, since, until, pausedBefore }: Access, at: number): string {
    const end = Math.min(until, at);
    const held = Math.max(0, this.#pausedUntil(end) - pausedBefore);
    return this.#say(`${decision.capability}.used${held > 0 ? "_paused" : ""}`, {
      technician: plain(decision.technician_name),
      used: span(between(since, end) - held),
      since: this.#clock(since),
      paused: span(held),
    });
  }

  #clockNote(device: number, server: number): readonly string[] {
    const isNear = Math.abs(between(device, server)) <= SKEW_S;
    return isNear ? [] : [this.#say("device_time", { time: `${this.#date(device)}, ${this.#clock(device)}` })];
  }

  #add(number: number | undefined, at: number, text: string, details: readonly string[]): void {
    const day = this.#date(at);
    this.lines.push({ number, day: day === this.#day ? "" : day, time: this.#clock(at), text, details });
    this.#day = day;
  }

  #clock(at: number): string {
    return this.#local(at).toISOString().slice(-13, -5);
  }

  #date(at: number): string {
    const local = this.#local(at);
    const offset = this.#zone(at);
    const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
    return this.#say("day", {
      weekday: this.#say("weekdays").split(" ")[(local.getUTCDay() + 6) % 7] ?? "",
      day: local.getUTCDate(),
      month: this.#say("months").split(" ")[local.getUTCMonth()] ?? "",
      year: local.getUTCFullYear(),
      zone: `UTC${offset < 0 ? "-" : "+"}${two(hours)}:${two(minutes)}`,
    });
  }

  /** A date whose UTC fields are those of local time. */
  #local(at: number): Date {
    return new Date(at + this.#zone(at) * 60_000);
  }

  #say(name: string, fields?: Readonly<Record<string, string | number>>): string {
    return phrase(this.#language, name, fields);
  }
}

/** Whole seconds, of times cut to whole seconds as they are shown. */
function between(start: number, end: number): number {
  return Math.floor(end / 1000) - Math.floor(start / 1000);
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function minute(ofDay: number): string {
  return `${two(Math.floor(ofDay / 60))}:${two(ofDay % 60)}`;
}
