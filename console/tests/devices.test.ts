import { describe, expect, it } from "vitest";
import { ApiError } from "../src/core/api.ts";
import { forWhom, inOrder, matching, OVER, refusalText, standingOf } from "../src/core/devices.ts";
import type { DeviceState, DeviceView } from "../src/core/protocol.gen.ts";
import { hashOf, routeOf, type Route } from "../src/core/routes.ts";
import { TEXTS } from "../src/core/texts/index.ts";
import { at, ME, SID } from "./fixtures.ts";

const device = (more: Partial<DeviceView> = {}): DeviceView => ({
  id: "device-000123456789012",
  name: "Front desk",
  platform: "Linux",
  state: "enrolled",
  online: true,
  enrolled_at: at(0),
  enrolled_by: "Mira",
  until: at(50),
  technicians: [],
  days: [0],
  from_minute: 0,
  to_minute: 1440,
  zone: "Europe/Berlin",
  ...more,
});

describe("a device", () => {
  it.each([
    ["enrolled", true, "online"],
    ["enrolled", false, "offline"],
    ["paused", true, "paused"],
    ["withdrawn", true, "withdrawn"],
    ["given_up", false, "given_up"],
    ["cloned", false, "cloned"],
  ] as const)("that is %s, online %s, stands as %s", (state, online, standing) => {
    expect(standingOf(device({ state, online }))).toBe(standing);
  });

  it("that is paused can go on; one that is over cannot", () => {
    const states = (Object.keys(OVER) as DeviceState[]).filter((state) => OVER[state]);
    expect(states).toEqual(["withdrawn", "given_up", "cloned"]);
  });

  it("is for those the person named, or for everybody", () => {
    const technicians = [{ id: ME, name: "Mira" }, { id: ME, name: "Jonas" }];
    expect(forWhom(device({ technicians }), TEXTS.en)).toBe("Mira, Jonas");
    expect(forWhom(device(), TEXTS.en)).toBe("All technicians of the organisation");
  });
});

describe("the list of devices", () => {
  it("puts last what is over, and keeps the order otherwise", () => {
    const all = [device({ name: "a", state: "withdrawn" }), device({ name: "b" }), device({ name: "c", state: "paused" })];
    expect(inOrder(all).map(({ name }) => name)).toEqual(["b", "c", "a"]);
  });

  it.each([
    ["", 2],
    ["  ", 2],
    ["DESK", 1],
    ["linux desk", 1],
    ["windows desk", 0],
  ])("finds by %j", (sought, count) => {
    expect(matching([device(), device({ name: "Store", platform: "Windows" })], sought)).toHaveLength(count);
  });
});

describe("a refused start", () => {
  it("names the rule in the page's words", () => {
    const refused = new ApiError("outside_terms", 403, "wrong_hour: Outside the allowed hours.");
    expect(refusalText(refused, TEXTS.de)).toBe(TEXTS.de.devices.rule.wrong_hour);
  });

  it.each(["", "new_rule: who knows", "toString: no", "wrong hour"])("says what it can about %j", (detail) => {
    expect(refusalText(new ApiError("outside_terms", 403, detail), TEXTS.en)).toBe(TEXTS.en.failure.outside_terms);
  });

  it("of another kind is told as everywhere", () => {
    const refused = new ApiError("device_offline", 503, "paused: not a rule here");
    expect(refusalText(refused, TEXTS.en)).toBe(TEXTS.en.failure.device_offline);
  });
});

describe("an address", () => {
  const routes: readonly Route[] = [{ page: "sessions" }, { page: "devices" }, { page: "session", id: SID }];

  it.each(routes)("leads back to its page: %j", (route) => {
    expect(routeOf(hashOf(route))).toEqual(route);
  });

  it.each(["", "#", "#/devices/", "#/sessions/short", "#/other", "#/sessions/../devices"])("of no page is the list: %j", (hash) => {
    expect(routeOf(hash)).toEqual({ page: "sessions" });
  });
});
