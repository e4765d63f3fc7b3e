// Whether a receipt is genuine: the same rules, codes and test vectors as beistand/protocol/receipt.py.
import { agentPublicKey, claimedPayload, claimedType, fromBase64url, hashOf, signedPayload, toBase64url, type Crypto } from "./jws.ts";
import {
  kindOf,
  readBundle,
  readClosing,
  readEntry,
  readRecord,
  readVouch,
  typOf,
  type Activity,
  type Ask,
  type Bundle,
  type Closing,
  type Decision,
  type DeviceRecord,
  type Entry,
  type Recorded,
  type SignedRecord,
} from "./receipt-shapes.ts";

export type Problem =
  | "unreadable" | "agent_key" | "consent_key" | "kind" | "entry" | "foreign" | "signature" | "position" | "hello"
  | "chain" | "no_ask" | "answer" | "repeated" | "unknown_grant" | "activity" | "after_end" | "truncated" | "closing";

/** One record that passed every check. */
export interface StoryEvent {
  readonly index: number;
  readonly record: Recorded;
  readonly entry: Entry;
}

/** Keys known from elsewhere; without them a receipt only proves that it is consistent. */
export interface ExpectedKeys {
  readonly agent_key?: string;
  readonly consent_key?: string;
}

/** Genuine if there is no problem. `index`: the first bad record from 0; `events`: what was checked before it. */
export interface Verdict {
  readonly problem?: Problem;
  readonly index?: number;
  readonly events: readonly StoryEvent[];
  readonly bundle?: Bundle;
  readonly closing?: Closing;
  readonly expected: ExpectedKeys;
}

export const MAX_CHARACTERS = 64 * 1024 * 1024;
const GENESIS = "0".repeat(43);
const BY: Readonly<Record<Decision["outcome"], readonly Decision["decided_by"][]>> = {
  granted: ["person", "policy"],
  denied: ["person", "policy"],
  timed_out: ["timeout"],
};
const ASKED = ["nonce", "technician_id", "technician_name", "capability", "reason", "duration_s", "terms"] as const;

/** Checks a whole receipt; rejects only if `crypto` does. */
export async function verify(source: string, crypto: Crypto, expected: ExpectedKeys = {}): Promise<Verdict> {
  const bundle = source.length > MAX_CHARACTERS ? undefined : readBundle(source);
  const agentKey = bundle && agentPublicKey(bundle.agent_key);
  if (bundle === undefined || agentKey === undefined) {
    return { problem: "unreadable", events: [], expected };
  }
  const other = (["agent_key", "consent_key"] as const).find((name) => (expected[name] ?? bundle[name]) !== bundle[name]);
  if (other !== undefined) {
    return { problem: other, events: [], expected };
  }
  const reading = new Reading(bundle, agentKey, consentKeyOf(bundle), crypto);
  try {
    return { events: reading.events, bundle, expected, closing: await reading.readAll() };
  } catch (error) {
    if (!(error instanceof Bad)) {
      throw error;
    }
    const index = error.index === undefined ? {} : { index: error.index };
    return { problem: error.problem, ...index, events: reading.events.slice(0, error.index), bundle, expected };
  }
}

/** 43 characters hold two bits more than the key; all ways to write them mean the same key. */
function consentKeyOf(bundle: Bundle): Uint8Array {
  const [start, last] = [bundle.consent_key.slice(0, 42), bundle.consent_key.slice(42)];
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return fromBase64url(start + (letters[letters.indexOf(last) & ~3] ?? "")) ?? new Uint8Array(32);
}

class Bad extends Error {
  readonly problem: Problem;
  readonly index: number | undefined;

  constructor(problem: Problem, index?: number) {
    super(problem);
    this.problem = problem;
    this.index = index;
  }
}

class Reading {
  readonly events: StoryEvent[] = [];
  readonly #bundle: Bundle;
  readonly #agentKey: Uint8Array;
  readonly #consentKey: Uint8Array;
  readonly #crypto: Crypto;
  readonly #asks = new Map<string, { readonly ask: Ask; readonly hash: string }>();
  readonly #answered = new Set<string>();
  readonly #granted = new Map<string, Decision>();
  readonly #summedUp = new Set<string>();
  /** Hashes of the enrolments that this session's device was vouched for by. */
  readonly #vouched = new Set<string | null | undefined>();
  #seq = 0;
  #head = GENESIS;
  #isEnded = false;

  constructor(bundle: Bundle, agentKey: Uint8Array, consentKey: Uint8Array, crypto: Crypto) {
    this.#bundle = bundle;
    this.#agentKey = agentKey;
    this.#consentKey = consentKey;
    this.#crypto = crypto;
  }

  async readAll(): Promise<Closing> {
    for (const [index, signed] of this.#bundle.records.entries()) {
      try {
        await this.#take(index, signed);
      } catch (error) {
        throw error instanceof Bad ? new Bad(error.problem, index) : error;
      }
    }
    return this.#close();
  }

