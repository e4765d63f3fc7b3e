// What stands in a receipt: the same fields, bounds and patterns as beistand/protocol/receipt.py and records.py.
// Anything missing, unknown or out of bounds makes the whole thing unreadable.
import { isObject } from "./jws.ts";
import type { Language } from "./language.ts";
import type { Capability, Cause, InputCounts, Terms } from "./protocol.gen.ts";

export interface Bundle {
  readonly format: "beistand-receipt/1";
  readonly org: string;
  readonly sid: string;
  readonly organisation_name: string;
  readonly technician_name: string;
  readonly agent_key: string;
  readonly consent_key: string;
  readonly created_at: string;
  readonly records: readonly SignedRecord[];
  readonly closing_jws: string | null;
}

export interface SignedRecord {
  readonly jws: string;
  /** Null in a device's own copy, if the service never answered. */
  readonly entry_jws: string | null;
}

interface About {
  readonly org: string;
  readonly sid: string;
}

interface OfDevice extends About {
  readonly seq: number;
  readonly prev: string;
  readonly device_time: string;
}

interface Question extends About {
  readonly request_id: string;
  readonly technician_id: string;
  readonly technician_name: string;
  readonly capability: Capability;
  readonly reason: string;
  readonly nonce: string;
  readonly duration_s: number;
  /** For unattended access. */
  readonly terms?: Terms | null;
}

export interface Ask extends Question {
  readonly kind: "ask";
  readonly organisation_name: string;
  readonly asked_at: string;
  readonly answer_within_s: number;
}

export interface Hello extends OfDevice {
  readonly kind: "hello";
  readonly agent_key: string;
  readonly language: Language;
  readonly platform: string;
  readonly agent_version: string;
  readonly vouch_jws?: string | null;
}

/** An enrolled device's word for the key of one session. */
export interface Vouch extends About {
  readonly device_id: string;
  readonly device_key: string;
  readonly enrolment_hash: string;
  readonly agent_key: string;
}

export interface Decision extends OfDevice, Question {
  readonly kind: "decision";
  readonly ask_hash: string;
  readonly outcome: "granted" | "denied" | "timed_out";
  readonly decided_by: "person" | "policy" | "timeout";
  readonly block?: boolean;
  readonly language: Language;
  readonly text_hash: string;
  /** The key that will stand for the device, in a yes to unattended access. */
  readonly device_key?: string | null;
  /** The standing yes that a yes by policy rests on. */
  readonly enrolment_hash?: string | null;
}

export interface Revocation extends OfDevice {
  readonly kind: "revocation";
  readonly grant_ids: readonly string[];
  readonly cause: Cause;
}

export interface Pause extends OfDevice {
  readonly kind: "pause";
  readonly paused: boolean;
}

export interface End extends OfDevice {
  readonly kind: "end";
  readonly cause: Cause;
}

export interface Activity extends OfDevice {
  readonly kind: "activity";
  readonly request_id: string;
  readonly technician_id: string;
  readonly capability: Capability;
  readonly since: string;
  readonly until: string;
  readonly used_s: number;
  readonly input?: Partial<InputCounts> | null;
}

export type DeviceRecord = Hello | Decision | Revocation | Pause | End | Activity;
export type Recorded = Ask | DeviceRecord;

export interface Entry extends About {
  readonly position: number;
  readonly record_hash: string;
  readonly recorded_at: string;
  readonly expires_at?: string | null;
}

export interface Closing extends About {
  readonly count: number;
  readonly last_entry_hash: string;
  readonly chain_head: string;
  readonly closed_at: string;
}

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Check>>;

const CAUSES: readonly Cause[] = [
  "stop_sharing", "stop_control", "end_session", "technician", "indicator_lost", "expired", "lease_lost",
  "agent_closed", "agent_lost", "view_ended", "admin",
];
const ZONED = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})$/;

const like = (pattern: RegExp): Check => (value) => typeof value === "string" && pattern.test(value);
const text = (least: number, most: number): Check => (value) =>
  typeof value === "string" && value.length >= least && [...value].length <= most;
const whole = (least: number, most = Number.MAX_SAFE_INTEGER): Check => (value) =>
  Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
const oneOf = (...values: readonly unknown[]): Check => (value) => values.includes(value);
const flag = oneOf(true, false);
const time: Check = (value) => like(ZONED)(value) && !Number.isNaN(Date.parse(String(value)));
const maybe = (check: Check): Check => Object.assign((value: unknown) => value == null || check(value), { optional: true });
const list = (check: Check, least: number, most: number): Check => (value) =>
  Array.isArray(value) && value.length >= least && value.length <= most && value.every(check);
const object = (fields: Fields): Check => (value) => {
  const isKnown = isObject(value) && Object.keys(value).every((name) => Object.hasOwn(fields, name));
  return isKnown && Object.entries(fields).every(([name, check]) =>
    Object.hasOwn(value, name) ? check(value[name]) : "optional" in check);
};

