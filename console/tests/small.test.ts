import { describe, expect, it } from "vitest";
import { delayBefore } from "../src/core/backoff.ts";
import { subjectOf } from "../src/core/bearer.ts";
import { countdown, offsetFrom, secondsUntil } from "../src/core/clock.ts";
import { grouped } from "../src/core/code.ts";
import { readFromGateway, readFromRelay } from "../src/core/messages.ts";
import { assertNever } from "../src/core/never.ts";
import { at, session } from "./fixtures.ts";

describe("the code", () => {
  it("is read out in three groups", () => {
    expect(grouped("042137958")).toBe("042 137 958");
    expect(grouped("")).toBe("");
  });
});

describe("time", () => {
  it.each([
    [0, "0:00"],
    [9, "0:09"],
    [61, "1:01"],
    [600, "10:00"],
    [3661, "1:01:01"],
  ])("%i seconds are %s", (seconds, text) => {
    expect(countdown(seconds)).toBe(text);
  });

  it("left is never negative, and whole seconds are rounded up", () => {
    expect(secondsUntil(at(10), Date.parse(at(4)) + 1)).toBe(6);
    expect(secondsUntil(at(10), Date.parse(at(40)))).toBe(0);
  });

  it("of the server is known to half a second", () => {
    expect(offsetFrom("Thu, 01 Jan 2026 12:00:30 GMT", Date.parse(at(0)))).toBe(30_500);
    expect(offsetFrom("", 0)).toBeUndefined();
  });
});

describe("waiting before another try", () => {
  it("doubles up to ten seconds, with jitter", () => {
    expect([0, 1, 2, 3].map((attempt) => delayBefore(attempt, 1))).toEqual([250, 500, 1000, 2000]);
    expect(delayBefore(40, 1)).toBe(10_000);
    expect(delayBefore(3, 0)).toBe(1000);
  });
});

describe("the bearer", () => {
  const token = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;

  it("says whose it is", () => {
    expect(subjectOf(token({ iss: "beistand", sub: "technician-0123456789A", exp: 1 }))).toBe("technician-0123456789A");
  });

  it.each([undefined, "", "opaque", "a.b.c", "a.!!.c", token({}), token({ sub: 5 })])("of another kind does not: %s", (other) => {
    expect(subjectOf(other)).toBeUndefined();
  });
});

describe("messages", () => {
  it("of the contract are read", () => {
    expect(readFromRelay('{"type":"relay.control","live":true}')).toEqual({ type: "relay.control", live: true });
    const snapshot = { type: "events.snapshot", session: session(), requests: [], chat: [] };
    expect(readFromGateway(JSON.stringify(snapshot))).toEqual(snapshot);
  });

  it.each(["", "null", "[]", "5", "{}", '{"type":"relay.new"}', '{"type":7}', '{"type":"toString"}', "not json"])(
    "of another kind are none: %s",
    (raw) => {
      expect(readFromRelay(raw)).toBeUndefined();
      expect(readFromGateway(raw)).toBeUndefined();
    },
  );

  it("with an unknown event are none", () => {
    expect(readFromGateway('{"type":"events.event","event":{"type":"beistand.new.v9"}}')).toBeUndefined();
    expect(readFromGateway('{"type":"events.event"}')).toBeUndefined();
  });
});

describe("a case nobody thought of", () => {
  it("is an error", () => {
    expect(() => assertNever("surprise" as never)).toThrow("surprise");
  });
});
