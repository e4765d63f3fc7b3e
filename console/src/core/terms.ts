// Terms of unattended access as a technician fills them in and as people read them. Pure: the time is an argument.
// What holds is what the person signs on their device; the bounds here only spare a refused question.
import type { Language } from "./language.ts";
import type { Texts } from "./texts/index.ts";

/** Terms as `POST /v1/sessions/{id}/requests` takes them; nobody named: every technician of the organisation. */
export interface TermsWanted {
  readonly technician_ids: readonly string[];
  readonly until: string;
  readonly days: readonly number[];
  readonly from_minute: number;
  readonly to_minute: number;
}

export interface TermsForm {
  readonly who: "me" | "everybody";
  /** The last day, `YYYY-MM-DD`, of this computer's calendar. */
  readonly lastDay: string;
  /** 0 is Monday. */
  readonly days: readonly number[];
  readonly allDay: boolean;
  /** `HH:MM` of the device's clock. */
  readonly from: string;
  readonly to: string;
}

export type TermsProblem = "last_day" | "days" | "hours";

/** Days and hours as they stand in `Terms` and `DeviceView`. */
export interface Hours {
  readonly days: readonly number[];
  readonly from_minute: number;
  readonly to_minute: number;
}

export const WEEK: readonly number[] = [0, 1, 2, 3, 4, 5, 6];
export const DEFAULT_DAYS = 14;
export const MAX_DAYS = 90;
const MINUTES_OF_A_DAY = 24 * 60;
const DAY_MS = 24 * 3600 * 1000;
/** The question is checked a moment after it was asked. */
const MARGIN_MS = 60_000;

export function usualTerms(now: number): TermsForm {
  return { who: "me", lastDay: dayIn(now, DEFAULT_DAYS), days: WEEK, allDay: true, from: "08:00", to: "18:00" };
}

/** The calendar day so many days after `now`, as a date field has it. */
export function dayIn(now: number, days: number): string {
  const today = new Date(now);
  const day = new Date(today.getFullYear(), today.getMonth(), today.getDate() + days);
  const parts = [day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, "0"));
  return [String(day.getFullYear()).padStart(4, "0"), ...parts].join("-");
}

/** What keeps this from being asked; undefined if nothing does. */
export function problemOf(form: TermsForm, now: number): TermsProblem | undefined {
  const end = endOf(form.lastDay);
  if (Number.isNaN(end) || end <= now + MARGIN_MS || form.lastDay > dayIn(now, MAX_DAYS)) {
    return "last_day";
  }
  if (form.days.length === 0) {
    return "days";
  }
  const [from, to] = minutesOf(form);
  return from < to ? undefined : "hours";
}

/** The terms of a form without a problem. The longest term ends at this time of the last day. */
export function termsOf(form: TermsForm, me: string, now: number): TermsWanted {
  const [from, to] = minutesOf(form);
  const end = Math.min(endOf(form.lastDay), now + MAX_DAYS * DAY_MS - MARGIN_MS);
  return {
    technician_ids: form.who === "me" ? [me] : [],
    until: new Date(end).toISOString(),
    days: form.days.toSorted((one, other) => one - other),
    from_minute: from,
    to_minute: to,
  };
}

/** `Mon–Fri, 08:00–18:00`. */
export function hoursText({ days, from_minute: from, to_minute: to }: Hours, t: Texts, language: Language): string {
  const isAllDay = from === 0 && to === MINUTES_OF_A_DAY;
  return `${daysText(days, t, language)}, ${isAllDay ? t.devices.allDay : `${clock(from)}–${clock(to)}`}`;
}

export function weekday(day: number, language: Language, width: "short" | "long"): string {
  const aMonday = Date.UTC(2024, 0, 1);
  return new Intl.DateTimeFormat(language, { weekday: width, timeZone: "UTC" }).format(aMonday + day * DAY_MS);
}

function daysText(days: readonly number[], t: Texts, language: Language): string {
  if (days.length === WEEK.length) {
    return t.devices.everyDay;
  }
  return runsOf(days).map((run) => runText(run, language)).join(", ");
}

function runText(run: readonly number[], language: Language): string {
  const names = run.map((day) => weekday(day, language, "short"));
  return names.length < 3 ? names.join(", ") : `${names[0]}–${names.at(-1)}`;
}

/** Neighbouring days together. */
function runsOf(days: readonly number[]): readonly (readonly number[])[] {
  return days.reduce<readonly (readonly number[])[]>((runs, day) => {
    const last = runs.at(-1);
    return last?.at(-1) === day - 1 ? [...runs.slice(0, -1), [...last, day]] : [...runs, [day]];
  }, []);
}

/** First and last second of a day belong to it; NaN if there is no such day. */
function endOf(day: string): number {
  return /^\d{4}-\d{2}-\d{2}$/.test(day) ? new Date(`${day}T23:59:59`).getTime() : Number.NaN;
}

/** NaN where a field is empty. Midnight as an end is the end of the day. */
function minutesOf(form: TermsForm): readonly [number, number] {
  if (form.allDay) {
    return [0, MINUTES_OF_A_DAY];
  }
  return [minuteOf(form.from), minuteOf(form.to) || (form.to === "00:00" ? MINUTES_OF_A_DAY : Number.NaN)];
}

function minuteOf(time: string): number {
  const [hours, minutes] = time.split(":").map(Number);
  return (hours ?? Number.NaN) * 60 + (minutes ?? Number.NaN);
}

function clock(minute: number): string {
  return [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, "0")).join(":");
}