const ID = like(/^[A-Za-z0-9_-]{22}$/);
const KEY = like(/^[A-Za-z0-9_-]{43}$/);
const AGENT_KEY = like(/^U[A-Z2-7]{55}$/);
const LANGUAGE = oneOf("de", "en");
const CAPABILITY = oneOf("view", "control", "unattended");
const COUNT: Check = Object.assign(whole(0), { optional: true });
const JWS = text(0, 16 * 1024);
const MAYBE_JWS: Check = (value) => value === null || JWS(value);
const ABOUT: Fields = { org: like(/^[A-Za-z0-9_-]{1,32}$/), sid: ID };
const OF_DEVICE: Fields = { ...ABOUT, seq: whole(0), prev: KEY, device_time: time };
const TERMS = object({
  technicians: list(object({ id: ID, name: text(1, 120) }), 0, 20),
  until: time,
  days: list(whole(0, 6), 1, 7),
  from_minute: whole(0, 24 * 60 - 1),
  to_minute: whole(1, 24 * 60),
});
const QUESTION: Fields = {
  request_id: ID,
  technician_id: ID,
  technician_name: text(1, 120),
  capability: CAPABILITY,
  reason: text(1, 300),
  nonce: ID,
  duration_s: whole(60, 12 * 3600),
  terms: maybe(TERMS),
};

const SHAPES = {
  hello: object({
    ...OF_DEVICE,
    agent_key: AGENT_KEY,
    language: LANGUAGE,
    platform: text(0, 60),
    agent_version: text(0, 30),
    vouch_jws: maybe(text(10, 1024)),
  }),
  ask: object({ ...ABOUT, ...QUESTION, organisation_name: text(1, 120), asked_at: time, answer_within_s: whole(5, 600) }),
  decision: object({
    ...OF_DEVICE,
    ...QUESTION,
    ask_hash: KEY,
    outcome: oneOf("granted", "denied", "timed_out"),
    decided_by: oneOf("person", "policy", "timeout"),
    block: maybe(flag),
    language: LANGUAGE,
    text_hash: KEY,
    device_key: maybe(AGENT_KEY),
    enrolment_hash: maybe(KEY),
  }),
  revocation: object({ ...OF_DEVICE, grant_ids: list(ID, 1, 64), cause: oneOf(...CAUSES) }),
  pause: object({ ...OF_DEVICE, paused: flag }),
  end: object({ ...OF_DEVICE, cause: oneOf(...CAUSES) }),
  activity: object({
    ...OF_DEVICE,
    request_id: ID,
    technician_id: ID,
    capability: CAPABILITY,
    since: time,
    until: time,
    used_s: whole(0, 12 * 3600),
    input: maybe(object({ moves: COUNT, clicks: COUNT, wheel_steps: COUNT, keys: COUNT, characters: COUNT })),
  }),
} as const;

export type Kind = keyof typeof SHAPES;

const VOUCH = object({
  ...ABOUT,
  device_id: ID,
  device_key: AGENT_KEY,
  enrolment_hash: KEY,
  agent_key: AGENT_KEY,
  vouched_at: time,
});

const ENTRY = object({ ...ABOUT, position: whole(0), record_hash: KEY, recorded_at: time, expires_at: maybe(time) });
const CLOSING = object({ ...ABOUT, count: whole(0), last_entry_hash: KEY, chain_head: KEY, closed_at: time });
const BUNDLE = object({
  ...ABOUT,
  format: oneOf("beistand-receipt/1"),
  organisation_name: text(1, 120),
  technician_name: text(1, 120),
  agent_key: AGENT_KEY,
  consent_key: KEY,
  created_at: time,
  records: list(object({ jws: JWS, entry_jws: MAYBE_JWS }), 0, Number.MAX_SAFE_INTEGER),
  closing_jws: MAYBE_JWS,
});

/** The kind of a JOSE `typ`; undefined for one that does not stand in a receipt. */
export function kindOf(typ: string | undefined): Kind | undefined {
  const name = /^beistand-([a-z]+)\+jws$/.exec(typ ?? "")?.[1];
  return name !== undefined && Object.hasOwn(SHAPES, name) ? (name as Kind) : undefined;
}

export function typOf(kind: Kind | "entry" | "closing" | "vouch"): string {
  return `beistand-${kind}+jws`;
}

export function readRecord(kind: Kind, payload: unknown): Recorded | undefined {
  return SHAPES[kind](payload) ? ({ ...(payload as object), kind } as Recorded) : undefined;
}

export function readVouch(payload: unknown): Vouch | undefined {
  return VOUCH(payload) ? (payload as Vouch) : undefined;
}

export function readEntry(payload: unknown): Entry | undefined {
  return ENTRY(payload) ? (payload as Entry) : undefined;
}

export function readClosing(payload: unknown): Closing | undefined {
  return CLOSING(payload) ? (payload as Closing) : undefined;
}

export function readBundle(source: string): Bundle | undefined {
  try {
    const value = JSON.parse(source) as unknown;
    return BUNDLE(value) ? (value as Bundle) : undefined;
  } catch {
    return undefined;
  }
}