  async #take(index: number, signed: SignedRecord): Promise<void> {
    const entry = readEntry(await this.#payload(signed.entry_jws, this.#consentKey, typOf("entry"))) ?? bad("entry");
    this.#requireSession(entry);
    const record = await this.#record(signed.jws);
    this.#requireSession(record);
    const hash = await hashOf(signed.jws, this.#crypto);
    require(entry.record_hash === hash, "entry");
    require(entry.position === index, "position");
    require(isCredible(entry.recorded_at), "entry");
    require(!this.#isEnded || record.kind === "activity", "after_end");
    if (record.kind !== "ask") {
      this.#follow(record, hash);
    }
    if (record.kind === "hello" && record.vouch_jws != null) {
      this.#vouched.add(await this.#vouch(record.vouch_jws));
    }
    this.#understand(record, entry, hash);
    this.events.push({ index, record, entry });
  }

  async #close(): Promise<Closing> {
    const { records, closing_jws } = this.#bundle;
    const closing = readClosing(await this.#payload(closing_jws, this.#consentKey, typOf("closing"))) ?? bad("closing");
    require(closing.org === this.#bundle.org && closing.sid === this.#bundle.sid, "closing");
    if (closing.count !== records.length) {
      throw closing.count > records.length ? new Bad("truncated", records.length) : new Bad("closing", closing.count);
    }
    require(this.#seq > 0, "hello");
    const last = await hashOf(records.at(-1)?.entry_jws ?? "", this.#crypto);
    require(closing.last_entry_hash === last && closing.chain_head === this.#head, "closing");
    return closing;
  }

  async #record(jws: string): Promise<Recorded> {
    const kind = kindOf(claimedType(jws, this.#crypto)) ?? bad("kind");
    const key = kind === "ask" ? this.#consentKey : this.#agentKey;
    return readRecord(kind, await this.#payload(jws, key, typOf(kind))) ?? bad("signature");
  }

  /** In a session nobody sat in: the hash of the standing yes the device has come by. */
  async #vouch(jws: string): Promise<string> {
    const deviceKey = readVouch(claimedPayload(jws, this.#crypto))?.device_key ?? bad("hello");
    const key = agentPublicKey(deviceKey) ?? bad("hello");
    const vouch = readVouch(await this.#payload(jws, key, typOf("vouch"))) ?? bad("hello");
    const id = fromBase64url(await hashOf(deviceKey, this.#crypto))?.slice(0, 16);
    const { org, sid, agent_key } = this.#bundle;
    const isSame = vouch.org === org && vouch.sid === sid && vouch.agent_key === agent_key;
    require(isSame && id !== undefined && toBase64url(id) === vouch.device_id, "hello");
    return vouch.enrolment_hash;
  }

  async #payload(jws: string | null, key: Uint8Array, typ: string): Promise<unknown> {
    return jws === null ? undefined : signedPayload(jws, key, typ, this.#crypto);
  }

  #requireSession(record: { readonly org: string; readonly sid: string }): void {
    require(record.org === this.#bundle.org && record.sid === this.#bundle.sid, "foreign");
  }

  /** The device's own chain: a hello first, then each after the one before. */
  #follow(record: DeviceRecord, hash: string): void {
    require(this.#seq > 0 || record.kind === "hello", "hello");
    require(record.kind !== "hello" || record.agent_key === this.#bundle.agent_key, "hello");
    require(record.seq === this.#seq && record.prev === this.#head, "chain");
    this.#seq += 1;
    this.#head = hash;
  }

  #understand(record: Recorded, entry: Entry, hash: string): void {
    if (record.kind === "ask") {
      require(!this.#asks.has(record.request_id), "repeated");
      this.#asks.set(record.request_id, { ask: record, hash });
    } else if (record.kind === "decision") {
      this.#decide(record, entry);
    } else if (record.kind === "revocation") {
      require(record.grant_ids.every((id) => this.#granted.has(id)), "unknown_grant");
      require(!record.grant_ids.some((id) => this.#summedUp.has(id)), "activity");
    } else if (record.kind === "activity") {
      this.#sumUp(record);
    }
    this.#isEnded ||= record.kind === "end";
  }

  #sumUp(activity: Activity): void {
    const { request_id, technician_id, capability, used_s, since, until } = activity;
    const decision = this.#granted.get(request_id) ?? bad("unknown_grant");
    require(technician_id === decision.technician_id && capability === decision.capability, "activity");
    require((activity.input != null) === (capability === "control"), "activity");
    require(used_s <= Math.min(wholeSeconds(since, until) + 1, decision.duration_s), "activity");
    require(!this.#summedUp.has(request_id), "repeated");
    this.#summedUp.add(request_id);
  }

  #decide(decision: Decision, entry: Entry): void {
    const { ask, hash } = this.#asks.get(decision.request_id) ?? bad("no_ask");
    require(decision.ask_hash === hash && ASKED.every((name) => isSame(decision[name], ask[name])), "answer");
    require(BY[decision.outcome].includes(decision.decided_by), "answer");
    if (decision.outcome === "granted" && decision.decided_by === "policy") {
      require(decision.capability !== "unattended", "answer");
      require(decision.enrolment_hash != null && this.#vouched.has(decision.enrolment_hash), "answer");
    }
    require(!this.#answered.has(decision.request_id), "repeated");
    this.#answered.add(decision.request_id);
    if (decision.outcome === "granted") {
      const latest = Date.parse(entry.recorded_at) + decision.duration_s * 1000;
      require(entry.expires_at == null || Date.parse(entry.expires_at) <= latest, "entry");
      this.#granted.set(decision.request_id, decision);
    }
  }
}

/** To the letter: a device that repeats what it was asked repeats its terms as they were written. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

/** Rounded so that no honest count is longer. */
function wholeSeconds(since: string, until: string): number {
  return Math.floor(Date.parse(until) / 1000) - Math.floor(Date.parse(since) / 1000);
}

function isCredible(at: string): boolean {
  const year = Number(at.slice(0, 4));
  return year >= 2000 && year < 9999;
}

function require(holds: boolean, problem: Problem): void {
  if (!holds) {
    bad(problem);
  }
}

function bad(problem: Problem): never {
  throw new Bad(problem);
}
