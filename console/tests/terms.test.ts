import { describe, expect, it } from "vitest";
import { TEXTS } from "../src/core/texts/index.ts";
import { dayIn, hoursText, problemOf, termsOf, usualTerms, weekday, type TermsForm } from "../src/core/terms.ts";
import { ME } from "./fixtures.ts";

const NOW = new Date(2026, 10, 24, 15, 30).getTime();
const DAY_MS = 24 * 3600 * 1000;
const form = (more: Partial<TermsForm> = {}): TermsForm => ({ ...usualTerms(NOW), ...more });
const hours = (days: readonly number[], from_minute = 0, to_minute = 1440) => ({ days, from_minute, to_minute });

describe("the usual terms", () => {
  it("are for oneself alone, for fourteen days, and nothing keeps them from being asked", () => {
    expect(usualTerms(NOW)).toMatchObject({ who: "me", lastDay: "2026-12-08", days: [0, 1, 2, 3, 4, 5, 6], allDay: true });
    expect(problemOf(form(), NOW)).toBeUndefined();
  });

  it("go out as the gateway takes them, the last day included", () => {
    const until = new Date(2026, 11, 8, 23, 59, 59).toISOString();
    expect(termsOf(form(), ME, NOW)).toEqual({
      technician_ids: [ME],
      until,
      days: [0, 1, 2, 3, 4, 5, 6],
      from_minute: 0,
      to_minute: 1440,
    });
  });
});

describe("what cannot be asked", () => {
  it.each(["", "tomorrow", "2026-11-23", "2026-13-01", "2026-02-31", "2029-01-01", dayIn(NOW, 91)])("is the last day %j", (lastDay) => {
    expect(problemOf(form({ lastDay }), NOW)).toBe("last_day");
  });

  it("is no day at all", () => {
    expect(problemOf(form({ days: [] }), NOW)).toBe("days");
  });

  it.each([
    ["18:00", "08:00"],
    ["08:00", "08:00"],
    ["", "08:00"],
    ["08:00", ""],
    ["x", "y"],
  ])("are the hours %j to %j", (from, to) => {
    expect(problemOf(form({ allDay: false, from, to }), NOW)).toBe("hours");
    expect(problemOf(form({ allDay: true, from, to }), NOW)).toBeUndefined();
  });

  it("is today in its last minute", () => {
    const late = new Date(2026, 10, 24, 23, 59, 30).getTime();
    expect(problemOf(form({ lastDay: "2026-11-24" }), late)).toBe("last_day");
    expect(problemOf(form({ lastDay: "2026-11-24" }), NOW)).toBeUndefined();
  });
});

describe("terms", () => {
  it("never last longer than ninety days, at whatever time of day they are asked", () => {
    for (const hour of [0, 9, 23]) {
      const now = new Date(2026, 7, 30, hour, 1).getTime();
      const longest = form({ lastDay: dayIn(now, 90) });
      expect(problemOf(longest, now)).toBeUndefined();
      expect(Date.parse(termsOf(longest, ME, now).until)).toBeLessThan(now + 90 * DAY_MS);
    }
  });

  it("for everybody name nobody", () => {
    expect(termsOf(form({ who: "everybody" }), ME, NOW).technician_ids).toEqual([]);
  });

  it("have their days in order, and hours in minutes; midnight is the end of the day", () => {
    const some = termsOf(form({ days: [4, 0], allDay: false, from: "22:15", to: "00:00" }), ME, NOW);
    expect(some).toMatchObject({ days: [0, 4], from_minute: 1335, to_minute: 1440 });
  });
});

describe("days and hours", () => {
  it.each([
    [hours([0, 1, 2, 3, 4, 5, 6]), "Jeden Tag, zu jeder Uhrzeit", "Every day, at any time"],
    [hours([0, 1, 2, 3, 4], 480, 1050), "Mo–Fr, 08:00–17:30", "Mon–Fri, 08:00–17:30"],
    [hours([0, 1, 5], 0, 720), "Mo, Di, Sa, 00:00–12:00", "Mon, Tue, Sat, 00:00–12:00"],
    [hours([6], 1200), "So, 20:00–24:00", "Sun, 20:00–24:00"],
  ])("are told in words: %j", (some, german, english) => {
    expect(hoursText(some, TEXTS.de, "de")).toBe(german);
    expect(hoursText(some, TEXTS.en, "en")).toBe(english);
  });

  it("begin with Monday", () => {
    expect(weekday(0, "de", "long")).toBe("Montag");
    expect(weekday(6, "en", "long")).toBe("Sunday");
  });
});
